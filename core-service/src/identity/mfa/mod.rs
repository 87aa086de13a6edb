//! Second factors: what signing in demands besides the password of those who want it.
//!
//! Rules: a factor is enrolled by a session that proved who it is a short while ago, and only with a verified address, so
//! that whoever registers another's address cannot lock its owner out; with the first factor come recovery codes, shown
//! once; a code is good once; nothing skips a factor but a recovery code or a device that was trusted after one, for a
//! while; a password reset does not, and takes trust back from all devices.

pub(super) mod answer;
pub(super) mod challenge;
pub(super) mod devices;
mod email_code;
pub(super) mod enrol;
mod factor;
mod recovery;
mod totp;

use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use self::factor::reseal;
pub(super) use self::factor::{Factors, of_user};
use super::user::User;
use crate::app::AppState;
use crate::problem::{Problem, Result, kinds};

/// How a second factor is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A code of an authenticator app (RFC 6238).
    Totp,
    /// A code that was mailed for this sign-in.
    Email,
    /// One of the recovery codes.
    RecoveryCode,
}

/// 401 that says how to go on: the first step was right, and `mfa.challenge` goes with a second factor to `auth/mfa`.
pub(super) async fn demand(connection: &mut PgConnection, user: Uuid, factors: &Factors) -> Result<Problem> {
    let (token, life) = challenge::begin(connection, user).await?;
    let mfa = json!({ "challenge": token.text(), "methods": factors.methods(), "expires_in": life.as_secs() });
    Ok(Problem::unauthorized(&kinds::MFA_REQUIRED)
        .detail("So far it is right. Give a second factor at auth/mfa, or sign in with a passkey.")
        .with("mfa", mfa))
}

/// 400 unless `code` is right; it cannot be used again.
pub(super) async fn check(
    connection: &mut PgConnection,
    app: &AppState,
    user: &User,
    method: Method,
    code: &str,
) -> Result<()> {
    let right = match method {
        Method::Totp => factor::take_totp(connection, app, user.id, code).await?,
        Method::Email => email_code::take(connection, app, user.id, code).await?,
        Method::RecoveryCode => recovery::take(connection, app, user, code).await?,
    };
    if right { Ok(()) } else { Err(super::mailed_code::invalid()) }
}

/// Forgets what is over.
pub(super) async fn forget_old(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    challenge::forget_old(&mut *connection).await?;
    devices::forget_old(connection).await
}

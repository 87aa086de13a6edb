//! Invitations by mail.
//!
//! Rules: an invitation is to one address, which has one in a workspace at the most; its code is in the mail alone, is good
//! once and for a week, and is stored as a hash; only the account with that address can accept it, with the code or with the
//! address verified, so a forwarded mail lets nobody in; it gives nothing that who invited cannot give, when it is written
//! and again when it is accepted; that an address has an account is told to nobody.

mod accept;
mod create;
mod delete;
mod list;
mod look;
mod model;
mod own;
mod resend;

use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list::list, create::create))
        .routes(routes!(delete::delete))
        .routes(routes!(resend::resend))
        .routes(routes!(look::look))
        .routes(routes!(accept::accept))
        .routes(routes!(own::list))
        .routes(routes!(own::accept))
}

/// Forgets what nobody accepted.
pub(crate) async fn forget_old(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM invitations WHERE expires_at < now() - interval '30 days'")
        .execute(connection)
        .await
        .map(drop)
}

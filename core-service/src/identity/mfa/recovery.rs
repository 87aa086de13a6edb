//! Recovery codes: ten, shown once, each good once instead of another factor.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::identity::code::Code;
use crate::identity::letters::{self, Page, Reader};
use crate::identity::user::User;
use crate::mail::Template;
use crate::problem::{Problem, Result};

const HOW_MANY: usize = 10;

/// New codes instead of all that there are.
pub(super) async fn renew(connection: &mut PgConnection, user: Uuid) -> Result<Vec<String>> {
    let codes = (0..HOW_MANY).map(|_| Code::new().map_err(Problem::internal)).collect::<Result<Vec<Code>>>()?;
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.hash().to_vec()).collect();
    remove(&mut *connection, user).await?;
    sqlx::query!("INSERT INTO recovery_codes (user_id, hash) SELECT $1, unnest($2::bytea[])", user, &hashes)
        .execute(connection)
        .await?;
    Ok(codes.iter().map(Code::text).collect())
}

/// Whether it is one of the user's codes, who is told of its use.
pub(super) async fn take(connection: &mut PgConnection, app: &AppState, user: &User, typed: &str) -> Result<bool> {
    let Some(code) = Code::read(typed) else { return Ok(false) };
    let taken = sqlx::query!("DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2", user.id, &code.hash()[..])
        .execute(&mut *connection)
        .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    let left = sqlx::query_scalar!(r#"SELECT count(*) AS "left!" FROM recovery_codes WHERE user_id = $1"#, user.id)
        .fetch_one(&mut *connection)
        .await?;
    let event = Event::by_user(user.id, Action::RecoveryUsed).with(json!({ "left": left }));
    audit::record(&mut *connection, event).await?;
    let language = User::language(&mut *connection, user.id).await?;
    let reader = Reader { email: &user.email, language: &language };
    let data = json!({ "left": left.to_string(), "link": Page::ForgotPassword.link(app, None) });
    let reason = format!("recovery code used {}", Uuid::now_v7());
    letters::write(connection, app, reader, Template::RecoveryCodeUsed, &reason, data).await?;
    Ok(true)
}

/// Makes all codes useless.
pub(super) async fn remove(connection: &mut PgConnection, user: Uuid) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM recovery_codes WHERE user_id = $1", user).execute(connection).await.map(drop)
}

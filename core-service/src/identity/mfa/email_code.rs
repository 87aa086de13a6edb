//! Short codes by mail, as a second factor: eight digits, good once, for ten minutes. There is one at a time.

use serde_json::json;
use sqlx::PgConnection;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::app::AppState;
use crate::identity::letters::{self, Reader};
use crate::identity::user::User;
use crate::mail::Template;
use crate::problem::{Problem, Result, kinds};
use crate::vault::{mac, random};

const MINUTES: i32 = 10;

/// Nobody gets more within an hour.
const MOST_AN_HOUR: i32 = 5;

/// Mails a new code; the one before is useless from now on.
pub(super) async fn send(connection: &mut PgConnection, app: &AppState, user: &User) -> Result<()> {
    let number = u64::from_be_bytes(random().map_err(Problem::internal)?) % 100_000_000;
    let code = format!("{number:08}");
    let sent = sqlx::query!(
        "INSERT INTO sign_in_codes AS c (user_id, code, expires_at, sent, since)
         VALUES ($1, $2, now() + make_interval(mins => $3), 1, now())
         ON CONFLICT (user_id) DO UPDATE SET code = excluded.code, expires_at = excluded.expires_at,
           sent = CASE WHEN c.since < now() - interval '1 hour' THEN 1 ELSE c.sent + 1 END,
           since = CASE WHEN c.since < now() - interval '1 hour' THEN now() ELSE c.since END
         WHERE c.sent < $4 OR c.since < now() - interval '1 hour'",
        user.id,
        &stored(app, user.id, &code)[..],
        MINUTES,
        MOST_AN_HOUR
    )
    .execute(&mut *connection)
    .await?;
    if sent.rows_affected() == 0 {
        return Err(Problem::new(&kinds::TOO_MANY_ATTEMPTS)
            .detail("Too many codes were mailed. Please wait, or use another factor.")
            .retry_after(3600));
    }
    let language = User::language(&mut *connection, user.id).await?;
    let reader = Reader { email: &user.email, language: &language };
    let data = json!({ "code": code, "minutes": MINUTES.to_string() });
    let reason = format!("sign-in code {}", Uuid::now_v7());
    letters::write(connection, app, reader, Template::SignInCode, &reason, data).await?;
    Ok(())
}

/// Whether it is the code that was mailed last.
pub(super) async fn take(connection: &mut PgConnection, app: &AppState, user: Uuid, typed: &str) -> Result<bool> {
    let known = sqlx::query_scalar!(
        r#"SELECT code AS "code!" FROM sign_in_codes
           WHERE user_id = $1 AND code IS NOT NULL AND expires_at > now() FOR UPDATE"#,
        user
    )
    .fetch_optional(&mut *connection)
    .await?;
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let right = known.is_some_and(|known| known.ct_eq(&stored(app, user, &typed)).into());
    if right {
        sqlx::query!("UPDATE sign_in_codes SET code = NULL WHERE user_id = $1", user).execute(connection).await?;
    }
    Ok(right)
}

fn stored(app: &AppState, user: Uuid, code: &str) -> [u8; 32] {
    mac(&app.identity.guess_key, &[b"sign-in code", user.as_bytes(), code.as_bytes()])
}

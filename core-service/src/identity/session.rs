//! Sessions and their families of refresh tokens.

use std::time::Duration;

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::refresh_token::RefreshToken;
use crate::vault::random;

/// A session, as its user sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id, the `sid` of its access tokens.
    pub id: Uuid,
    /// When the user signed in.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last refreshed.
    #[serde(with = "time::serde::rfc3339")]
    pub refreshed_at: OffsetDateTime,
    /// When it ends unless it is refreshed.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The client that signed in, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The address it signed in from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Where a sign-in came from.
#[derive(Debug, Default, Clone)]
pub(super) struct Origin {
    pub(super) user_agent: Option<String>,
    pub(super) address: Option<String>,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Because {
    Logout,
    Revoked,
    RefreshReuse,
}

impl Because {
    fn word(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::RefreshReuse => "refresh-reuse",
        }
    }
}

/// What became of a refresh.
pub(super) enum Refreshed {
    /// The session goes on with this token.
    Renewed { user: Uuid, session: Uuid, token: RefreshToken },
    /// The token was replaced before: its session, a stolen one perhaps, was ended.
    Reused { session: Uuid },
    /// No such token, or its session is over.
    Unknown,
}

/// Begins a session: its id and first refresh token.
pub(super) async fn begin(
    connection: &mut PgConnection,
    key: &[u8; 32],
    user: Uuid,
    origin: &Origin,
    life: Duration,
) -> anyhow::Result<(Uuid, RefreshToken)> {
    let session = Uuid::now_v7();
    let seed: [u8; 32] = random()?;
    let token = RefreshToken::derive(key, session, &seed, 0);
    sqlx::query!(
        "WITH new AS (
           INSERT INTO sessions (id, user_id, seed, expires_at, user_agent, address)
           VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5, $6) RETURNING id
         )
         INSERT INTO refresh_tokens (hash, session_id, generation) SELECT $7, id, 0 FROM new",
        session,
        user,
        &seed[..],
        life.as_secs_f64(),
        origin.user_agent,
        origin.address,
        &token.hash()[..]
    )
    .execute(connection)
    .await?;
    Ok((session, token))
}

/// Exchanges a refresh token for its successor.
pub(super) async fn refresh(
    connection: &mut PgConnection,
    key: &[u8; 32],
    presented: &RefreshToken,
    life: Duration,
    grace: Duration,
) -> Result<Refreshed, sqlx::Error> {
    // The lock on the session puts racing clients in a row: each sees what the one before it did.
    let row = sqlx::query!(
        r#"SELECT s.id, s.user_id, s.seed, s.generation, t.generation AS presented,
                  (s.ended_at IS NULL AND s.expires_at > now()) AS "alive!",
                  (s.rotated_at >= clock_timestamp() - make_interval(secs => $2)) AS "just_now!"
           FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
           WHERE t.hash = $1
           FOR UPDATE OF s"#,
        &presented.hash()[..],
        grace.as_secs_f64()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row.filter(|row| row.alive) else {
        return Ok(Refreshed::Unknown);
    };
    let (session, user) = (row.id, row.user_id);
    let token = |generation| RefreshToken::derive(key, session, &row.seed, generation);
    if row.presented == row.generation {
        let token = token(row.generation + 1);
        sqlx::query!(
            "WITH rotated AS (
               UPDATE sessions SET generation = generation + 1, rotated_at = clock_timestamp(),
                 expires_at = now() + make_interval(secs => $2)
               WHERE id = $1 RETURNING id, generation
             )
             INSERT INTO refresh_tokens (hash, session_id, generation) SELECT $3, id, generation FROM rotated",
            session,
            life.as_secs_f64(),
            &token.hash()[..]
        )
        .execute(connection)
        .await?;
        return Ok(Refreshed::Renewed { user, session, token });
    }
    if row.presented == row.generation - 1 && row.just_now {
        let token = token(row.generation);
        return Ok(Refreshed::Renewed { user, session, token });
    }
    end(connection, session, user, Because::RefreshReuse).await?;
    Ok(Refreshed::Reused { session })
}

/// Ends a living session of `user`; whether there was one.
pub(super) async fn end(
    connection: &mut PgConnection,
    session: Uuid,
    user: Uuid,
    because: Because,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = now(), ended_because = $3
         WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > now()",
        session,
        user,
        because.word()
    )
    .execute(connection)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// The user's living sessions, newest first, older than `before`.
pub(super) async fn list(
    connection: &mut PgConnection,
    user: Uuid,
    current: Uuid,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<Session>, sqlx::Error> {
    sqlx::query_as!(
        Session,
        r#"SELECT id, created_at, rotated_at AS refreshed_at, expires_at, user_agent, address,
                  id = $2 AS "current!"
           FROM sessions
           WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now() AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        user,
        current,
        before,
        most
    )
    .fetch_all(connection)
    .await
}

/// Forgets sessions that are long over, and refresh tokens that could not be used any more even were they current.
pub(super) async fn forget_old(connection: &mut PgConnection, life: Duration) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM sessions
         WHERE expires_at < now() - interval '7 days' OR ended_at < now() - interval '30 days'"
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM refresh_tokens WHERE created_at < now() - make_interval(secs => $1)", life.as_secs_f64())
        .execute(connection)
        .await
        .map(drop)
}

//! Sessions and their families of refresh tokens.

use std::time::Duration;

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::caller::UserSession;
use super::device;
use super::opaque::Opaque;
use super::refresh_token;
use super::support::Support;
use crate::vault::random;

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    /// Without a refresh.
    pub(crate) idle: Duration,
    /// Whatever happens.
    pub(crate) longest: Duration,
}

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
    /// The client that signed in, in a few words: a hint, since a client says of itself what it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Firefox on Linux")]
    pub device: Option<String>,
    /// The same in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The address it signed in from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether a second factor was given in it.
    pub mfa: bool,
    /// Who acts in it, if it is support in the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support: Option<Uuid>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Where a sign-in came from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) user_agent: Option<String>,
    pub(super) address: Option<String>,
    /// The language that the client would like, among ours.
    pub(super) language: &'static str,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Because {
    Logout,
    Revoked,
    RefreshReuse,
    /// The password was changed.
    Password,
    /// The workspace does not let support in any more.
    SupportConsent,
}

impl Because {
    /// As it is stored.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::RefreshReuse => "refresh-reuse",
            Self::Password => "password",
            Self::SupportConsent => "support-consent",
        }
    }
}

/// What became of a refresh.
pub(super) enum Refreshed {
    /// The session goes on with this token.
    Renewed { caller: UserSession, token: Opaque },
    /// The token was replaced before: its session, a stolen one perhaps, was ended.
    Reused { user: Uuid, session: Uuid },
    /// No such token, or its session is over.
    Unknown,
}

/// Begins a session: its id and first refresh token.
pub(super) async fn begin(
    connection: &mut PgConnection,
    key: &[u8; 32],
    user: Uuid,
    origin: &Origin,
    life: Life,
    mfa: bool,
) -> anyhow::Result<(Uuid, Opaque)> {
    let session = Uuid::now_v7();
    let seed: [u8; 32] = random()?;
    let token = refresh_token::derive(key, session, &seed, 0);
    sqlx::query!(
        "WITH new AS (
           INSERT INTO sessions (id, user_id, seed, expires_at, authenticated_at, user_agent, address, mfa)
           VALUES ($1, $2, $3, now() + make_interval(secs => $4), now(), $5, $6, $7) RETURNING id
         )
         INSERT INTO refresh_tokens (hash, session_id, generation) SELECT $8, id, 0 FROM new",
        session,
        user,
        &seed[..],
        life.idle.min(life.longest).as_secs_f64(),
        origin.user_agent,
        origin.address,
        mfa,
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
    presented: &Opaque,
    life: Life,
    grace: Duration,
) -> Result<Refreshed, sqlx::Error> {
    // The lock on the session puts racing clients in a row: each sees what the one before it did.
    let row = sqlx::query!(
        r#"SELECT s.id, s.user_id, s.mfa, s.impersonator_id, s.support_workspace, s.seed, s.generation, t.generation AS presented,
                  (s.ended_at IS NULL AND s.expires_at > now()
                    AND s.created_at + make_interval(secs => $3) > now()) AS "alive!",
                  (s.rotated_at >= clock_timestamp() - make_interval(secs => $2)) AS "just_now!"
           FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
           WHERE t.hash = $1
           FOR UPDATE OF s"#,
        &presented.hash()[..],
        grace.as_secs_f64(),
        life.longest.as_secs_f64()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row.filter(|row| row.alive) else {
        return Ok(Refreshed::Unknown);
    };
    let (session, user) = (row.id, row.user_id);
    let support = row.impersonator_id.zip(row.support_workspace).map(|(by, workspace)| Support { by, workspace });
    let caller = UserSession { user, session, mfa: row.mfa, support };
    let token = |generation| refresh_token::derive(key, session, &row.seed, generation);
    if row.presented == row.generation {
        let token = token(row.generation + 1);
        sqlx::query!(
            "WITH rotated AS (
               UPDATE sessions SET generation = generation + 1, rotated_at = clock_timestamp(),
                 expires_at = least(now() + make_interval(secs => $2), created_at + make_interval(secs => $3), not_after)
               WHERE id = $1 RETURNING id, generation
             )
             INSERT INTO refresh_tokens (hash, session_id, generation) SELECT $4, id, generation FROM rotated",
            session,
            life.idle.as_secs_f64(),
            life.longest.as_secs_f64(),
            &token.hash()[..]
        )
        .execute(connection)
        .await?;
        return Ok(Refreshed::Renewed { caller, token });
    }
    if row.presented == row.generation - 1 && row.just_now {
        let token = token(row.generation);
        return Ok(Refreshed::Renewed { caller, token });
    }
    end(connection, session, user, Because::RefreshReuse).await?;
    Ok(Refreshed::Reused { user, session })
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

/// Ends all living sessions of `user`, or all but one; how many there were.
pub(super) async fn end_all(
    connection: &mut PgConnection,
    user: Uuid,
    except: Option<Uuid>,
    because: Because,
) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = now(), ended_because = $3
         WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $2",
        user,
        except,
        because.word()
    )
    .execute(connection)
    .await?;
    Ok(ended.rows_affected())
}

/// Notes that the user has just proved in this session who they are.
pub(super) async fn authenticated(connection: &mut PgConnection, session: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE sessions SET authenticated_at = now() WHERE id = $1 AND ended_at IS NULL", session)
        .execute(connection)
        .await
        .map(drop)
}

/// Notes that the user has given a second factor in this session. Its next access token says so.
pub(super) async fn gave_factor(connection: &mut PgConnection, session: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE sessions SET mfa = true WHERE id = $1", session).execute(connection).await.map(drop)
}

/// Whether the user has proved in this session, no longer ago than `life`, who they are.
pub(super) async fn authenticated_within(
    connection: &mut PgConnection,
    caller: &UserSession,
    life: Duration,
) -> Result<bool, sqlx::Error> {
    let recent = sqlx::query_scalar!(
        r#"SELECT coalesce(authenticated_at > now() - make_interval(secs => $2), false) AS "recent!"
           FROM sessions WHERE id = $1 AND user_id = $3 AND ended_at IS NULL"#,
        caller.session,
        life.as_secs_f64(),
        caller.user
    );
    Ok(recent.fetch_optional(connection).await?.unwrap_or(false))
}

/// The user's living sessions, newest first, older than `before`.
pub(super) async fn list(
    connection: &mut PgConnection,
    user: Uuid,
    current: Uuid,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<Session>, sqlx::Error> {
    sqlx::query!(
        r#"SELECT id, created_at, rotated_at AS refreshed_at, expires_at, user_agent, address, mfa,
                  impersonator_id, id = $2 AS "current!"
           FROM sessions
           WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now() AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        user,
        current,
        before,
        most
    )
    .map(|row| Session {
        id: row.id,
        created_at: row.created_at,
        refreshed_at: row.refreshed_at,
        expires_at: row.expires_at,
        device: row.user_agent.as_deref().and_then(device::name),
        user_agent: row.user_agent,
        address: row.address,
        mfa: row.mfa,
        support: row.impersonator_id,
        current: row.current,
    })
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
    sqlx::query!("DELETE FROM ended_sessions WHERE ended_at < now() - interval '7 days'")
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM refresh_tokens WHERE created_at < now() - make_interval(secs => $1)", life.as_secs_f64())
        .execute(connection)
        .await
        .map(drop)
}

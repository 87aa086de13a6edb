//! Devices that are not asked for a second factor: `/api/v1/me/devices`.

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::{Json, Page, PageQuery, Path, Query};
use crate::identity::caller::UserSession;
use crate::identity::device;
use crate::identity::opaque::Opaque;
use crate::identity::session::Origin;
use crate::problem::{self, Problem, Result};

/// A device that is not asked for a second factor.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrustedDevice {
    /// Its id.
    id: Uuid,
    /// What it is, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// From where trust was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Since when it is trusted.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last used to sign in.
    #[serde(with = "time::serde::rfc3339")]
    seen_at: OffsetDateTime,
    /// Until when it is trusted.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// List trusted devices
#[utoipa::path(
    get,
    path = "/api/v1/me/devices",
    operation_id = "identity.devices.list",
    tag = "identity",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of devices", body = Page<TrustedDevice>),
        problem::Always, problem::InSession,
    ),
    security(("bearer" = [])),
)]
pub async fn list(
    State(app): State<AppState>,
    caller: UserSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TrustedDevice>>> {
    let after = query.after::<Uuid>()?;
    let mut tx = app.database.begin_read(&Scope::identity()).await?;
    let devices = of_user(&mut tx, caller.user, after, query.limit.and_one()).await?;
    Ok(Json(Page::of(devices, query.limit, |last| last.id)))
}

/// Trust a device no longer
#[utoipa::path(
    delete,
    path = "/api/v1/me/devices/{device}",
    operation_id = "identity.devices.remove",
    tag = "identity",
    params(("device" = Uuid, Path, description = "The device")),
    responses(
        (status = 204, description = "It is asked for a second factor again"),
        problem::Always, problem::InSession, problem::Lookup,
    ),
    security(("bearer" = [])),
)]
pub async fn remove(State(app): State<AppState>, caller: UserSession, Path(device): Path<Uuid>) -> Result<StatusCode> {
    let mut tx = app.database.begin(&Scope::identity()).await?;
    let removed = sqlx::query!("DELETE FROM trusted_devices WHERE id = $1 AND user_id = $2", device, caller.user)
        .execute(&mut *tx)
        .await?;
    if removed.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    audit::record(&mut tx, Event::by(&caller, Action::DeviceRemoved).about("device", device)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A user's trusted devices, oldest first.
pub(in crate::identity) async fn of_user(
    connection: &mut PgConnection,
    user: Uuid,
    after: Option<Uuid>,
    most: i64,
) -> std::result::Result<Vec<TrustedDevice>, sqlx::Error> {
    sqlx::query!(
        "SELECT id, user_agent, address, created_at, seen_at, expires_at FROM trusted_devices
         WHERE user_id = $1 AND expires_at > now() AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
        user,
        after,
        most
    )
    .map(|row| TrustedDevice {
        id: row.id,
        device: row.user_agent.as_deref().and_then(device::name),
        address: row.address,
        created_at: row.created_at,
        seen_at: row.seen_at,
        expires_at: row.expires_at,
    })
    .fetch_all(connection)
    .await
}

/// Trusts the device of a request from now on: its token.
pub(super) async fn trust(
    connection: &mut PgConnection,
    app: &AppState,
    user: Uuid,
    origin: &Origin,
) -> Result<Opaque> {
    let token = Opaque::new().map_err(Problem::internal)?;
    let id = Uuid::now_v7();
    audit::record(&mut *connection, Event::by_user(user, Action::DeviceTrusted).about("device", id)).await?;
    sqlx::query!(
        "INSERT INTO trusted_devices (id, user_id, hash, user_agent, address, expires_at)
         VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))",
        id,
        user,
        &token.hash()[..],
        origin.user_agent,
        origin.address,
        app.config.identity.trusted_device_life.as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok(token)
}

/// Whether it is the token of a device that the user trusts.
pub(in crate::identity) async fn is_trusted(
    connection: &mut PgConnection,
    user: Uuid,
    token: Option<&str>,
) -> std::result::Result<bool, sqlx::Error> {
    let Some(token) = token.and_then(Opaque::read) else { return Ok(false) };
    let seen = sqlx::query!(
        "UPDATE trusted_devices SET seen_at = now() WHERE hash = $1 AND user_id = $2 AND expires_at > now()",
        &token.hash()[..],
        user
    );
    Ok(seen.execute(connection).await?.rows_affected() > 0)
}

/// Takes trust back from all of a user's devices.
pub(in crate::identity) async fn remove_all(
    connection: &mut PgConnection,
    user: Uuid,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM trusted_devices WHERE user_id = $1", user).execute(connection).await.map(drop)
}

pub(super) async fn forget_old(connection: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM trusted_devices WHERE expires_at < now()").execute(connection).await.map(drop)
}

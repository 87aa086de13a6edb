//! `GET …/workspaces/{workspace}/audit`

use axum::extract::State;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::IntoParams;
use uuid::Uuid;

use super::entry::{AuditEvent, Wanted, newest};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Cursor, Json, Limit, Page, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Which page of which events. Flattened by hand: serde reads no numbers through `flatten` in a query.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// How many events a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Of this action only.
    #[param(example = "member.changed")]
    action: Option<String>,
    /// Done by this user only.
    actor_id: Option<Uuid>,
    /// So ended: `success`, `failure` or `denied`.
    outcome: Option<String>,
    /// Done to this only, an id or a name.
    target_id: Option<String>,
    /// Not before this moment.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = "date-time")]
    since: Option<OffsetDateTime>,
    /// Before this moment.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, format = "date-time")]
    until: Option<OffsetDateTime>,
}

/// List what happened in a workspace
///
/// The newest first. It needs the permission `audit:read`.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/audit",
    operation_id = "audit.list",
    tag = "audit",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), AuditQuery),
    responses(
        (status = OK, description = "A page of events", body = Page<AuditEvent>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEvent>>> {
    let before = query.cursor.as_ref().map(Cursor::position).transpose()?;
    let wanted = Wanted {
        action: query.action,
        actor_id: query.actor_id,
        outcome: query.outcome,
        target_id: query.target_id,
        since: query.since,
        until: query.until,
    };
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::AuditRead).await?;
    let events = newest(&mut tx, workspace, &wanted, before, query.limit.and_one()).await?;
    Ok(Json(Page::of(events, query.limit, |last| last.id)))
}

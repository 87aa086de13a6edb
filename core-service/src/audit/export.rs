//! `GET …/workspaces/{workspace}/audit/export`: the trail as JSON Lines, streamed.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::entry::{Wanted, newest};
use super::{Action, Event, record};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// How many events are held in memory at once.
const PIECE: i64 = 500;

/// Export what happened in a workspace
///
/// Every event there is, or those that are asked for, the newest first, one JSON object a line. That it was exported is an
/// event, too. It needs the permission `audit:read`, from the first line to the last: who loses it meanwhile gets no more.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/audit/export",
    operation_id = "audit.export",
    tag = "audit",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id"), Wanted),
    responses(
        (status = OK, description = "JSON Lines of `AuditEvent`", body = String, content_type = "application/jsonl"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn export(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(mut wanted): Query<Wanted>,
) -> Result<Response> {
    // What happens while it runs is not part of it.
    let now = OffsetDateTime::now_utc();
    wanted.until = Some(wanted.until.map_or(now, |until| until.min(now)));
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::AuditRead).await?;
    let asked = json!({ "action": wanted.action, "actor_id": wanted.actor_id, "outcome": wanted.outcome });
    record(&mut tx, Event::by(&caller, Action::AuditExported).in_workspace(workspace).with(asked)).await?;
    tx.commit().await?;
    let begin = Some((app, caller, wanted, None));
    let pieces = stream::try_unfold(begin, move |state| async move {
        let Some((app, caller, wanted, before)) = state else { return Ok(None) };
        let (lines, last) = piece(&app, &caller, workspace, &wanted, before).await?;
        let next = last.map(|last| (app, caller, wanted, Some(last)));
        Ok::<_, std::io::Error>(Some((lines, next)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// The next lines, and the last event's id if there may be more. A transaction for each piece: a client that reads
/// slowly holds no connection.
async fn piece(
    app: &AppState,
    caller: &Caller,
    workspace: Uuid,
    wanted: &Wanted,
    before: Option<Uuid>,
) -> std::io::Result<(Bytes, Option<Uuid>)> {
    let broken = |problem: Problem| std::io::Error::other(problem);
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await.map_err(broken)?;
    authorize(&mut tx, caller, workspace, Permission::AuditRead).await.map_err(broken)?;
    let events = newest(&mut tx, workspace, wanted, before, PIECE).await.map_err(|error| broken(error.into()))?;
    let last = events.last().filter(|_| events.len() as i64 == PIECE).map(|event| event.id);
    let mut lines = Vec::new();
    for event in &events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    Ok((lines.into(), last))
}

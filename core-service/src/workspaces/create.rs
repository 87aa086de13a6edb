//! `POST /api/v1/workspaces`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Name, Workspace, find};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{Attempt, Idempotency, Json, created};
use crate::identity::UserSession;
use crate::problem::{self, Result};

/// A workspace to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkspace {
    /// Its name. Names need not be unique.
    name: Name,
}

/// Create a workspace
///
/// The caller becomes its owner.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces",
    operation_id = "workspaces.create",
    tag = "workspaces",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe")),
    request_body = NewWorkspace,
    responses(
        (status = CREATED, description = "The workspace", body = Workspace, headers(
            ("location" = String, description = "Where it is"),
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::InSession, problem::Body, problem::Conflicting,
    ),
)]
pub async fn create(
    caller: UserSession,
    State(app): State<AppState>,
    idempotency: Idempotency,
    Json(new): Json<NewWorkspace>,
) -> Result<Response> {
    let id = Uuid::now_v7();
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(id)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    // Not RETURNING: nobody sees a workspace before it has a member.
    sqlx::query!("INSERT INTO workspaces (id, name) VALUES ($1, $2)", id, new.name.0).execute(&mut **tx).await?;
    sqlx::query!(
        "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'owner')",
        id,
        caller.user
    )
    .execute(&mut **tx)
    .await?;
    let workspace = find(&mut tx, id).await?;
    let event = Event::by(&caller, Action::WorkspaceCreated).in_workspace(id).about("workspace", id);
    audit::record(&mut tx, event.with(json!({ "name": workspace.name }))).await?;
    let location = format!("/api/v1/workspaces/{id}");
    tx.commit(created(location, workspace.version, workspace)).await
}

//! `PATCH /api/v1/workspaces/{workspace}`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Name, Workspace, lock};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// What changes in a workspace (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspacePatch {
    /// Its name.
    #[schema(nullable = false)]
    name: Option<Name>,
    /// Whether members need a session with a second factor. Who demands it must have given one.
    #[schema(nullable = false)]
    mfa_required: Option<bool>,
}

/// Change a workspace
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}",
    operation_id = "workspaces.update",
    tag = "workspaces",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body(
        content((WorkspacePatch = "application/merge-patch+json"), (WorkspacePatch = "application/json")),
    ),
    responses(
        (status = OK, description = "The workspace", body = Workspace, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conditional,
    ),
)]
pub async fn update(
    caller: Caller,
    State(app): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(patch): Json<WorkspacePatch>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Workspace>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(id)).await?;
    let workspace = lock(&mut tx, id).await?;
    authorize(&mut tx, &caller, id, Permission::WorkspaceUpdate).await?;
    if_match.check(workspace.version)?;
    if patch.mfa_required == Some(true) && !caller.mfa {
        return Err(Problem::new(&kinds::MFA_NEEDED).detail("You would lock yourself out: give a second factor first."));
    }
    let before = workspace;
    let workspace = sqlx::query_as!(
        Workspace,
        "UPDATE workspaces SET name = coalesce($2, name), mfa_required = coalesce($3, mfa_required),
           version = version + 1, updated_at = now()
         WHERE id = $1 RETURNING id, name, mfa_required, version, created_at, updated_at",
        id,
        patch.name.map(|name| name.0),
        patch.mfa_required
    )
    .fetch_one(&mut *tx)
    .await?;
    let event = Event::by(&caller, Action::WorkspaceChanged).in_workspace(id).about("workspace", id);
    let changed = json!({
        "name": { "from": before.name, "to": workspace.name },
        "mfa_required": { "from": before.mfa_required, "to": workspace.mfa_required },
    });
    audit::record(&mut tx, event.with(changed)).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(workspace.version))], Json(workspace)))
}

//! `GET /api/v1/workspaces/{workspace}/files/usage`, and the count behind it.

use axum::extract::State;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Json, Path};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// How much a workspace keeps.
#[derive(Debug, Serialize, ToSchema)]
pub struct Usage {
    /// Bytes of all versions of all files, those in the trash as well.
    bytes: i64,
    /// As many it may keep; null if there is no limit.
    #[schema(required = true)]
    limit: Option<i64>,
    /// The most that one file may have.
    max_file_bytes: u64,
}

/// See how much a workspace keeps in files
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/files/usage",
    operation_id = "files.usage",
    tag = "files",
    security(("bearer" = [])),
    params(("workspace" = Uuid, Path, description = "The workspace's id")),
    responses(
        (status = OK, description = "How much", body = Usage),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn usage(caller: Caller, State(app): State<AppState>, Path(workspace): Path<Uuid>) -> Result<Json<Usage>> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesRead).await?;
    let bytes = kept(&mut tx, workspace).await?;
    let config = &app.config.files;
    Ok(Json(Usage { bytes, limit: config.workspace_bytes, max_file_bytes: config.max_bytes }))
}

async fn kept(tx: &mut PgConnection, workspace: Uuid) -> Result<i64> {
    let bytes = sqlx::query_scalar!("SELECT bytes FROM file_usage WHERE workspace_id = $1", workspace);
    Ok(bytes.fetch_optional(tx).await?.unwrap_or_default())
}

/// Counts what is kept from now on; 403 if that were more than the workspace may keep. Exact, however many count at once.
pub(super) async fn count(tx: &mut PgConnection, workspace: Uuid, bytes: i64, limit: Option<i64>) -> Result<()> {
    let counted = sqlx::query!(
        "INSERT INTO file_usage (workspace_id, bytes) SELECT $1, $2::bigint WHERE $2 <= coalesce($3, $2)
         ON CONFLICT (workspace_id) DO UPDATE SET bytes = file_usage.bytes + excluded.bytes
         WHERE $3::bigint IS NULL OR file_usage.bytes + excluded.bytes <= $3",
        workspace,
        bytes,
        limit
    );
    if counted.execute(tx).await?.rows_affected() == 0 { Err(exceeded(limit)) } else { Ok(()) }
}

/// The same before anything has arrived, as far as one can tell then: uploads that have begun count as if they were there.
pub(super) async fn foresee(
    tx: &mut PgConnection,
    workspace: Uuid,
    length: Option<u64>,
    limit: Option<i64>,
) -> Result<()> {
    let Some(most) = limit else { return Ok(()) };
    let length = i64::try_from(length.unwrap_or(1)).unwrap_or(i64::MAX);
    let begun = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(u.length), 0)::bigint AS "begun!" FROM uploads u JOIN file_contents c ON c.id = u.id
           WHERE u.workspace_id = $1 AND u.became IS NULL AND c.expires_at > now()"#,
        workspace
    );
    let begun = begun.fetch_one(&mut *tx).await?;
    let all = kept(tx, workspace).await?.saturating_add(begun).saturating_add(length);
    if all > most { Err(exceeded(limit)) } else { Ok(()) }
}

fn exceeded(limit: Option<i64>) -> Problem {
    let limit = limit.unwrap_or_default();
    Problem::new(&kinds::QUOTA_EXCEEDED).detail(format!("The workspace keeps at most {limit} bytes in files."))
}

//! `POST /api/v1/workspaces/{workspace}/uploads`: tus, "Creation".

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use sqlx::PgConnection;
use uuid::Uuid;

use super::append;
use super::metadata::{Becomes, Metadata};
use super::model::{Upload, location};
use super::protocol::{Length, UPLOAD_METADATA};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::files::model::Row;
use crate::files::progress::Progress;
use crate::files::put::Place;
use crate::files::{receive, usage};
use crate::http::{Attempt, Idempotency, Path, header};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Begin an upload that can be resumed
///
/// As tus 1.0.0 has it: `Location` says where the bytes go, with `uploads.append`. `Upload-Metadata` names the `name`, and optionally the `folder` and
/// the `type`, of the file that it becomes, or the `file` whose new version it becomes. It can be resumed for a day after the last piece.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/uploads",
    operation_id = "uploads.begin",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
        ("Upload-Length" = i64, Header, description = "How many bytes it has"),
        ("Upload-Metadata" = String, Header, description = "Names, each with a value in base64: `name cmVwb3J0LnBkZg==`"),
    ),
    responses(
        (status = CREATED, description = "It has begun; one of no bytes is a file already", headers(
            ("location" = String, description = "Where it is"),
            ("upload-offset" = i64, description = "How many bytes are there"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Upload, problem::Conflicting,
        problem::Conditional,
    ),
)]
pub async fn begin(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Length(length): Length,
    idempotency: Idempotency,
    parts: Parts,
) -> Result<Response> {
    let metadata = Metadata::read(header(&parts, &UPLOAD_METADATA)?.unwrap_or_default())?;
    let declared = u64::try_from(length).ok();
    receive::refuse_too_large(&app, declared)?;
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    usage::foresee(&mut tx, workspace, declared, app.config.files.workspace_bytes).await?;
    let id = insert(&mut tx, &caller, workspace, length, metadata).await?;
    if length == 0 {
        append::finish(&app, &mut tx, &caller, workspace, id, Progress::default()).await?;
    }
    let upload = Upload::find(&mut tx, workspace, caller.user, id).await?;
    tx.commit((StatusCode::CREATED, location(workspace, id), &upload, ()).into_response()).await
}

async fn insert(
    tx: &mut PgConnection,
    caller: &Caller,
    workspace: Uuid,
    length: i64,
    metadata: Metadata,
) -> Result<Uuid> {
    let (name, folder, file) = match metadata.becomes {
        Becomes::File(name, folder) => {
            Place { name: name.as_str(), folder }.look_at(tx, workspace).await?;
            (Some(String::from(name)), folder, None)
        }
        Becomes::Version(file) => {
            Row::find(tx, workspace, file).await?;
            (None, None, Some(file))
        }
    };
    let id = Uuid::now_v7();
    let content = sqlx::query!("INSERT INTO file_contents (id, workspace_id) VALUES ($1, $2)", id, workspace);
    content.execute(&mut *tx).await?;
    sqlx::query!(
        "INSERT INTO uploads (id, workspace_id, name, folder_id, file_id, media_type, length, hash, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        workspace,
        name,
        folder,
        file,
        metadata.media_type,
        length,
        Progress::default().hash(),
        caller.user
    )
    .execute(tx)
    .await?;
    Ok(id)
}

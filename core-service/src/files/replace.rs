//! `PUT …/files/{file}/content`: an upload of a new version, streamed.

use axum::body::Body;
use axum::extract::State;
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use uuid::Uuid;

use super::declared::Declared;
use super::model::{File, Row};
use super::put;
use super::receive::{self, Received, receive};
use super::usage;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Upload a new version of a file
///
/// As `files.create` does. What was there is kept as an older version. If somebody else was quicker, `If-Match` tells, before the content is
/// taken in or after.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/files/{file}/content",
    operation_id = "files.replace",
    tag = "files",
    security(("bearer" = [])),
    extensions(("x-breakwater-upload" = json!(true))),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
        ("Content-Digest" = Option<String>, Header, description = "The SHA-256 of the content: `sha-256=:…:`"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = OK, description = "The file", body = File, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Upload,
        problem::Conditional,
    ),
)]
pub async fn replace(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    parts: Parts,
    body: Body,
) -> Result<([(HeaderName, HeaderValue); 1], Json<File>)> {
    let declared = Declared::read(&parts)?;
    receive::refuse_too_large(&app, declared.length)?;
    let scope = caller.scope().in_workspace(workspace);
    let mut tx = app.database.begin_read(&scope).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    if_match.check(Row::find(&mut tx, workspace, id).await?.version)?;
    usage::foresee(&mut tx, workspace, declared.length, app.config.files.workspace_bytes).await?;
    drop(tx);
    let received = receive(&app, &scope, workspace, declared, body).await?;
    let file = keep(&app, &caller, (workspace, id), &if_match, &received).await;
    if file.is_err() {
        receive::discard(&app, received.id).await;
    }
    let file = file?;
    Ok(([(header::ETAG, etag(file.version))], Json(file)))
}

/// Makes it the newest content.
async fn keep(
    app: &AppState,
    caller: &Caller,
    (workspace, id): (Uuid, Uuid),
    if_match: &IfMatch,
    received: &Received,
) -> Result<File> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, caller, workspace, Permission::FilesWrite).await?;
    let file = put::version(app, &mut tx, caller, (workspace, id), if_match, received).await?;
    tx.commit().await?;
    Ok(file)
}

//! `POST /api/v1/workspaces/{workspace}/files`: an upload, streamed.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::declared::Declared;
use super::model::File;
use super::name::Name;
use super::put::{self, Place};
use super::receive::{self, Received, receive};
use super::usage;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Attempt, Idempotency, Path, Query, created};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Where the file goes.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewFile {
    /// Its name.
    #[param(value_type = String, min_length = 1, max_length = 255, example = "report.pdf")]
    name: Name,
    /// The folder; without one, the top.
    folder: Option<Uuid>,
}

/// Upload a file
///
/// The body is what is in it, streamed: it may be as long as `files.max_bytes` allows, and is there when all of it has arrived.
/// `Content-Digest` (RFC 9530, `sha-256`) makes sure that it has arrived unharmed. `Content-Type` is kept with it; an image, a film,
/// a PDF has to be one.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/files",
    operation_id = "files.create",
    tag = "files",
    security(("bearer" = [])),
    extensions(("x-breakwater-upload" = json!(true))),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        NewFile,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
        ("Content-Digest" = Option<String>, Header, description = "The SHA-256 of the content: `sha-256=:…:`"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = CREATED, description = "The file", body = File, headers(
            ("location" = String, description = "Where it is"),
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Upload,
        problem::Conflicting,
    ),
)]
pub async fn create(
    caller: Caller,
    State(app): State<AppState>,
    Path(workspace): Path<Uuid>,
    Query(new): Query<NewFile>,
    idempotency: Idempotency,
    parts: Parts,
    body: Body,
) -> Result<Response> {
    let declared = Declared::read(&parts)?;
    receive::refuse_too_large(&app, declared.length)?;
    let scope = caller.scope().in_workspace(workspace);
    // All that can be refused is refused before anything is taken in. What holds then is looked at again when it is there.
    match idempotency.clone().begin(&app, &scope).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(mut tx) => {
            authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
            usage::foresee(&mut tx, workspace, declared.length, app.config.files.workspace_bytes).await?;
            new.place().look_at(&mut tx, workspace).await?;
            tx.abandon().await?;
        }
    }
    let received = receive(&app, &scope, workspace, declared, body).await?;
    let answer = keep(&app, &caller, workspace, &new, idempotency, &received).await;
    if answer.is_err() {
        receive::discard(&app, received.id).await;
    }
    answer
}

/// Makes the file.
async fn keep(
    app: &AppState,
    caller: &Caller,
    workspace: Uuid,
    new: &NewFile,
    idempotency: Idempotency,
    received: &Received,
) -> Result<Response> {
    let mut tx = match idempotency.begin(app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => {
            receive::discard(app, received.id).await;
            return Ok(answer);
        }
        Attempt::First(tx) => tx,
    };
    authorize(&mut tx, caller, workspace, Permission::FilesWrite).await?;
    let file = put::file(app, &mut tx, caller, workspace, new.place(), received).await?;
    let location = format!("/api/v1/workspaces/{workspace}/files/{}", file.id);
    tx.commit(created(location, file.version, file)).await
}

impl NewFile {
    fn place(&self) -> Place<'_> {
        Place { name: self.name.as_str(), folder: self.folder }
    }
}

//! `PATCH …/uploads/{upload}`: tus, "Core Protocol".

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::Upload;
use super::protocol::{Offset, UPLOAD_OFFSET};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::files::declared::Declared;
use crate::files::progress::Progress;
use crate::files::put::{self, Place};
use crate::files::receive::{Received, discard, take};
use crate::files::store;
use crate::http::{IfMatch, Path, has_media_type};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// So many pieces an upload has at the most, as S3 has it.
const PIECES: i64 = 10_000;

/// Append to an upload
///
/// The bytes from `Upload-Offset` on, as many as there are. What arrives before a connection breaks is kept: ask with `HEAD` where to go on. With the last byte it
/// becomes the file, which `Content-Location` names. `Content-Digest` makes sure of the bytes of this request; then all of them count, or none.
#[utoipa::path(
    patch,
    path = "/api/v1/workspaces/{workspace}/uploads/{upload}",
    operation_id = "uploads.append",
    tag = "files",
    security(("bearer" = [])),
    extensions(("x-breakwater-upload" = json!(true))),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("upload" = Uuid, Path, description = "The upload's id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = i64, Header, description = "How many bytes are there already"),
        ("Content-Digest" = Option<String>, Header, description = "The SHA-256 of these bytes: `sha-256=:…:`"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses(
        (status = NO_CONTENT, description = "They are there", headers(
            ("upload-offset" = i64, description = "How many bytes are there now"),
            ("content-location" = String, description = "The file that it has become"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Upload, problem::Conflicting,
        problem::Conditional,
    ),
)]
pub async fn append(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    Offset(offset): Offset,
    parts: Parts,
    body: Body,
) -> Result<Response> {
    if !has_media_type(&parts.headers, |essence| essence == "application/offset+octet-stream") {
        let detail = "The bytes must be sent as application/offset+octet-stream.";
        return Err(Problem::new(&kinds::UNSUPPORTED_MEDIA_TYPE).detail(detail));
    }
    let declared = Declared::read(&parts)?;
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    let upload = Upload::find(&mut tx, workspace, caller.user, id).await?;
    if upload.received != offset || upload.file.is_some() {
        return Err(elsewhere(upload.received));
    }
    let piece = Piece::begin(&mut tx, workspace, &upload).await?;
    tx.commit().await?;
    // It goes on to its end also if nobody waits for the answer any more: what has arrived is to be kept.
    let upload = tokio::spawn(async move { piece.take_in(&app, &caller, declared, body).await });
    let upload = upload.await.map_err(Problem::internal)??;
    let file =
        upload.file.map(|file| [(header::CONTENT_LOCATION, format!("/api/v1/workspaces/{workspace}/files/{file}"))]);
    Ok((StatusCode::NO_CONTENT, file, &upload, ()).into_response())
}

/// 409: where to go on.
fn elsewhere(received: i64) -> Problem {
    let problem = Problem::new(&kinds::UPLOAD_OFFSET_MISMATCH).detail(format!("{received} bytes are there."));
    problem.header(UPLOAD_OFFSET, HeaderValue::from(received))
}

/// Bytes on their way into an upload.
struct Piece {
    id: Uuid,
    upload: Uuid,
    workspace: Uuid,
    /// Where in the upload they begin.
    offset: i64,
    length: i64,
    progress: Progress,
}

impl Piece {
    /// Says that there may be one, before there is.
    async fn begin(tx: &mut PgConnection, workspace: Uuid, upload: &Upload) -> Result<Self> {
        // What it is at this offset: whoever was quicker meanwhile has moved it.
        let row = sqlx::query!(
            "SELECT hash, beginning FROM uploads WHERE id = $1 AND received = $2",
            upload.id,
            upload.received
        );
        let row = row.fetch_optional(&mut *tx).await?.ok_or_else(|| elsewhere(upload.received))?;
        let size = u64::try_from(upload.received).map_err(Problem::internal)?;
        let progress = Progress::restore(size, &row.hash, row.beginning);
        let progress = progress.ok_or_else(|| Problem::internal("the state of a hash cannot be read"))?;
        let id = Uuid::now_v7();
        let begun = sqlx::query!(
            "INSERT INTO file_pieces (id, content_id, workspace_id)
             SELECT $1, $2, $3 WHERE (SELECT count(*) FROM file_pieces WHERE content_id = $2) < $4",
            id,
            upload.id,
            workspace,
            PIECES
        );
        if begun.execute(tx).await?.rows_affected() == 0 {
            return Err(Problem::bad_request(format!("An upload has at most {PIECES} pieces: send larger ones.")));
        }
        Ok(Self { id, upload: upload.id, workspace, offset: upload.received, length: upload.length, progress })
    }

    /// Takes the bytes in; whatever comes of it, the store has no piece of which the upload knows nothing.
    async fn take_in(mut self, app: &AppState, caller: &Caller, declared: Declared, body: Body) -> Result<Upload> {
        let (id, most) = (self.id, u64::try_from(self.length).map_err(Problem::internal)?);
        let arrived = self.arrive(app, declared, body, most).await;
        let appended = match arrived {
            Ok(broken) => self.append(app, caller).await.and_then(|upload| broken.map_or(Ok(upload), Err)),
            Err(problem) => Err(problem),
        };
        if appended.is_err() {
            discard(app, id).await;
        }
        appended
    }

    /// Writes them to the store. If the connection broke, what arrived counts, and the problem is told afterwards.
    async fn arrive(&mut self, app: &AppState, declared: Declared, body: Body, most: u64) -> Result<Option<Problem>> {
        let mut writer = app.files.write(self.id).await.map_err(store::unavailable)?;
        let before = self.progress.size;
        if declared.sha256.is_some() {
            self.progress.watch();
        }
        let broken = take(body, &mut writer, &mut self.progress, most).await.err();
        if let Some(problem) = broken {
            // Too much of it, or the store: none of it counts. A digest is one of all of it.
            if problem.kind() != &kinds::BAD_REQUEST || declared.sha256.is_some() || self.progress.size == before {
                return Err(problem);
            }
            writer.finish().await.map_err(store::unavailable)?;
            return Ok(Some(problem));
        }
        if self.progress.watched() != declared.sha256 {
            return Err(Problem::new(&kinds::DIGEST_MISMATCH));
        }
        writer.finish().await.map_err(store::unavailable)?;
        Ok(None)
    }

    /// Moves the upload's offset past them, and makes the file if these were the last.
    async fn append(self, app: &AppState, caller: &Caller) -> Result<Upload> {
        let mut tx = app.database.begin(&caller.scope().in_workspace(self.workspace)).await?;
        authorize(&mut tx, caller, self.workspace, Permission::FilesWrite).await?;
        let received = i64::try_from(self.progress.size).map_err(Problem::internal)?;
        let moved = sqlx::query!(
            "UPDATE uploads SET received = $3, hash = $4, beginning = $5 WHERE id = $1 AND received = $2 AND became IS NULL",
            self.upload,
            self.offset,
            received,
            self.progress.hash(),
            self.progress.beginning
        );
        if moved.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(elsewhere(Upload::find(&mut tx, self.workspace, caller.user, self.upload).await?.received));
        }
        if received > self.offset {
            self.count(&mut tx, received - self.offset).await?;
        }
        if received == self.length {
            finish(app, &mut tx, caller, self.workspace, self.upload, self.progress).await?;
        }
        let upload = Upload::find(&mut tx, self.workspace, caller.user, self.upload).await?;
        tx.commit().await?;
        if received == self.offset {
            discard(app, self.id).await;
        }
        Ok(upload)
    }

    async fn count(&self, tx: &mut PgConnection, size: i64) -> Result<()> {
        let content = sqlx::query_scalar!(
            "UPDATE file_contents SET pieces = pieces + 1, expires_at = now() + interval '1 day'
             WHERE id = $1 AND state = 'arriving' RETURNING pieces",
            self.upload
        );
        let number = content.fetch_optional(&mut *tx).await?.ok_or_else(Problem::not_found)?;
        sqlx::query!("UPDATE file_pieces SET number = $2, size = $3 WHERE id = $1", self.id, number, size)
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// Makes of a whole upload what it becomes.
pub(super) async fn finish(
    app: &AppState,
    tx: &mut PgConnection,
    caller: &Caller,
    workspace: Uuid,
    id: Uuid,
    progress: Progress,
) -> Result<()> {
    let upload = sqlx::query!("SELECT name, folder_id, file_id, media_type FROM uploads WHERE id = $1", id);
    let upload = upload.fetch_one(&mut *tx).await?;
    let received = Received::of(id, progress, None, upload.media_type)?;
    let file = match (upload.file_id, &upload.name) {
        (Some(file), _) => put::version(app, tx, caller, (workspace, file), &IfMatch::default(), &received).await?,
        (None, name) => {
            let place = Place { name: name.as_deref().unwrap_or_default(), folder: upload.folder_id };
            put::file(app, tx, caller, workspace, place, &received).await?
        }
    };
    sqlx::query!("UPDATE uploads SET became = $2 WHERE id = $1", id, file.id).execute(tx).await?;
    Ok(())
}

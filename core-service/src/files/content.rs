//! `GET …/files/{file}/content`: a download, streamed.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::IntoParams;
use uuid::Uuid;

use super::disposition::Disposition;
use super::range::{self, Part};
use super::{pieces, store};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::database::Tx;
use crate::http::{IfNoneMatch, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// Which content, and what for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// The number of an older content; the newest, if it is not said.
    version: Option<i64>,
    /// Whether a browser is to show it.
    #[serde(default)]
    #[param(inline)]
    disposition: Disposition,
}

/// Download a file
///
/// What is in it, or a part of that (`Range`, one at a time; `If-Range`). The entity tag is the content's SHA-256.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/files/{file}/content",
    operation_id = "files.content",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
        ("Range" = Option<String>, Header, description = "Which part: `bytes=0-99`"),
        ("If-Range" = Option<String>, Header, description = "The entity tag that the part is of; of anything else the whole is answered"),
        ("If-None-Match" = Option<String>, Header, description = "Content that the client has"),
        ContentQuery,
    ),
    responses(
        (status = OK, description = "All of it", body = Vec<u8>, content_type = "application/octet-stream", headers(
            ("etag" = String, description = "Its SHA-256"),
            ("repr-digest" = String, description = "The same as RFC 9530 has it"),
        )),
        (status = PARTIAL_CONTENT, description = "A part of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = NOT_MODIFIED, description = "The client has it"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Download,
    ),
)]
pub async fn content(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, file)): Path<(Uuid, Uuid)>,
    Query(query): Query<ContentQuery>,
    if_none_match: IfNoneMatch,
    headers: HeaderMap,
) -> Result<Response> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesRead).await?;
    let stored = Stored::find(&mut tx, workspace, file, query.version).await?;
    stored.answer(&app, tx, &headers, &if_none_match, query.disposition).await
}

/// Content that is there, and the name of its file.
pub(super) struct Stored {
    name: String,
    content_id: Uuid,
    size: i64,
    media_type: String,
    sha256: Vec<u8>,
    pieces: i32,
}

impl Stored {
    /// The content of a file that is not in the trash: the newest, or the one of a number.
    pub(super) async fn find(tx: &mut PgConnection, workspace: Uuid, file: Uuid, number: Option<i64>) -> Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT f.name, v.content_id, c.size, c.media_type AS "media_type!", c.sha256 AS "sha256!", c.pieces
               FROM files f
               JOIN file_versions v ON v.file_id = f.id AND v.number = coalesce($3, f.content)
               JOIN file_contents c ON c.id = v.content_id
               WHERE f.workspace_id = $1 AND f.id = $2 AND f.deleted_at IS NULL"#,
            workspace,
            file,
            number
        )
        .fetch_optional(tx)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// The newest content of a file that is not in the trash, under the key that links to it are signed with.
    pub(super) async fn linked(tx: &mut PgConnection, file: Uuid, key: Uuid) -> Result<Self> {
        sqlx::query_as!(
            Self,
            r#"SELECT f.name, v.content_id, c.size, c.media_type AS "media_type!", c.sha256 AS "sha256!", c.pieces
               FROM files f
               JOIN file_versions v ON v.file_id = f.id AND v.number = f.content
               JOIN file_contents c ON c.id = v.content_id
               WHERE f.id = $1 AND f.link_key = $2 AND f.deleted_at IS NULL"#,
            file,
            key
        )
        .fetch_optional(tx)
        .await?
        .ok_or_else(Problem::not_found)
    }

    /// A URL in the store itself under which anybody can read it for a while, if there can be one.
    pub(super) async fn link(
        &self,
        app: &AppState,
        lasts: Duration,
        disposition: Disposition,
    ) -> Result<Option<String>> {
        if self.pieces > 0 {
            return Ok(None);
        }
        let disposition = disposition.header(&self.name, &self.media_type);
        let disposition = disposition.to_str().map_err(Problem::internal)?;
        let link = app.files.link(self.content_id, lasts, disposition, &self.media_type).await;
        link.map_err(store::unavailable)
    }

    /// Streams it, or the part of it that is asked for.
    pub(super) async fn answer(
        self,
        app: &AppState,
        mut tx: Tx,
        asked: &HeaderMap,
        known: &IfNoneMatch,
        disposition: Disposition,
    ) -> Result<Response> {
        let size = u64::try_from(self.size).map_err(Problem::internal)?;
        let headers = self.headers(disposition)?;
        let etag = &headers[header::ETAG];
        if known.matches(etag) {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        let (status, part) = match Part::asked(asked, etag, size) {
            Part::Whole => (StatusCode::OK, 0..size),
            Part::Some(part) => (StatusCode::PARTIAL_CONTENT, part),
            Part::Nothing => return Err(range::not_satisfiable(size)),
        };
        let length = [(header::CONTENT_LENGTH, part.end - part.start)];
        let range = format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1));
        let range = (status == StatusCode::PARTIAL_CONTENT).then_some([(header::CONTENT_RANGE, range)]);
        let pieces = pieces::within(&mut tx, self.content_id, self.pieces, part).await?;
        // However slowly it is read, it holds no connection.
        drop(tx);
        let pieces = store::read_all(app, pieces).await.map_err(store::unavailable)?;
        Ok((status, headers, length, range, Body::from_stream(pieces)).into_response())
    }

    /// What is said of the whole, whichever part follows.
    fn headers(&self, disposition: Disposition) -> Result<HeaderMap> {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let text = |text: String| HeaderValue::try_from(text).map_err(Problem::internal);
        Ok(HeaderMap::from_iter([
            (header::CONTENT_TYPE, text(self.media_type.clone())?),
            (header::CONTENT_DISPOSITION, disposition.header(&self.name, &self.media_type)),
            (header::ETAG, text(format!("\"{}\"", crate::hex::hex(&self.sha256)))?),
            (
                http::HeaderName::from_static("repr-digest"),
                text(format!("sha-256=:{}:", STANDARD.encode(&self.sha256)))?,
            ),
            (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
            // Whoever keeps it asks each time whether it may still be shown.
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
            // Never a page or a script of this origin, whatever it is and whatever a browser makes of it.
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        ]))
    }
}

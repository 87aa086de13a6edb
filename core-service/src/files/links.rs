//! Links: whoever has one can download a file for a while, without an account.
//!
//! A link is signed and stored nowhere: it says which file, until when, and under which key of the file, so that all links to a file
//! end when the file gets another key.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::content::Stored;
use super::disposition::Disposition;
use super::model::lock;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::database::Scope;
use crate::http::{IfNoneMatch, Json, Path, Query};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};
use crate::vault;

/// So long a link of those may last who only read: enough to show an image.
const SHORT: Duration = Duration::from_secs(3600);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(create, revoke)).routes(routes!(linked))
}

/// What a link is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// How long it lasts, in seconds: an hour at the most for those who may not write files, else a week.
    #[serde(default = "one_hour")]
    #[schema(minimum = 1, maximum = 604800, default = 3600)]
    expires_in: u32,
    /// Whether a browser is to show the file.
    #[serde(default)]
    disposition: Disposition,
    /// Whether it may lead to S3 itself, past the edge. It then has the content of now, and cannot be revoked. Where the file does not lie in
    /// S3, or lies there in pieces, the link is like any other.
    #[serde(default)]
    direct: bool,
}

fn one_hour() -> u32 {
    3600
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileLink {
    /// Where the file is, for anybody.
    url: String,
    /// Until then.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// Make a link to a file
///
/// Whoever has it can download the newest content, until it expires, the file is deleted, or all of the file's links are revoked.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/files/{file}/links",
    operation_id = "files.links.create",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
    ),
    request_body = NewLink,
    responses(
        (status = OK, description = "The link", body = FileLink),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
    ),
)]
pub async fn create(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    Json(new): Json<NewLink>,
) -> Result<Json<FileLink>> {
    let lasts = Duration::from_secs(new.expires_in.into());
    let shared = lasts > SHORT;
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let permission = if shared { Permission::FilesWrite } else { Permission::FilesRead };
    authorize(&mut tx, &caller, workspace, permission).await?;
    let key = sqlx::query_scalar!(
        "SELECT link_key FROM files WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL",
        workspace,
        id
    );
    let key = key.fetch_optional(&mut *tx).await?.ok_or_else(Problem::not_found)?;
    let expires_at = OffsetDateTime::now_utc() + lasts;
    let direct = match new.direct {
        true => Stored::find(&mut tx, workspace, id, None).await?.link(&app, lasts, new.disposition).await?,
        false => None,
    };
    if shared {
        let event = Event::by(&caller, Action::FileLinked).in_workspace(workspace).about("file", id);
        audit::record(&mut tx, event.with(json!({ "expires_in": new.expires_in }))).await?;
    }
    tx.commit().await?;
    let url = direct.unwrap_or_else(|| {
        let link = Link { file: id, key, expires: expires_at.unix_timestamp(), disposition: new.disposition };
        let base = app.config.identity.issuer.trim_end_matches('/');
        format!("{base}/api/v1/linked-files?link={}", link.sign(&app))
    });
    Ok(Json(FileLink { url, expires_at }))
}

/// Revoke all links to a file
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{workspace}/files/{file}/links",
    operation_id = "files.links.revoke",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
    ),
    responses(
        (status = NO_CONTENT, description = "No link to it is good any more"),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn revoke(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    lock(&mut tx, workspace, id).await?;
    sqlx::query!("UPDATE files SET link_key = gen_random_uuid() WHERE id = $1", id).execute(&mut *tx).await?;
    let event = Event::by(&caller, Action::FileLinksRevoked).in_workspace(workspace).about("file", id);
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which link.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LinkedQuery {
    /// What was signed: in the query, which stands in no log, as paths do.
    link: String,
}

/// Download what a link leads to
///
/// As `files.content` does. A link that is over, was revoked or never was is answered 404.
#[utoipa::path(
    get,
    path = "/api/v1/linked-files",
    operation_id = "files.linked",
    tag = "files",
    security(()),
    params(
        LinkedQuery,
        ("Range" = Option<String>, Header, description = "Which part: `bytes=0-99`"),
        ("If-None-Match" = Option<String>, Header, description = "Content that the client has"),
    ),
    responses(
        (status = OK, description = "All of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = PARTIAL_CONTENT, description = "A part of it", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = NOT_MODIFIED, description = "The client has it"),
        problem::Always, problem::Lookup, problem::Download,
    ),
)]
pub async fn linked(
    State(app): State<AppState>,
    Query(query): Query<LinkedQuery>,
    if_none_match: IfNoneMatch,
    headers: HeaderMap,
) -> Result<Response> {
    let link = Link::verify(&app, &query.link).ok_or_else(Problem::not_found)?;
    let mut tx = app.database.begin_read(&Scope::files()).await?;
    let stored = Stored::linked(&mut tx, link.file, link.key).await?;
    stored.answer(&app, tx, &headers, &if_none_match, link.disposition).await
}

/// What is signed.
struct Link {
    file: Uuid,
    key: Uuid,
    /// Seconds since 1970.
    expires: i64,
    disposition: Disposition,
}

/// Two ids, a time and a flag; the signature follows.
const SAID: usize = 16 + 16 + 8 + 1;

impl Link {
    fn sign(&self, app: &AppState) -> String {
        let inline = u8::from(self.disposition == Disposition::Inline);
        let said = [&self.file.as_bytes()[..], self.key.as_bytes(), &self.expires.to_be_bytes(), &[inline]].concat();
        let mac = signature(app, &said);
        URL_SAFE_NO_PAD.encode([said, mac.to_vec()].concat())
    }

    /// The link that was signed, if it was, and is not over.
    fn verify(app: &AppState, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (said, mac) = bytes.split_at_checked(SAID)?;
        if !bool::from(signature(app, said).ct_eq(mac)) {
            return None;
        }
        let expires = i64::from_be_bytes(said[32..40].try_into().ok()?);
        let disposition = if said[40] == 1 { Disposition::Inline } else { Disposition::Attachment };
        let link = Self {
            file: Uuid::from_slice(&said[..16]).ok()?,
            key: Uuid::from_slice(&said[16..32]).ok()?,
            expires,
            disposition,
        };
        (OffsetDateTime::now_utc().unix_timestamp() < expires).then_some(link)
    }
}

fn signature(app: &AppState, said: &[u8]) -> [u8; 32] {
    vault::mac(&app.vault.derive("file-links"), &[said])
}

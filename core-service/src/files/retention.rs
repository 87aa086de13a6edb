//! `PUT …/files/{file}/retention`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{File, Row, lock};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result, kinds};

/// What keeps a file from being deleted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// It is kept until then; null, or not said: no longer than it has to be.
    #[serde(default, with = "time::serde::rfc3339::option")]
    retain_until: Option<OffsetDateTime>,
    /// Whether it is kept until somebody says otherwise.
    #[serde(default)]
    legal_hold: bool,
}

/// Say how long a file is kept
///
/// Until then, and while a hold is on it, it cannot be deleted, nor can its workspace; new versions can be uploaded, and the old ones stay. A
/// period that has begun is never made shorter.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/files/{file}/retention",
    operation_id = "files.retention.put",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    request_body = Retention,
    responses(
        (status = OK, description = "The file", body = File, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting, problem::Conditional,
    ),
)]
pub async fn put(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id)): Path<(Uuid, Uuid)>,
    if_match: IfMatch,
    Json(retention): Json<Retention>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<File>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesHold).await?;
    if_match.check(lock(&mut tx, workspace, id).await?.version)?;
    let before = Row::find(&mut tx, workspace, id).await?;
    let promised = before.retain_until.filter(|until| *until > OffsetDateTime::now_utc());
    if promised > retention.retain_until {
        return Err(Problem::new(&kinds::FILE_HELD).detail("A period that has begun is not made shorter."));
    }
    sqlx::query!(
        "UPDATE files SET retain_until = $2, legal_hold = $3, version = version + 1, updated_at = now(), updated_by = $4 WHERE id = $1",
        id,
        retention.retain_until,
        retention.legal_hold,
        caller.user
    )
    .execute(&mut *tx)
    .await?;
    let file: File = Row::find(&mut tx, workspace, id).await?.into();
    let event = Event::by(&caller, Action::FileHeld).in_workspace(workspace).about("file", id);
    let time =
        |time: Option<OffsetDateTime>| time.map(|time| time.format(&Rfc3339)).transpose().map_err(Problem::internal);
    let changed = json!({
        "retain_until": { "from": time(before.retain_until)?, "to": time(file.retain_until)? },
        "legal_hold": { "from": before.legal_hold, "to": file.legal_hold },
    });
    audit::record(&mut tx, event.with(changed)).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(file.version))], Json(file)))
}

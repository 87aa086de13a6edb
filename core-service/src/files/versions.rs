//! What was in a file before: every upload is kept.

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::model::{Content, File, Row, lock};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{IfMatch, Json, Page, PageQuery, Path, Query, etag};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(restore))
}

/// List what was in a file
///
/// The newest first. Each can be downloaded: `files.content` with `version`.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/files/{file}/versions",
    operation_id = "files.versions.list",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
        PageQuery,
    ),
    responses(
        (status = OK, description = "A page of contents", body = Page<Content>),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn list(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, file)): Path<(Uuid, Uuid)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Content>>> {
    let before: Option<i64> = query.after()?;
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesRead).await?;
    Row::find(&mut tx, workspace, file).await?;
    let found = sqlx::query_as!(
        Content,
        r#"SELECT v.number, c.size, c.media_type AS "media_type!", encode(c.sha256, 'hex') AS "sha256!", v.created_at, v.created_by
           FROM file_versions v JOIN file_contents c ON c.id = v.content_id
           WHERE v.file_id = $1 AND ($2::bigint IS NULL OR v.number < $2) ORDER BY v.number DESC LIMIT $3"#,
        file,
        before,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Json(Page::of(found, query.limit, |last| last.number)))
}

/// Put an older content back
///
/// As a new version: what is there now is kept.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/files/{file}/versions/{number}/restore",
    operation_id = "files.versions.restore",
    tag = "files",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("file" = Uuid, Path, description = "The file's id"),
        ("number" = i64, Path, description = "Which content"),
        ("If-Match" = Option<String>, Header, description = "The version that is to change"),
    ),
    responses(
        (status = OK, description = "The file", body = File, headers(("etag" = String, description = "Its version"))),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Conditional,
    ),
)]
pub async fn restore(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, id, number)): Path<(Uuid, Uuid, i64)>,
    if_match: IfMatch,
) -> Result<([(HeaderName, HeaderValue); 1], Json<File>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::FilesWrite).await?;
    let locked = lock(&mut tx, workspace, id).await?;
    if_match.check(locked.version)?;
    let content =
        sqlx::query_scalar!("SELECT content_id FROM file_versions WHERE file_id = $1 AND number = $2", id, number);
    let content = content.fetch_optional(&mut *tx).await?.ok_or_else(Problem::not_found)?;
    put(&mut tx, workspace, id, locked.content + 1, content, caller.user).await?;
    let file: File = Row::find(&mut tx, workspace, id).await?.into();
    tx.commit().await?;
    Ok(([(header::ETAG, etag(file.version))], Json(file)))
}

/// Makes content the newest of a locked file.
pub(super) async fn put(
    tx: &mut PgConnection,
    workspace: Uuid,
    file: Uuid,
    number: i64,
    content: Uuid,
    user: Uuid,
) -> Result<()> {
    add(tx, workspace, file, number, content, user).await?;
    sqlx::query!(
        "UPDATE files SET content = $2, version = version + 1, updated_at = now(), updated_by = $3 WHERE id = $1",
        file,
        number,
        user
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Adds content to those that a file has had.
pub(super) async fn add(
    tx: &mut PgConnection,
    workspace: Uuid,
    file: Uuid,
    number: i64,
    content: Uuid,
    user: Uuid,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO file_versions (file_id, number, workspace_id, content_id, created_by) VALUES ($1, $2, $3, $4, $5)",
        file,
        number,
        workspace,
        content,
        user
    )
    .execute(tx)
    .await?;
    Ok(())
}

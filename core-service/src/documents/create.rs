//! `POST …/collections/{collection}/documents`

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::Value;
use sqlx::types::Json as Jsonb;
use uuid::Uuid;

use super::collections::{CollectionName, Target};
use super::model::{Document, DocumentBody, Row, check};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::http::{Attempt, Idempotency, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Result};

/// Create a document
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/documents",
    operation_id = "documents.create",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = DocumentBody,
    responses(
        (status = CREATED, description = "The document", body = Document, headers(
            ("location" = String, description = "Where it is"),
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn create(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
    idempotency: Idempotency,
    Json(new): Json<DocumentBody>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    authorize(&mut tx, &caller, workspace, Permission::DocumentsWrite).await?;
    let target = Target::for_writing(&mut tx, workspace, &collection).await?;
    check(&target.schema, &new.data)?;
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO documents (id, workspace_id, collection_id, data, created_by, updated_by)
           VALUES ($1, $2, $3, $4, $5, $5)
           RETURNING id, version, created_at, updated_at, created_by, updated_by, data AS "data: Jsonb<Value>""#,
        Uuid::now_v7(),
        workspace,
        target.id,
        new.data,
        caller.user
    )
    .fetch_one(&mut **tx)
    .await?;
    let base = format!("/api/v1/workspaces/{workspace}/collections/{}/documents", collection.as_str());
    let location = [(header::LOCATION, format!("{base}/{}", row.id))];
    let etag = [(header::ETAG, etag(row.version))];
    tx.commit((StatusCode::CREATED, location, etag, Json(row.shown(&collection)))).await
}

//! `POST …/collections/{collection}/documents`

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use sqlx::types::Json as Jsonb;
use uuid::Uuid;

use super::collections::{CollectionName, Target};
use super::model::{Document, DocumentBody, Row, check};
use super::rules::Applied;
use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::http::{Attempt, Idempotency, Json, Path, created};
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
    let resource = Resource::Collection(collection.as_str());
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    let target = Target::for_writing(&mut tx, workspace, &collection).await?;
    let rules = Applied::to(&target.rules, &access);
    rules.allow_new(&access, &new.data)?;
    check(&target.schema, &new.data, &rules)?;
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
    tx.commit(created(format!("{base}/{}", row.id), row.version, row.shown(&collection, &rules))).await
}

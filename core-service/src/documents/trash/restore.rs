//! `POST …/collections/{collection}/trash/{document}/restore`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json as Jsonb;
use uuid::Uuid;

use crate::access::{Permission, Resource, authorize_on};
use crate::app::AppState;
use crate::documents::collections::{CollectionName, Target};
use crate::documents::model::{Document, Row};
use crate::documents::options::unique::Holder;
use crate::documents::rules::Applied;
use crate::http::{Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// Restore a deleted document
///
/// With it comes back what its deletion took along. It has to fit what its collection says today: unique values that
/// somebody else has by now are `value-taken`, and what it refers to has to be there.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/trash/{document}/restore",
    operation_id = "documents.trash.restore",
    tag = "documents",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("document" = Uuid, Path, description = "The document's id"),
    ),
    responses(
        (status = OK, description = "The document", body = Document, headers(
            ("etag" = String, description = "Its version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conflicting,
    ),
)]
pub async fn restore(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection, id)): Path<(Uuid, CollectionName, Uuid)>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Document>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    let resource = Resource::Collection(collection.as_str());
    let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
    let target = Target::for_writing(&mut tx, workspace, &collection).await?;
    let lost = sqlx::query_scalar!(
        "SELECT id FROM document_trash WHERE collection_id = $1 AND id = $2 FOR UPDATE",
        target.id,
        id
    );
    lost.fetch_optional(&mut *tx).await?.ok_or_else(Problem::not_found)?;
    let with_it = bring_back(&mut tx, &caller, id).await?;
    // All are there before anything refers to anything.
    for (name, document, data) in with_it {
        let name = CollectionName::try_from(name).map_err(Problem::internal)?;
        let target = Target::for_writing(&mut tx, workspace, &name).await?;
        let resource = Resource::Collection(name.as_str());
        let access = authorize_on(&mut tx, &caller, workspace, Permission::DocumentsWrite, resource).await?;
        let model = target.model();
        let mut settled = data;
        model.settle(&target.schema, &mut settled, &Applied::to(&target.rules, &access))?;
        sqlx::query!("UPDATE documents SET data = $2 WHERE id = $1", document, settled).execute(&mut *tx).await?;
        let holder = Holder { workspace, collection: target.id, document };
        model.exchange(&mut tx, holder, None, &settled).await?;
    }
    let rules = Applied::to(&target.rules, &access);
    let row = Row::lock(&mut tx, target.id, id).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(row.version))], Json(row.shown(&collection, &rules))))
}

/// Moves a document and what went with it out of the trash, each with a new version; what it was becomes history.
async fn bring_back(tx: &mut PgConnection, caller: &Caller, id: Uuid) -> Result<Vec<(String, Uuid, Value)>> {
    let rows = sqlx::query!(
        r#"WITH back AS (
               DELETE FROM document_trash WHERE id = $1 OR deleted_with = $1
               RETURNING id, workspace_id, collection_id, version, data, created_at, updated_at, created_by, updated_by),
           kept AS (
               INSERT INTO document_versions
                   (workspace_id, collection_id, document_id, version, data, updated_at, updated_by)
               SELECT workspace_id, collection_id, id, version, data, updated_at, updated_by FROM back),
           alive AS (
               INSERT INTO documents
                   (id, workspace_id, collection_id, version, data, created_at, updated_at, created_by, updated_by)
               SELECT id, workspace_id, collection_id, version + 1, data, created_at, now(), created_by, $2 FROM back
               RETURNING id, collection_id, data)
           SELECT c.name, a.id, a.data AS "data: Jsonb<Value>" FROM alive a JOIN collections c ON c.id = a.collection_id
           ORDER BY c.name, a.id"#,
        id,
        caller.user
    );
    Ok(rows.fetch_all(tx).await?.into_iter().map(|row| (row.name, row.id, row.data.0)).collect())
}

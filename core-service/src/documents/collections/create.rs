//! `POST …/workspaces/{workspace}/collections`

use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use sqlx::types::Json as Jsonb;
use uuid::Uuid;

use super::model::{Collection, CollectionBody, checked, compile, name_taken};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::documents::options::Options;
use crate::http::{Attempt, Idempotency, Json, Path, created};
use crate::identity::Caller;
use crate::problem::{self, OnConstraint, Result};

/// Create a collection
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspace}/collections",
    operation_id = "collections.create",
    tag = "collections",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating safe"),
    ),
    request_body = CollectionBody,
    responses(
        (status = CREATED, description = "The collection", body = Collection, headers(
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
    Path(workspace): Path<Uuid>,
    idempotency: Idempotency,
    Json(new): Json<CollectionBody>,
) -> Result<Response> {
    let mut tx = match idempotency.begin(&app, &caller.scope().in_workspace(workspace)).await? {
        Attempt::Repeated(answer) => return Ok(answer),
        Attempt::First(tx) => tx,
    };
    authorize(&mut tx, &caller, workspace, Permission::CollectionsManage).await?;
    let schema = compile(new.schema)?;
    checked(&mut tx, &schema, &new.options, &new.name).await?;
    let collection = sqlx::query_as!(
        Collection,
        r#"INSERT INTO collections (id, workspace_id, name, schema, options) VALUES ($1, $2, $3, $4, $5)
           RETURNING id, name, schema, options AS "options: Jsonb<Options>", version, created_at, updated_at"#,
        Uuid::now_v7(),
        workspace,
        new.name.as_str(),
        schema.source(),
        Jsonb(&new.options) as _
    )
    .fetch_one(&mut **tx)
    .await
    .on_constraint("collections_name", name_taken)?;
    let event = Event::by(&caller, Action::CollectionCreated).in_workspace(workspace);
    let event = event.about("collection", collection.id).with(json!({ "name": collection.name }));
    audit::record(&mut tx, event).await?;
    let location = format!("/api/v1/workspaces/{workspace}/collections/{}", collection.name);
    tx.commit(created(location, collection.version, collection)).await
}

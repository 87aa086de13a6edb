//! `GET …/collections/{collection}/field-rules`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use sqlx::types::Json as Jsonb;
use uuid::Uuid;

use super::{FieldRule, FieldRules};
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::documents::collections::CollectionName;
use crate::http::{Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, Problem, Result};

/// Read the rules for a collection's fields
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/field-rules",
    operation_id = "collections.rules.get",
    tag = "collections",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
    ),
    responses(
        (status = OK, description = "The rules", body = FieldRules, headers(
            ("etag" = String, description = "The collection's version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup,
    ),
)]
pub async fn get(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, collection)): Path<(Uuid, CollectionName)>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<FieldRules>)> {
    let mut tx = app.database.begin_read(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::CollectionsManage).await?;
    let found = sqlx::query!(
        r#"SELECT version, field_rules AS "rules: Jsonb<Vec<FieldRule>>"
           FROM collections WHERE workspace_id = $1 AND name = $2"#,
        workspace,
        collection.as_str()
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::not_found)?;
    Ok(([(header::ETAG, etag(found.version))], Json(FieldRules { rules: found.rules.0 })))
}

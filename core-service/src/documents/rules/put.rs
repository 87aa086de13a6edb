//! `PUT …/collections/{collection}/field-rules`

use axum::extract::State;
use http::{HeaderName, HeaderValue, header};
use serde_json::json;
use sqlx::types::Json as Jsonb;
use uuid::Uuid;

use super::FieldRules;
use crate::access::{Permission, authorize};
use crate::app::AppState;
use crate::audit::{self, Action, Event};
use crate::documents::collections::{Collection, CollectionName};
use crate::documents::places::path;
use crate::http::{IfMatch, Json, Path, etag};
use crate::identity::Caller;
use crate::problem::{self, FieldError, Problem, Result};

/// Replace the rules for a collection's fields
///
/// They hold for the next request. A rule is for callers who have its roles and no others; it cannot name `owner`.
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{workspace}/collections/{collection}/field-rules",
    operation_id = "collections.rules.put",
    tag = "collections",
    security(("bearer" = [])),
    params(
        ("workspace" = Uuid, Path, description = "The workspace's id"),
        ("collection" = CollectionName, Path, description = "The collection's name"),
        ("If-Match" = Option<String>, Header, description = "The collection's version that is to change"),
    ),
    request_body = FieldRules,
    responses(
        (status = OK, description = "The rules", body = FieldRules, headers(
            ("etag" = String, description = "The collection's version"),
        )),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
        problem::Conditional,
    ),
)]
pub async fn put(
    caller: Caller,
    State(app): State<AppState>,
    Path((workspace, name)): Path<(Uuid, CollectionName)>,
    if_match: IfMatch,
    Json(new): Json<FieldRules>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<FieldRules>)> {
    let mut tx = app.database.begin(&caller.scope().in_workspace(workspace)).await?;
    authorize(&mut tx, &caller, workspace, Permission::CollectionsManage).await?;
    let collection = Collection::lock(&mut tx, workspace, &name).await?;
    if_match.check(collection.version)?;
    check(&new)?;
    let version = sqlx::query_scalar!(
        "UPDATE collections SET field_rules = $2, version = version + 1, updated_at = now()
         WHERE id = $1 RETURNING version",
        collection.id,
        Jsonb(&new.rules) as _
    )
    .fetch_one(&mut *tx)
    .await?;
    let event = Event::by(&caller, Action::FieldRulesChanged).in_workspace(workspace);
    let event = event.about("collection", collection.id).with(json!({ "fields": new.rules.len() }));
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(([(header::ETAG, etag(version))], Json(new)))
}

fn check(new: &FieldRules) -> Result<()> {
    let mut errors = Vec::new();
    for (index, rule) in new.rules.iter().enumerate() {
        if path(&rule.field).is_none() {
            errors.push(FieldError::new(format!("/rules/{index}/field"), "format", "is no field below `data`"));
        }
        if rule.roles.iter().any(crate::access::RoleName::is_owner) {
            errors.push(FieldError::new(format!("/rules/{index}/roles"), "not", "owners see and write everything"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::validation(errors)) }
}

//! What a link leads to: documents, for whoever has its token, without an account.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Deserialize;
use serde_json::Value;
use sqlx::types::Json as Jsonb;
use utoipa::IntoParams;
use uuid::Uuid;

use super::collections::CollectionName;
use super::model::{Document, Row};
use super::rules::{Applied, FieldRule};
use crate::access::grants::LinkToken;
use crate::app::AppState;
use crate::database::Scope;
use crate::http::{Cursor, Json, Limit, Page, Query};
use crate::problem::{self, Problem, Result};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SharedQuery {
    /// How many documents a page holds.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Read what a link leads to
///
/// The document, or the documents of the collection, that somebody made a link to (`grants.create`). A link that is over, was
/// taken back or never was is answered 404.
#[utoipa::path(
    get,
    path = "/api/v1/shared/documents",
    operation_id = "documents.shared",
    tag = "documents",
    params(("Link-Token" = Option<String>, Header, description = "The link's token"), SharedQuery),
    responses(
        (status = OK, description = "A page of documents", body = Page<Document>),
        problem::Always, problem::Lookup,
    ),
    security(()),
)]
pub async fn list(
    LinkToken(hash): LinkToken,
    State(app): State<AppState>,
    Query(query): Query<SharedQuery>,
) -> Result<Response> {
    let after: Option<Uuid> = query.cursor.as_ref().map(Cursor::position).transpose()?;
    let mut tx = app.database.begin_read(&Scope::link(hash)).await?;
    let collection = sqlx::query!(
        r#"SELECT c.id, c.name, c.field_rules AS "rules: Jsonb<Vec<FieldRule>>"
           FROM breakwater_link() l JOIN collections c ON c.id = l.collection_id"#
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::not_found)?;
    let name = CollectionName::try_from(collection.name).map_err(Problem::internal)?;
    let rules = Applied::to_links(&collection.rules.0);
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id!", version AS "version!", created_at AS "created_at!", updated_at AS "updated_at!", created_by,
                  updated_by, data AS "data!: Jsonb<Value>"
           FROM member_documents WHERE collection_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        collection.id,
        after,
        query.limit.and_one()
    )
    .fetch_all(&mut *tx)
    .await?;
    let page = Page::of(rows, query.limit, |last| last.id);
    let items = page.items.into_iter().map(|row| row.shown(&name, &rules)).collect();
    let page: Page<Document> = Page { items, next_cursor: page.next_cursor };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(page)).into_response())
}

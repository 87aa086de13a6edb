//! Documents for everybody: what a collection's options make public, without an account.
//!
//! Rules: a field that is hidden from anybody is hidden here, and who wrote a document is not told; answers are for shared
//! caches, with the collection's tag, and every write to the collection purges that tag ([`purges`]), so an edge is as fresh
//! as its last purge: docs/decisions/0033-public-by-collection.md.

mod get;
mod list;
pub mod purges;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::collections::{CollectionName, Target};
use super::filter::Filter;
use super::model::Row;
use super::options::Public;
use super::page::{Among, Choice};
use super::rules::Applied;
use crate::app::AppState;
use crate::hex::hex;
use crate::http::IfNoneMatch;
use crate::problem::{Problem, Result};

/// Caches that hear of purges keep an answer for so long (RFC 9213).
const KEPT: HeaderValue = HeaderValue::from_static("max-age=86400");
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list::list)).routes(routes!(get::get))
}

/// A document, as everybody may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicDocument {
    /// Its id.
    pub id: Uuid,
    /// The name of its collection.
    pub collection: String,
    /// Rises with every change.
    pub version: i64,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// What it holds.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// A collection that has public documents.
struct Shown {
    target: Target,
    public: Public,
    rules: Applied,
}

impl Shown {
    /// 404 if there is nothing public of this name.
    async fn find(tx: &mut PgConnection, workspace: Uuid, collection: &CollectionName) -> Result<Self> {
        let target = Target::for_reading(tx, workspace, collection).await?;
        let public = target.options.public.clone().ok_or_else(Problem::not_found)?;
        let rules = Applied::to_links(&target.rules);
        Ok(Self { target, public, rules })
    }

    /// Its public documents, and of these those that `wanted` finds.
    fn choice(&self, wanted: Option<Filter>) -> Result<Choice> {
        let own = self.public.filter.as_deref();
        let own = own.map(|text| Filter::parse(text, &self.target.schema.declared(), &[])).transpose()?;
        let parts: Vec<_> = own.into_iter().chain(wanted).collect();
        let filter = (!parts.is_empty()).then_some(Filter::All(parts));
        Ok(Choice { collection: self.target.id, among: Among::Public, filter, question: None })
    }

    fn document(&self, row: Row, collection: &CollectionName) -> PublicDocument {
        let shown = row.shown(collection, &self.rules);
        PublicDocument {
            id: shown.id,
            collection: shown.collection,
            version: shown.version,
            created_at: shown.created_at,
            updated_at: shown.updated_at,
            data: shown.data,
        }
    }

    /// The answer, for shared caches. Its ETag is of what it says: a rule that hides a field changes that as well as a write.
    fn answer(&self, body: &impl Serialize, known: &IfNoneMatch) -> Result<Response> {
        let body = serde_json::to_vec(body).map_err(Problem::internal)?;
        let header = |text: String| HeaderValue::try_from(text).map_err(Problem::internal);
        let digest = hex(&Sha256::digest(&body));
        let etag = header(format!("\"{}\"", digest.get(..32).unwrap_or_default()))?;
        let headers = [
            (header::CACHE_CONTROL, header(format!("public, max-age={}", self.public.max_age.unwrap_or(0)))?),
            (CDN_CACHE_CONTROL, KEPT),
            (SURROGATE_KEY, header(purges::tag(self.target.id))?),
            (header::ETAG, etag.clone()),
        ];
        if known.matches(&etag) {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        Ok((headers, [(header::CONTENT_TYPE, "application/json")], body).into_response())
    }
}

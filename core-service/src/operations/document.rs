//! `/api/openapi.json` and `/api/docs`: the OpenAPI document, for machines and for people. Both are made once, when
//! the service starts.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use utoipa::openapi::OpenApi;

use super::page;
use crate::app::AppState;
use crate::http::IfNoneMatch;
use crate::problem;

/// The document as it is served.
pub struct ApiDocument {
    json: Served,
    page: Served,
    page_policy: HeaderValue,
}

struct Served {
    body: axum::body::Bytes,
    etag: HeaderValue,
    content_type: HeaderValue,
}

impl ApiDocument {
    /// Writes `openapi` as JSON and as a page.
    pub fn new(openapi: OpenApi) -> anyhow::Result<Self> {
        let page = page::render(&serde_json::to_value(&openapi)?);
        Ok(Self {
            json: Served::new(serde_json::to_vec(&openapi)?, "application/json")?,
            page: Served::new(page.into_bytes(), "text/html; charset=utf-8")?,
            page_policy: HeaderValue::from_str(&page::content_security_policy())?,
        })
    }
}

impl Served {
    fn new(body: Vec<u8>, content_type: &'static str) -> anyhow::Result<Self> {
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..16]);
        Ok(Self {
            body: body.into(),
            etag: HeaderValue::from_str(&format!("\"{hash}\""))?,
            content_type: HeaderValue::from_static(content_type),
        })
    }

    fn answer(&self, known: &IfNoneMatch) -> Response {
        let headers = [
            (header::ETAG, self.etag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
        ];
        if known.matches(&self.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, self.content_type.clone())];
        (headers, content_type, self.body.clone()).into_response()
    }
}

/// Read this document
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "operations.openapi",
    tag = "operations",
    responses(
        (status = 200, description = "The OpenAPI document", body = serde_json::Value),
        (status = 304, description = "As the client knows it (If-None-Match)"),
        problem::Always,
    ),
    extensions(("x-breakwater-cacheable" = json!(true))),
    security(()),
)]
pub async fn openapi(State(app): State<AppState>, known: IfNoneMatch) -> Response {
    app.document.json.answer(&known)
}

/// Read this document as a page
#[utoipa::path(
    get,
    path = "/api/docs",
    operation_id = "operations.docs",
    tag = "operations",
    responses(
        (status = 200, description = "A page", body = String, content_type = "text/html"),
        (status = 304, description = "As the client knows it (If-None-Match)"),
        problem::Always,
    ),
    extensions(("x-breakwater-cacheable" = json!(true))),
    security(()),
)]
pub async fn docs(State(app): State<AppState>, known: IfNoneMatch) -> Response {
    let mut response = app.document.page.answer(&known);
    let policy = app.document.page_policy.clone();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

//! The OpenAPI document, kept as bytes.

use utoipa::openapi::OpenApi;

/// The document as it is served.
pub struct ApiDocument {
    /// The JSON.
    pub json: String,
}

impl ApiDocument {
    /// Writes `openapi` as JSON.
    pub fn new(openapi: OpenApi) -> Result<Self, serde_json::Error> {
        Ok(Self { json: openapi.to_pretty_json()? })
    }
}

//! Which operations take uploads: their bodies are streamed, so nothing may read them whole, and they take as long as they take.

use std::collections::HashSet;

use axum::extract::MatchedPath;
use axum::http::{Extensions, Method};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;

use super::operations::operations;

/// In the OpenAPI document, an operation that takes an upload.
pub(crate) const EXTENSION: &str = "x-breakwater-upload";

/// The operations, by method and path.
pub struct Uploads(HashSet<(Method, String)>);

impl Uploads {
    /// Those that the document names.
    pub fn new(document: &OpenApi) -> Self {
        let takes =
            |operation: &Operation| operation.extensions.as_ref().is_some_and(|all| all.contains_key(EXTENSION));
        Self(operations(document).filter(|(_, operation)| takes(operation)).map(|(place, _)| place).collect())
    }

    /// Whether a request that was routed is one of them.
    pub(super) fn contain(&self, method: &Method, extensions: &Extensions) -> bool {
        let path = extensions.get::<MatchedPath>();
        path.is_some_and(|path| self.0.contains(&(method.clone(), path.as_str().to_owned())))
    }
}

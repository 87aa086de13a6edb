//! Which operations take uploads: their bodies are streamed, so nothing may read them whole, and they take as long as they take.

use std::collections::HashSet;

use axum::extract::MatchedPath;
use axum::http::{Extensions, Method};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;

/// In the OpenAPI document, an operation that takes an upload.
pub(crate) const EXTENSION: &str = "x-breakwater-upload";

/// The operations, by method and path.
pub struct Uploads(HashSet<(Method, String)>);

impl Uploads {
    /// Those that the document names.
    pub fn new(document: &OpenApi) -> Self {
        let takes = |path: &str, method, item: Option<&utoipa::openapi::path::Operation>| {
            let extensions = item.and_then(|operation| operation.extensions.as_ref());
            extensions.is_some_and(|all| all.contains_key(EXTENSION)).then(|| (method, path.to_owned()))
        };
        let of = |(path, item): (&String, &PathItem)| {
            [
                takes(path, Method::POST, item.post.as_ref()),
                takes(path, Method::PUT, item.put.as_ref()),
                takes(path, Method::PATCH, item.patch.as_ref()),
            ]
        };
        Self(document.paths.paths.iter().flat_map(of).flatten().collect())
    }

    /// Whether a request that was routed is one of them.
    pub(super) fn contain(&self, method: &Method, extensions: &Extensions) -> bool {
        let path = extensions.get::<MatchedPath>();
        path.is_some_and(|path| self.0.contains(&(method.clone(), path.as_str().to_owned())))
    }
}

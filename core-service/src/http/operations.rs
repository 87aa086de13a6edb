//! The operations of the OpenAPI document, by where they are.

use axum::http::Method;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;

/// Each with its method and path, as a request that was routed has them.
pub(crate) fn operations(document: &OpenApi) -> impl Iterator<Item = ((Method, String), &Operation)> {
    document.paths.paths.iter().flat_map(|(path, item)| {
        let operations = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::DELETE, &item.delete),
            (Method::PATCH, &item.patch),
        ];
        operations
            .into_iter()
            .filter_map(move |(method, operation)| Some(((method, path.clone()), operation.as_ref()?)))
    })
}

//! Answers to what made something.

use axum::response::IntoResponse;
use http::{StatusCode, header};
use serde::Serialize;

use super::{Json, etag};

/// 201: where it is, its version, and itself.
pub fn created<T: Serialize>(location: String, version: i64, body: T) -> impl IntoResponse {
    (StatusCode::CREATED, [(header::LOCATION, location)], [(header::ETAG, etag(version))], Json(body))
}

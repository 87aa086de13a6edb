//! What every request and answer of the protocol has in common.

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};

use crate::http::header;
use crate::problem::{Problem, Result, kinds};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// The version that is spoken.
const SPOKEN: &str = "1.0.0";

/// Layer: refuses other versions, and says in each answer which one is spoken. A plain `GET` need not know the protocol.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let version = request.headers().get(RESUMABLE).map(HeaderValue::as_bytes);
    let mut answer = match version {
        Some(version) if version == SPOKEN.as_bytes() => next.run(request).await,
        None if request.method() == Method::GET => next.run(request).await,
        None | Some(b"") => Problem::bad_request("Tus-Resumable must say `1.0.0`.").into_response(),
        Some(_) => {
            let problem = Problem::new(&kinds::PRECONDITION_FAILED).detail("Only version 1.0.0 is spoken here.");
            problem.header(VERSION, HeaderValue::from_static(SPOKEN)).into_response()
        }
    };
    answer.headers_mut().insert(RESUMABLE, HeaderValue::from_static(SPOKEN));
    answer
}

/// Extractor: `Upload-Offset`.
pub(super) struct Offset(pub(super) i64);

/// Extractor: `Upload-Length`.
pub(super) struct Length(pub(super) i64);

impl<S: Send + Sync> FromRequestParts<S> for Offset {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        number(parts, &UPLOAD_OFFSET).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Length {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        number(parts, &UPLOAD_LENGTH).map(Self)
    }
}

fn number(parts: &Parts, name: &HeaderName) -> Result<i64> {
    let digits = header(parts, name)?.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Problem::bad_request(format!("{name} must be a number of bytes.")))
}

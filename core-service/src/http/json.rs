//! The JSON body extractor.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::schema;
use crate::problem::{FieldError, Problem, Result, kinds};

/// A body that fits `T`'s schema; as an answer, `T` as JSON.
///
/// As an extractor it answers 415 for another content type, 400 for what is no JSON, and 422 naming every field
/// that is missing, unknown or of the wrong type. Give `T` `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned + ToSchema + 'static,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if !has_media_type(request.headers(), is_json) {
            return Err(
                Problem::new(&kinds::UNSUPPORTED_MEDIA_TYPE).detail("The body must be sent as application/json.")
            );
        }
        let bytes = body(request, state).await?;
        parse(&bytes).map(Json)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads `bytes` as a `T`, telling everything that is wrong.
pub(crate) fn parse<T: DeserializeOwned + ToSchema + 'static>(bytes: &[u8]) -> Result<T> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::new(&kinds::MALFORMED_JSON).detail(format!("No JSON from line {line}, column {column} on."))
    })?;
    // PostgreSQL's text cannot hold U+0000. JSON can only say it with this escape.
    if bytes.windows(6).any(|window| window == br"\u0000") {
        schema::refuse_nul(&value)?;
    }
    schema::check(&*schema::validator::<T>()?, &value)?;
    // What the schema cannot say, serde does; it knows no pointer.
    serde_json::from_value(value)
        .map_err(|_| Problem::validation(vec![FieldError::new("", "type", "does not have the expected form")]))
}

/// A part of a body that was put together, as a `T`; everything that is wrong is told with `pointer` before its place.
pub(crate) fn fit<T: DeserializeOwned + ToSchema + 'static>(value: serde_json::Value, pointer: &str) -> Result<T> {
    schema::check_at(&*schema::validator::<T>()?, &value, pointer)?;
    serde_json::from_value(value)
        .map_err(|_| Problem::invalid_field(pointer, "type", "does not have the expected form"))
}

/// The whole body, at most as long as the service allows.
pub(crate) async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::new(&kinds::PAYLOAD_TOO_LARGE)
        }
        _ => Problem::bad_request("The body did not arrive whole."),
    })
}

/// Whether the content type's essence satisfies `accepts`.
pub(crate) fn has_media_type(headers: &HeaderMap, accepts: fn(&str) -> bool) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| accepts(&essence(value)))
}

/// A media type without its parameters, in lower case: RFC 9110 section 8.3.1.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

//! The body of a PATCH: which kind of patch it is says its media type.

use axum::extract::{FromRequest, Request};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Change;
use super::json_patch::JsonPatchBody;
use crate::app::AppState;
use crate::http::{Json, body, has_media_type, parse};
use crate::problem::{Problem, Result, kinds};

/// RFC 6902 section 6.
const JSON_PATCH: &str = "application/json-patch+json";
/// RFC 5789 section 3.1.
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// What changes in a document (JSON Merge Patch, RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentPatch {
    /// What changes in its data.
    #[schema(value_type = Object, example = json!({"price": 13, "discount": null}))]
    pub(in crate::documents) data: Value,
}

/// Extractor: a patch of either kind.
pub(in crate::documents) struct PatchBody(pub(in crate::documents) Change);

impl FromRequest<AppState> for PatchBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self> {
        if has_media_type(request.headers(), |essence| essence == JSON_PATCH) {
            let bytes = body(request, state).await?;
            let patch: JsonPatchBody = parse(&bytes)?;
            return Ok(Self(Change::Patch(patch.checked("")?)));
        }
        match Json::<DocumentPatch>::from_request(request, state).await {
            Ok(Json(patch)) => Ok(Self(Change::Merge(patch.data))),
            Err(problem) if *problem.kind() == kinds::UNSUPPORTED_MEDIA_TYPE => {
                let kinds = "application/merge-patch+json, application/json-patch+json";
                Err(problem
                    .detail(format!("A patch is {kinds}."))
                    .header(ACCEPT_PATCH, HeaderValue::from_static(kinds)))
            }
            Err(problem) => Err(problem),
        }
    }
}

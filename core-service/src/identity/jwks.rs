//! `GET /.well-known/jwks.json`: the keys that verify access tokens (RFC 7517 section 5).

use axum::extract::State;
use axum::response::IntoResponse;
use http::header;

use crate::app::AppState;
use crate::problem::{self, Result};

/// List signing keys
///
/// The keys that access tokens may be signed with: the current one, the next, and a previous one while tokens
/// of it live.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "identity.jwks",
    tag = "identity",
    responses((status = 200, description = "A JWK set", body = Value), problem::Always),
    extensions(("x-breakwater-cacheable" = json!(true))),
    security(()),
)]
pub async fn jwks(State(app): State<AppState>) -> Result<impl IntoResponse> {
    let live = app.identity.live(&app).await?;
    let headers = [(header::CACHE_CONTROL, "public, max-age=60")];
    Ok((headers, axum::Json(live.jwks())))
}

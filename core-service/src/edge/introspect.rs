//! `POST /edge/v1/introspect`: what edges ask about API keys of ours, in the words of RFC 7662. They remember the answer for
//! as long as the snapshot says, and hear of a key's end with the ended sessions.

use axum::extract::State;
use axum::{Form, Json};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::link::FORWARDED_FOR;
use crate::app::AppState;
use crate::identity::api_keys;
use crate::problem::{Problem, Result};

/// Where it is.
pub(super) const PATH: &str = "/edge/v1/introspect";

/// For so long, an edge that does not hear from us lets a key through that ended. We refuse it at once.
pub(super) const CACHE_SECONDS: u64 = 30;

#[derive(Deserialize)]
pub(super) struct Question {
    token: String,
    /// The client's, as the edge sees it.
    address: Option<String>,
}

pub(super) async fn introspect(
    State(app): State<AppState>,
    headers: HeaderMap,
    Form(question): Form<Question>,
) -> Result<Json<Value>> {
    // An edge asks for itself. What it forwards for a client names that client, and is told nothing.
    if headers.contains_key(FORWARDED_FOR) {
        return Err(Problem::not_found());
    }
    let address = question.address.as_deref().filter(|address| address.len() <= 64);
    let Some(holder) = api_keys::introspect(&app, &question.token, address).await? else {
        return Ok(Json(json!({ "active": false })));
    };
    Ok(Json(json!({
        "active": true,
        "iss": app.config.identity.issuer,
        "sub": holder.owner,
        // What ends: as a session ends, so does the key.
        "sid": holder.id,
        "scope": holder.permissions.unwrap_or_default().join(" "),
        "exp": holder.expires_at.unix_timestamp(),
        "addresses": holder.addresses,
    })))
}

//! `POST /api/v1/edge/purges`: for publishing systems and whoever else changes what is cached.

use axum::extract::State;
use http::request::Parts;
use http::{StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::Purge;
use crate::app::AppState;
use crate::http::Json;
use crate::problem::{self, Problem, Result};

/// A purge that every connected edge has within a second.
#[derive(Debug, Serialize, ToSchema)]
pub struct Purged {
    /// Its number: answers that were asked for before it are gone, or stale.
    number: i64,
}

/// Whoever showed the operator's key.
pub struct Operator;

impl axum::extract::FromRequestParts<AppState> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self> {
        // Without a key, there is nothing here.
        let key = app.config.edge.purge_key.as_ref().ok_or_else(Problem::not_found)?;
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        let first = given.next().ok_or_else(Problem::authentication_required)?;
        let shown = first.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        // Digests are of one length, so that the comparison tells nothing about the key's.
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        let good = shown.is_some_and(|shown| digest(shown).ct_eq(&digest(key.reveal())).into());
        if good && given.next().is_none() {
            Ok(Self)
        } else {
            Err(Problem::forbidden().detail("Send the purge key as a bearer token."))
        }
    }
}

/// Purge what edges have cached
///
/// By URL, by tag, or everything; hard or soft. For whoever has the key of the core's setting `edge.purge_key`, which is
/// sent as `Authorization: Bearer <key>`. Without that setting there is nothing here. To repeat it does no harm.
#[utoipa::path(
    post,
    path = "/api/v1/edge/purges",
    operation_id = "edge.purge",
    tag = "edge",
    request_body = Purge,
    responses(
        (status = CREATED, description = "Every connected edge has it within a second", body = Purged),
        problem::Always, problem::Authenticated, problem::Authorized, problem::Lookup, problem::Body,
    ),
    security(("purge_key" = [])),
    extensions(("x-breakwater-limits" = json!(["sign-in"]))),
)]
pub async fn purge(
    _: Operator,
    State(app): State<AppState>,
    Json(purge): Json<Purge>,
) -> Result<(StatusCode, Json<Purged>)> {
    let number = purge.checked()?.make(&app, "key").await?;
    Ok((StatusCode::CREATED, Json(Purged { number })))
}

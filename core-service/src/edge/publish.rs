//! `GET /edge/v1/snapshot`: what edges ask every second.
//!
//! The answer is signed with the key that the request was signed with, over the request's own MAC: so an edge knows
//! that a core answered, and answered this very request. While nothing changed it costs a comparison of pointers
//! and one MAC.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use http::{HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use super::link::FromEdge;
use super::snapshot::{Snapshot, hex};
use crate::app::AppState;
use crate::http::IfNoneMatch;
use crate::problem::{Problem, Result};
use crate::vault::keyed;

const SIGNATURE: HeaderName = HeaderName::from_static("breakwater-core");

pub(super) async fn snapshot(
    State(app): State<AppState>,
    Extension(edge): Extension<FromEdge>,
    known: IfNoneMatch,
) -> Result<Response> {
    let snapshot = current(&app).await?;
    let unchanged = known.matches(&snapshot.etag);
    let status = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let body_sha256 = if unchanged { hex(&Sha256::digest(b"")) } else { snapshot.body_sha256.clone() };
    let mut mac = keyed(&edge.key.secret);
    for part in ["breakwater-core-v1", &edge.mac, status.as_str()] {
        mac.update(part.as_bytes());
        mac.update(b"\n");
    }
    mac.update(snapshot.etag.as_bytes());
    mac.update(b"\n");
    mac.update(body_sha256.as_bytes());
    let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    let signature = HeaderValue::try_from(format!("v1 key={},mac={mac}", edge.key.id));
    let headers = [
        (header::ETAG, snapshot.etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (SIGNATURE, signature.map_err(Problem::internal)?),
    ];
    if unchanged {
        return Ok((status, headers).into_response());
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((status, headers, json, snapshot.body.clone()).into_response())
}

async fn current(app: &AppState) -> Result<Arc<Snapshot>> {
    let live = app.identity.live(app).await?;
    let held = app.edge.snapshot.read().ok().and_then(|held| held.clone());
    if let Some(snapshot) = held.filter(|snapshot| snapshot.is_made_from(&live)) {
        return Ok(snapshot);
    }
    let snapshot = Arc::new(app.edge.template.fill(live)?);
    if let Ok(mut held) = app.edge.snapshot.write() {
        *held = Some(snapshot.clone());
    }
    Ok(snapshot)
}

//! `GET /edge/v1/snapshot`: what edges ask all the time, either once a second or with `Prefer: wait=20`, which lets us
//! hold the request until there is something new.
//!
//! The answer is signed with the key that the request was signed with, over the request's own MAC: so an edge knows
//! that a core answered, and answered this very request. While nothing changed it costs a comparison of pointers
//! and one MAC.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::link::{FORWARDED_FOR, FromEdge};
use super::snapshot::Snapshot;
use crate::app::AppState;
use crate::hex::hex;
use crate::http::IfNoneMatch;
use crate::problem::{Problem, Result};
use crate::vault::keyed;

const SIGNATURE: HeaderName = HeaderName::from_static("breakwater-core");
/// Names an issuer whose tokens name a key that the edge does not have.
const MISSING_KEY: HeaderName = HeaderName::from_static("breakwater-missing-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Long enough to cost little, short enough for what stands between edge and core to keep the connection.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

pub(super) async fn snapshot(
    State(app): State<AppState>,
    Extension(edge): Extension<FromEdge>,
    known: IfNoneMatch,
    headers: HeaderMap,
) -> Result<Response> {
    // An edge asks for itself. What it forwards for a client names that client, and is told nothing.
    if headers.contains_key(FORWARDED_FOR) {
        return Err(Problem::not_found());
    }
    for issuer in headers.get_all(MISSING_KEY).iter().filter_map(|issuer| issuer.to_str().ok()) {
        app.edge.declared().issuers.missing(issuer);
    }
    let wait = preferred_wait(&headers, app.config.http.request_timeout);
    let snapshot = match wait {
        Some(wait) => newer(&app, &known, wait).await?,
        None => current(&app).await?,
    };
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
    // RFC 7240, section 3.
    let applied = wait.map(|wait| [(APPLIED, HeaderValue::from_str(&format!("wait={}", wait.as_secs())))]);
    let applied = applied.into_iter().flatten().filter_map(|(name, value)| Some((name, value.ok()?))).collect();
    let applied: HeaderMap = applied;
    if unchanged {
        return Ok((status, headers, applied).into_response());
    }
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((status, headers, applied, json, snapshot.body.clone()).into_response())
}

/// How long the edge lets us hold its request, within what we allow ourselves (RFC 7240, section 4.3).
fn preferred_wait(headers: &HeaderMap, request_timeout: Duration) -> Option<Duration> {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split(',')).map(str::trim);
    let seconds = preferences.find_map(|preference| preference.strip_prefix("wait=")?.parse().ok())?;
    let most = request_timeout.saturating_sub(Duration::from_secs(1)).min(LONGEST_WAIT);
    Some(Duration::from_secs(seconds).min(most))
}

/// The snapshot, as soon as it is another than the edge has.
async fn newer(app: &AppState, known: &IfNoneMatch, wait: Duration) -> Result<Arc<Snapshot>> {
    let deadline = Instant::now() + wait;
    let mut news = app.edge.news.wait();
    loop {
        let snapshot = current(app).await?;
        if !known.matches(&snapshot.etag) || !news.until(deadline).await {
            return Ok(snapshot);
        }
    }
}

async fn current(app: &AppState) -> Result<Arc<Snapshot>> {
    let live = app.identity.live(app).await?;
    let purges = app.edge.purges.current(app).await?;
    let declared = app.edge.declared();
    let issuers = declared.issuers.published();
    let held = app.edge.snapshot.read().ok().and_then(|held| held.clone());
    if let Some(snapshot) = held.filter(|snapshot| snapshot.is_made_from(&declared, &live, &purges, &issuers)) {
        return Ok(snapshot);
    }
    let snapshot = Arc::new(Snapshot::new(declared, live, purges, issuers)?);
    if let Ok(mut held) = app.edge.snapshot.write() {
        *held = Some(snapshot.clone());
    }
    Ok(snapshot)
}

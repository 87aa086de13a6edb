//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is sent again takes effect once
//! and is answered alike.
//!
//! How: the answer is stored in the same transaction as the effect, so after a crash either both are there or
//! neither. While that transaction runs, a transaction-level advisory lock marks the key as being worked on; the
//! database releases it whatever happens to us. Only successful answers are kept: a refused request had no effect
//! and may be tried again.
//!
//! In a handler: take [`Idempotency`], then
//! ```text
//! let mut tx = match idempotency.begin(&app, &caller.scope()).await? {
//!     Attempt::Repeated(answer) => return Ok(answer),
//!     Attempt::First(tx) => tx,
//! };
//! let workspace = insert(&mut tx, input).await?;
//! tx.commit((StatusCode::CREATED, Json(workspace))).await
//! ```

use std::ops::{Deref, DerefMut};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use subtle::ConstantTimeEq;

use super::json;
use crate::app::AppState;
use crate::database::{Scope, Tx};
use crate::problem::{Problem, Result, kinds};
use crate::vault::{self, Batch, ROUND, Ring};

/// The header.
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Set on an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Layer: reads the body of a POST with an Idempotency-Key, so that the handler can tell a repetition.
pub async fn layer(State(app): State<AppState>, request: Request, next: Next) -> Result<Response> {
    if request.method() != Method::POST || !request.headers().contains_key(HEADER) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let key = read_key(&parts)?;
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let fingerprint = |parts: &Parts, body: &[u8]| {
        let known = [path.as_bytes(), said(parts, "content-type"), said(parts, "x-session-mode"), body];
        vault::mac(&app.vault.derive("idempotency"), &known)
    };
    let (fingerprint, body) = if app.uploads.contain(&parts.method, &parts.extensions) {
        // It goes by unread: of it counts what is said of it.
        let about = [said(&parts, "content-length"), b" ", said(&parts, "content-digest")].concat();
        (fingerprint(&parts, &about), body)
    } else {
        let body: Bytes = json::body(Request::from_parts(parts.clone(), body), &app).await?;
        (fingerprint(&parts, &body), Body::from(body))
    };
    parts.extensions.insert(Repeatable { path, key, fingerprint });
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// What a header says; nothing if it is absent. `X-Session-Mode` counts as well: what was answered in cookies is not for who wants
/// tokens, nor the other way round.
fn said<'a>(parts: &'a Parts, name: &str) -> &'a [u8] {
    parts.headers.get(name).map_or(b"", HeaderValue::as_bytes)
}

/// 1 to 255 visible characters, with or without the quotes of a structured field (RFC 9651 section 3.3.3).
fn read_key(parts: &Parts) -> Result<String> {
    let value = super::parameters::header(parts, &HEADER)?.unwrap_or_default().trim();
    let key = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    if (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(key.to_owned())
    } else {
        Err(Problem::bad_request("Idempotency-Key must be 1 to 255 visible characters."))
    }
}

/// What the layer learnt.
#[derive(Clone)]
struct Repeatable {
    path: String,
    key: String,
    fingerprint: [u8; 32],
}

/// Extractor: whether, and under which key, this request may be a repetition.
#[derive(Clone)]
pub struct Idempotency(Option<Repeatable>);

/// How a handler goes on.
pub enum Attempt {
    /// It was done before: this is the answer.
    Repeated(Response),
    /// Do it, in this transaction.
    First(IdempotentTransaction),
}

/// A transaction that keeps its answer when it commits.
pub struct IdempotentTransaction {
    tx: Tx,
    record: Option<Record>,
}

struct Record {
    app: AppState,
    id: [u8; 32],
    scope: Scope,
    fingerprint: [u8; 32],
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

impl Idempotency {
    /// Begins the handler's transaction on behalf of `scope`, unless this request was answered before.
    pub async fn begin(self, app: &AppState, scope: &Scope) -> Result<Attempt> {
        let mut tx = app.database.begin(scope).await?;
        let Some(request) = self.0 else {
            return Ok(Attempt::First(IdempotentTransaction { tx, record: None }));
        };
        let id = identify(app, scope, &request);
        let lock = i64::from_be_bytes(id.first_chunk().copied().unwrap_or_default());
        let locked = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "locked!""#, lock)
            .fetch_one(&mut *tx)
            .await?;
        if !locked {
            return Err(Problem::new(&kinds::REQUEST_IN_PROGRESS).retry_after(1));
        }
        // A statement of its own, after the lock: it must see what the lock's last holder committed.
        let stored = sqlx::query!(
            "SELECT fingerprint, answer FROM idempotency_keys
             WHERE id = $1 AND created_at > now() - interval '24 hours'",
            &id[..]
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(stored) = stored {
            // Now, not when the pool comes to it: the next repetition may be on its way.
            tx.rollback().await?;
            if !bool::from(stored.fingerprint.ct_eq(&request.fingerprint[..])) {
                return Err(Problem::new(&kinds::IDEMPOTENCY_KEY_REUSED));
            }
            let answer = app.vault.open(&id, &stored.answer).await?;
            return Stored::answer(&answer).map(Attempt::Repeated);
        }
        Ok(Attempt::First(IdempotentTransaction {
            tx,
            record: Some(Record { app: app.clone(), id, scope: *scope, fingerprint: request.fingerprint }),
        }))
    }
}

fn identify(app: &AppState, scope: &Scope, request: &Repeatable) -> [u8; 32] {
    let caller = scope.user_id().unwrap_or_default();
    // What somebody was answered is not for a key of theirs that may do less.
    let narrowed = scope.narrowed().map(|permissions| permissions.names().join(",")).unwrap_or_default();
    let parts: [&[u8]; 5] =
        [caller.as_bytes(), narrowed.as_bytes(), b"POST", request.path.as_bytes(), request.key.as_bytes()];
    vault::mac(&app.vault.derive("idempotency"), &parts)
}

impl IdempotentTransaction {
    /// Undoes it, and keeps nothing: what is to be done is begun again later.
    pub async fn abandon(self) -> Result<()> {
        Ok(self.tx.rollback().await?)
    }

    /// Keeps the answer, commits, and answers.
    pub async fn commit(mut self, answer: impl IntoResponse) -> Result<Response> {
        let answer = answer.into_response();
        let Some(record) = self.record else {
            self.tx.commit().await?;
            return Ok(answer);
        };
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(Problem::internal)?.to_bytes();
        let stored = Stored::of(&parts, &body);
        let plain = serde_json::to_vec(&stored).map_err(Problem::internal)?;
        let sealed = record.app.vault.seal(&record.id, &plain).await?;
        let kept = sqlx::query!(
            "INSERT INTO idempotency_keys (id, caller, fingerprint, answer) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE
             SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = now()
             WHERE idempotency_keys.created_at <= now() - interval '24 hours'",
            &record.id[..],
            record.scope.user_id(),
            &record.fingerprint[..],
            sealed
        )
        .execute(&mut *self.tx)
        .await?;
        if kept.rows_affected() == 0 {
            // Cannot be while the lock holds; were it so, this one rolls back rather than take effect twice.
            return Err(Problem::new(&kinds::REQUEST_IN_PROGRESS).retry_after(1));
        }
        self.tx.commit().await?;
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

impl Deref for IdempotentTransaction {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.tx
    }
}

impl DerefMut for IdempotentTransaction {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

/// Encrypts some kept answers anew: see [`Batch`].
pub(crate) async fn reseal(
    connection: &mut PgConnection,
    ring: &Ring,
    after: Vec<u8>,
) -> anyhow::Result<Batch<Vec<u8>>> {
    let rows = sqlx::query!(
        "SELECT id, answer FROM idempotency_keys WHERE id > $1 AND breakwater_sealed_with(answer) IS DISTINCT FROM $2
         ORDER BY id LIMIT $3 FOR UPDATE",
        after,
        ring.current(),
        ROUND
    )
    .fetch_all(&mut *connection)
    .await?;
    let batch = Batch::of(ring, rows.into_iter().map(|row| (row.id.clone(), row.id, row.answer)))?;
    sqlx::query!(
        "UPDATE idempotency_keys SET answer = new.answer FROM unnest($1::bytea[], $2::bytea[]) AS new (id, answer)
         WHERE idempotency_keys.id = new.id",
        &batch.keys,
        &batch.sealed
    )
    .execute(connection)
    .await?;
    Ok(batch)
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Stored {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Stored {
    fn of(parts: &http::response::Parts, body: &Bytes) -> Self {
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
            body: body.to_vec(),
        }
    }

    fn answer(bytes: &[u8]) -> Result<Response> {
        let stored: Self = serde_json::from_slice(bytes).map_err(Problem::internal)?;
        let mut response = Response::new(Body::from(stored.body));
        *response.status_mut() = StatusCode::from_u16(stored.status).map_err(Problem::internal)?;
        for (name, value) in stored.headers {
            let name = HeaderName::try_from(name).map_err(Problem::internal)?;
            let value = HeaderValue::try_from(value).map_err(Problem::internal)?;
            response.headers_mut().append(name, value);
        }
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }
}

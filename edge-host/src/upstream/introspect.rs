//! Asking an authorization server about a token (RFC 7662).

use breakwater_kit::types::{Introspection, Opinion};
use breakwater_pipeline::Forward;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;

use super::request_body::RequestBody;
use super::{Upstreams, exchange, milliseconds};

/// Bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

impl Upstreams {
    /// What the server answers; none if nothing whole came in time.
    pub async fn introspect(&self, question: Introspection) -> Option<Opinion> {
        let forward = Forward {
            upstream: "introspection".to_owned(),
            origin: Some(question.origin),
            method: "POST".to_owned(),
            path_and_query: question.path_and_query,
            headers: question.headers,
            with_body: true,
            body: None,
            connect_timeout: question.timeout,
            response_timeout: question.timeout,
            idle_timeout: question.timeout,
            retries: 0,
            max_body: 0,
            mirror: None,
        };
        let pool = self.pool(forward.origin.as_deref()).ok()?;
        let asked = async {
            let body = RequestBody::whole(Bytes::from(question.body));
            let answer = exchange::run_with(&pool, forward, body).await.map_err(|failure| format!("{failure:?}"))?;
            let body = Limited::new(answer.body, MAX_ANSWER).collect().await.map_err(|error| error.to_string())?;
            Ok::<_, String>(Opinion { status: answer.head.status, body: body.to_bytes().into() })
        };
        match timeout(milliseconds(question.timeout), asked).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::warn!(origin = %pool.origin, error, "the authorization server gave no answer");
                None
            }
            Err(_) => {
                tracing::warn!(origin = %pool.origin, "the authorization server took too long");
                None
            }
        }
    }
}

//! Asking an authorization server about a token (RFC 7662).

use breakwater_kit::types::{Introspection, Opinion};
use breakwater_pipeline::{Forward, Upstream};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;

use super::{Upstreams, milliseconds};

/// Bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

impl Upstreams {
    /// What the server answers; none if nothing whole came in time.
    pub async fn introspect(&self, question: Introspection) -> Option<Opinion> {
        let asked = question.origin.clone().unwrap_or_else(|| "the core".to_owned());
        let forward = Forward {
            // Each authorization server is an upstream of its own, and so is the core when it is asked.
            upstream: asked.clone(),
            to: question.origin.map_or_else(Upstream::core, Upstream::at),
            affinity: None,
            method: "POST".to_owned(),
            path_and_query: question.path_and_query,
            headers: question.headers,
            with_body: true,
            upgrade: false,
            body: Some(question.body.into()),
            connect_timeout: question.timeout,
            response_timeout: question.timeout,
            idle_timeout: question.timeout,
            overall_timeout: 0,
            retries: 0,
            max_body: 0,
            mirror: None,
        };
        let answer = async {
            let answer = self.forward(forward, None).await.map_err(|failure| format!("{failure:?}"))?;
            let body = Limited::new(answer.body, MAX_ANSWER).collect().await.map_err(|error| error.to_string())?;
            Ok::<_, String>(Opinion { status: answer.head.status, body: body.to_bytes().into() })
        };
        match timeout(milliseconds(question.timeout), answer).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::warn!(server = asked, error, "the authorization server gave no answer");
                None
            }
            Err(_) => {
                tracing::warn!(server = asked, "the authorization server took too long");
                None
            }
        }
    }
}

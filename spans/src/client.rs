//! How batches reach the collector: the workspace's HTTP client, in the thread that the SDK sends from.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::{Builder, Runtime};

/// How long a collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// More of an answer than that is not read.
const MAX_ANSWER: usize = 64 * 1024;

/// With a runtime of its own, because the SDK's thread has none.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    runtime: Runtime,
}

impl Client {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, runtime: Builder::new_current_thread().enable_all().build()? })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut answer = self.http.execute(request.try_into()?).await?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err("the collector's answer is too long".into());
            }
            body.extend_from_slice(&piece);
        }
        Ok(Response::builder().status(status).body(body.into())?)
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.runtime.block_on(self.exchange(request))
    }
}

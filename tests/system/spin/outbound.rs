//! Outgoing requests: pooled connections to the hosts that the manifest allows.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What a request to an upstream comes to, in wasmtime's words.
type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

#[derive(Clone)]
pub struct Outbound {
    /// Scheme, host and port.
    allowed: Vec<(String, String, u16)>,
    client: Client<HttpConnector, WasiBody>,
}

impl Outbound {
    pub fn new(allowed: &[String]) -> Self {
        let allowed = allowed.iter().map(|host| destination(host).expect("scheme, host and port, no path")).collect();
        Self { allowed, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub fn allows(&self, url: &str) -> bool {
        // Spin looks at the host alone as well: credentials in a Redis address are no part of it.
        destination(url).is_some_and(|destination| self.allowed.contains(&destination))
    }
}

fn destination(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?;
    let port = match scheme {
        "http" => 80,
        "https" => 443,
        "redis" => 6379,
        _ => return None,
    };
    Some((scheme.to_owned(), uri.host()?.to_owned(), uri.port_u16().unwrap_or(port)))
}

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_read: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let this = self.clone();
        Box::new(async move {
            if !this.allows(&request.uri().to_string()) {
                return Err(Error::HttpRequestDenied);
            }
            request.headers_mut().remove(http::header::HOST);
            // Spin's default.
            let patience = options.and_then(|options| options.first_byte_timeout).unwrap_or(Duration::from_secs(600));
            let response = tokio::time::timeout(patience, this.client.request(request))
                .await
                .map_err(|_| Error::ConnectionReadTimeout)?
                .map_err(
                    |error| {
                        if error.is_connect() { Error::ConnectionRefused } else { Error::HttpProtocolError }
                    },
                )?;
            let between = options.and_then(|options| options.between_bytes_timeout).unwrap_or(Duration::from_secs(600));
            let response = response.map(|body| still_moving(body, between));
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}

/// The body, which fails when it stands still for too long.
fn still_moving(body: Incoming, patience: Duration) -> WasiBody {
    StillMoving { body, patience, waiting: None }.boxed_unsync()
}

struct StillMoving {
    body: Incoming,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Body for StillMoving {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        waiting.as_mut().poll(context).map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

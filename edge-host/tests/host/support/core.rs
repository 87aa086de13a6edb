//! A core that is played: it signs snapshots as the real one does, and answers in ways that test an edge.
//!
//! The signatures are written again here from their description, not taken from the code under test.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::{KEY, snapshot};

type Body = BoxBody<Bytes, Infallible>;

/// What arrived.
#[derive(Clone)]
pub struct Seen {
    pub method: String,
    pub path_and_query: String,
    pub headers: HeaderMap,
}

#[derive(Default)]
pub struct Counters {
    /// Connections that were opened.
    pub connections: AtomicUsize,
    /// Requests for the snapshot that were answered with it, and with 304.
    pub snapshots: AtomicUsize,
    pub not_modified: AtomicUsize,
    /// Requests under way that were given up by the edge.
    pub cancelled: AtomicUsize,
}

pub struct Shared {
    /// What is published, as it goes over the wire.
    snapshot: Mutex<Vec<u8>>,
    etag: Mutex<String>,
    /// The key that snapshots are signed with.
    pub key: Mutex<String>,
    pub seen: Mutex<Vec<Seen>>,
    pub counters: Counters,
    /// Each lets one event go.
    pub events: Arc<Semaphore>,
    visits: Mutex<HashMap<String, usize>>,
}

/// A running core.
pub struct Core {
    pub address: SocketAddr,
    pub shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Core {
    /// With the usual snapshot.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener).await
    }

    /// At an address where another was.
    pub async fn start_at(address: SocketAddr) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        Self::on(socket.listen(64).unwrap()).await
    }

    async fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            snapshot: Mutex::default(),
            etag: Mutex::default(),
            key: Mutex::new(KEY.to_owned()),
            seen: Mutex::default(),
            counters: Counters::default(),
            events: Arc::new(Semaphore::new(0)),
            visits: Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, shared.clone()));
        let core = Self { address, shared, task };
        core.publish(&snapshot::document("1"));
        core
    }

    /// Publishes another snapshot.
    pub fn publish(&self, document: &Value) {
        let version = document["version"].as_str().unwrap_or("odd");
        self.publish_bytes(version, serde_json::to_vec(document).unwrap());
    }

    /// Publishes whatever bytes.
    pub fn publish_bytes(&self, version: &str, bytes: Vec<u8>) {
        *self.shared.etag.lock().unwrap() = format!("\"{version}\"");
        *self.shared.snapshot.lock().unwrap() = bytes;
    }

    /// Stops, and closes every connection.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// What arrived last.
    pub fn last(&self) -> Seen {
        self.shared.seen.lock().unwrap().last().cloned().unwrap()
    }

    /// How many requests arrived, snapshots aside.
    pub fn count(&self) -> usize {
        self.shared.seen.lock().unwrap().len()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with this task.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        shared.counters.connections.fetch_add(1, Ordering::SeqCst);
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { answer(&shared, request).await.ok_or("closed on purpose") }
            });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// None closes the connection without an answer.
async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Option<Response<Body>> {
    let path = request.uri().path().to_owned();
    if !verified(&request) {
        return Some(text(StatusCode::FORBIDDEN, "no edge"));
    }
    if path == "/edge/v1/snapshot" {
        return Some(snapshot_answer(shared, &request));
    }
    shared.seen.lock().unwrap().push(Seen {
        method: request.method().to_string(),
        path_and_query: request.uri().to_string(),
        headers: request.headers().clone(),
    });
    let visits = {
        let mut visits = shared.visits.lock().unwrap();
        let count = visits.entry(path.clone()).or_default();
        *count += 1;
        *count
    };
    let number = || request.uri().query().and_then(|query| query.parse::<u64>().ok()).unwrap_or(10);
    let last = path.rsplit('/').next().unwrap_or_default();
    Some(match last {
        // A body of so many bytes.
        "bytes" => stream_of(number(), Duration::ZERO),
        // One event for each that the test lets go.
        "events" => events(shared, "text/event-stream"),
        "lines" => events(shared, "text/plain"),
        // Ten chunks, one every 100 ms.
        "ticks" => ticks(),
        // One chunk, and then nothing more.
        "stall" => stalling(),
        "sleep" => {
            let _guard = Cancelled(shared.clone());
            tokio::time::sleep(Duration::from_millis(number())).await;
            std::mem::forget(_guard);
            text(StatusCode::OK, "slept")
        }
        // How many bytes came.
        "upload" => {
            let mut body = request.into_body();
            let mut count = 0;
            while let Some(frame) = body.frame().await {
                count += frame.ok()?.data_ref().map_or(0, Bytes::len);
            }
            text(StatusCode::OK, &count.to_string())
        }
        // What comes goes back at once.
        "echo" => Response::new(
            request
                .into_body()
                .map_frame(|frame| frame)
                .map_err(|_| unreachable!("the test sends whole bodies"))
                .boxed(),
        ),
        // Answers before it has read the body.
        "early" => text(StatusCode::UNPROCESSABLE_ENTITY, "early"),
        "first-lost" if visits == 1 => return None,
        "always-lost" => return None,
        // The same until someone asks for other headers.
        "fresh" => {
            let mut response = text(StatusCode::OK, &format!("visit {visits}"));
            let headers = response.headers_mut();
            headers.insert("cache-control", "public, max-age=60".parse().unwrap());
            headers.insert("breakwater-internal", "1".parse().unwrap());
            response
        }
        "validated" => {
            let confirmed = request.headers().get("if-none-match").is_some_and(|tag| tag == "\"tag\"");
            let mut response = if confirmed {
                let mut response = text(StatusCode::NOT_MODIFIED, "");
                *response.body_mut() = Full::default().boxed();
                response
            } else {
                text(StatusCode::OK, &format!("visit {visits}"))
            };
            response.headers_mut().insert("cache-control", "public, no-cache".parse().unwrap());
            response.headers_mut().insert("etag", "\"tag\"".parse().unwrap());
            response
        }
        "large-fresh" => {
            let mut response = stream_of(number(), Duration::ZERO);
            response.headers_mut().insert("cache-control", "public, max-age=60".parse().unwrap());
            response
        }
        "internal" => {
            let mut response = text(StatusCode::OK, "x");
            for (name, value) in [
                ("breakwater-core", "secret"),
                ("breakwater-anything", "secret"),
                ("connection", "x-hop"),
                ("x-hop", "1"),
                ("keep-alive", "timeout=5"),
                ("x-end", "1"),
            ] {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        _ => text(StatusCode::OK, &format!("visit {visits}")),
    })
}

struct Cancelled(Arc<Shared>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.counters.cancelled.fetch_add(1, Ordering::SeqCst);
    }
}

fn text(status: StatusCode, body: &str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_owned())).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    response
}

fn channel() -> (mpsc::Sender<Bytes>, Response<Body>) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let stream = futures(move |context| receiver.poll_recv(context));
    (sender, Response::new(BodyExt::boxed(StreamBody::new(stream))))
}

/// A stream out of a function, without a crate for it.
fn futures(
    mut poll: impl FnMut(&mut std::task::Context<'_>) -> std::task::Poll<Option<Bytes>> + Send + Sync + Unpin + 'static,
) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync {
    futures_util::stream::poll_fn(move |context| poll(context).map(|item| item.map(|bytes| Ok(Frame::data(bytes)))))
}

fn stream_of(total: u64, pause: Duration) -> Response<Body> {
    let (sender, response) = channel();
    tokio::spawn(async move {
        let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
        let mut left = total as usize;
        while left > 0 {
            let next = chunk.slice(..left.min(chunk.len()));
            left -= next.len();
            if sender.send(next).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    });
    response
}

fn ticks() -> Response<Body> {
    let (sender, mut response) = channel();
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    tokio::spawn(async move {
        for index in 0..10 {
            let _ = sender.send(format!("data: {index}\n\n").into()).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    response
}

fn events(shared: &Arc<Shared>, kind: &'static str) -> Response<Body> {
    let (sender, mut response) = channel();
    response.headers_mut().insert("content-type", kind.parse().unwrap());
    let events = shared.events.clone();
    tokio::spawn(async move {
        for index in 0.. {
            let Ok(permit) = events.acquire().await else { return };
            permit.forget();
            if sender.send(format!("data: {index}\n\n").into()).await.is_err() {
                return;
            }
        }
    });
    response
}

fn stalling() -> Response<Body> {
    let (sender, response) = channel();
    tokio::spawn(async move {
        let _ = sender.send("begin".into()).await;
        sender.closed().await;
    });
    response
}

/// The edge's signature, as the contract describes it.
fn verified(request: &Request<Incoming>) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(fields) = header("breakwater-edge").strip_prefix("v1 ") else { return false };
    let fields: HashMap<&str, &str> = fields.split(',').filter_map(|field| field.split_once('=')).collect();
    let (Some(time), Some(mac)) = (fields.get("time"), fields.get("mac")) else { return false };
    let text = format!(
        "breakwater-edge-v1\n{time}\n{}\n{}\n{}\n{}",
        request.method(),
        request.uri(),
        header("x-forwarded-for"),
        header("x-request-id"),
    );
    fields.get("key") == Some(&"k1") && *mac == sign(KEY, &text)
}

fn sign(key: &str, text: &str) -> String {
    let secret = URL_SAFE_NO_PAD.decode(key.split_once('.').unwrap().1).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
    mac.update(text.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn snapshot_answer(shared: &Shared, request: &Request<Incoming>) -> Response<Body> {
    let etag = shared.etag.lock().unwrap().clone();
    let unchanged = request.headers().get("if-none-match").is_some_and(|tag| *tag == etag);
    let (status, body) = if unchanged { (304, Vec::new()) } else { (200, shared.snapshot.lock().unwrap().clone()) };
    let counter = if unchanged { &shared.counters.not_modified } else { &shared.counters.snapshots };
    counter.fetch_add(1, Ordering::SeqCst);
    let asked = request.headers()["breakwater-edge"].to_str().unwrap();
    let mac = asked.rsplit_once("mac=").unwrap().1;
    let hash: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = shared.key.lock().unwrap().clone();
    let signature = sign(&key, &format!("breakwater-core-v1\n{mac}\n{status}\n{etag}\n{hash}"));
    Response::builder()
        .status(status)
        .header("etag", etag)
        .header("breakwater-core", format!("v1 key={},mac={signature}", key.split_once('.').unwrap().0))
        .body(Full::new(Bytes::from(body)).boxed())
        .unwrap()
}

//! One connection: TLS if configured, then HTTP/1.1 or HTTP/2, until it ends or the edge stops.

use std::cell::Cell;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use breakwater_kit::types::ClientCertificate;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::certificate;
use super::patient_io::PatientIo;
use super::service::Service;
use super::streams::{Standstill, Streams};
use crate::worker::{Limits, Phase, Worker};

/// Bytes of a request's head that are read at all; the pipeline refuses less than this, with a problem.
const MAX_HEAD: usize = 64 * 1024;

/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;

/// Requests over HTTP/2 that a client may have taken back before they were looked at: more is an attack (CVE-2023-44487).
const MAX_RESET: usize = 20;

/// Streams that may end in a mistake of the client's (CVE-2025-8671).
const MAX_ERRORS: usize = 64;

/// Bytes of an answer that are held for a stream of HTTP/2 until the client takes them.
const MAX_UNSENT: usize = 256 * 1024;

/// How a connection over HTTP/2 begins when nobody negotiated (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long a connection may still begin a request when the edge closes.
const LAST_CALL: Duration = Duration::from_secs(1);

/// How often a started preface is looked at again.
const PREFACE_PULSE: Duration = Duration::from_millis(10);

#[derive(Clone, Copy)]
enum Version {
    Http1,
    Http2,
}

/// What a connection is known by.
pub struct Peer {
    /// The client's address without its port.
    pub address: String,
    /// Whether it speaks TLS.
    pub https: bool,
    /// What it proved to be when it connected.
    pub certificate: Option<ClientCertificate>,
    /// Whether it ever asked for anything.
    pub asked: Cell<bool>,
    /// What it asks for now, if it speaks HTTP/2.
    pub streams: Rc<Streams>,
}

/// Serves a connection to its end. Errors are the client's affair, and not worth a line.
pub async fn serve(worker: Rc<Worker>, stream: TcpStream, from: SocketAddr) {
    // Whoever has connected keeps the certificate that it was shown.
    let tls = worker.generation().setup.tls.clone();
    // An IPv4 client on an IPv6 socket is still an IPv4 client.
    let mut peer = Peer {
        address: from.ip().to_canonical().to_string(),
        https: tls.is_some(),
        certificate: None,
        asked: Cell::new(false),
        streams: Rc::default(),
    };
    let patience = worker.limits.header_timeout;
    match tls {
        None => {
            let version = tokio::select! {
                version = timeout(patience, sniff(&stream)) => version,
                () = last_call(worker.phase.clone()) => return,
            };
            let Ok(Some(version)) = version else { return };
            drive(worker, stream, version, Rc::new(peer)).await;
        }
        Some(config) => {
            let handshake = TlsAcceptor::from(config).accept(stream);
            let Ok(Ok(stream)) = timeout(patience, handshake).await else { return };
            let version = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Version::Http2,
                _ => Version::Http1,
            };
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            peer.certificate = shown.and_then(certificate::read);
            drive(worker, stream, version, Rc::new(peer)).await;
        }
    }
}

/// Looks at the first bytes without taking them; none if the client said nothing and left.
async fn sniff(stream: &TcpStream) -> Option<Version> {
    let mut first = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut first).await.ok().filter(|length| *length > 0)?;
        if first[..length] != PREFACE[..length] {
            return Some(Version::Http1);
        }
        if length == PREFACE.len() {
            return Some(Version::Http2);
        }
        // It has begun like a preface: the socket stays readable, so this has to be a pause.
        tokio::time::sleep(PREFACE_PULSE).await;
    }
}

async fn drive<I>(worker: Rc<Worker>, stream: I, version: Version, peer: Rc<Peer>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(PatientIo::new(stream, worker.limits.write_timeout));
    let phase = worker.phase.clone();
    let service = Service::new(worker.clone(), peer.clone(), matches!(version, Version::Http1));
    match version {
        Version::Http1 => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(worker.limits.header_timeout)
                .max_header_size(MAX_HEAD)
                .max_buf_size(MAX_HEAD.max(128 * 1024))
                .serve_connection(io, service)
                .with_upgrades();
            to_its_end(connection, http1::UpgradeableConnection::graceful_shutdown, &peer, phase, None).await;
        }
        Version::Http2 => {
            let connection = http2::Builder::new(LocalExecutor)
                .timer(TokioTimer::new())
                .max_concurrent_streams(MAX_STREAMS)
                .max_pending_accept_reset_streams(MAX_RESET)
                .max_local_error_reset_streams(MAX_ERRORS)
                .max_send_buf_size(MAX_UNSENT)
                .max_header_list_size(MAX_HEAD as u32)
                // WebSockets over HTTP/2 (RFC 8441).
                .enable_connect_protocol()
                // A client that is gone without a word is noticed by a ping that nobody answers.
                .keep_alive_interval(worker.limits.header_timeout)
                .keep_alive_timeout(worker.limits.header_timeout)
                .serve_connection(io, service);
            let limits = Some(worker.limits);
            to_its_end(connection, http2::Connection::graceful_shutdown, &peer, phase, limits).await;
        }
    }
}

/// Until the client has enough; when the edge closes, until what was begun is done.
async fn to_its_end<C: Future>(
    connection: C,
    finish: impl Fn(Pin<&mut C>),
    peer: &Peer,
    phase: watch::Receiver<Phase>,
    http2: Option<Limits>,
) {
    let mut connection = pin!(connection);
    let mut closing = pin!(closing(phase));
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = &mut closing => break,
            still = stand_still(peer, http2) => match still {
                Standstill::Stalled => return,
                Standstill::Idle if !peer.asked.get() => return,
                Standstill::Idle => finish(connection.as_mut()),
            }
        }
    }
    finish(connection.as_mut());
    // hyper ends a connection that is idle between requests, but waits on one that has yet to make its first.
    if timeout(LAST_CALL, connection.as_mut()).await.is_err() && peer.asked.get() {
        connection.await;
    }
}

/// Over HTTP/1.1 hyper and [`PatientIo`] see to it.
async fn stand_still(peer: &Peer, http2: Option<Limits>) -> Standstill {
    match http2 {
        Some(limits) => peer.streams.stand_still(limits.header_timeout, limits.write_timeout).await,
        None => std::future::pending().await,
    }
}

async fn last_call(phase: watch::Receiver<Phase>) {
    closing(phase).await;
    tokio::time::sleep(LAST_CALL).await;
}

async fn closing(mut phase: watch::Receiver<Phase>) {
    // If the sender is gone, the process ends anyway.
    let _ = phase.wait_for(|phase| *phase == Phase::Closing).await;
}

/// Runs HTTP/2's tasks in the thread of their connection.
#[derive(Clone)]
struct LocalExecutor;

impl<F> Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

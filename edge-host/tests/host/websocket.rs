//! WebSockets through the edge: a real server behind it, real clients before it, and clients that only say they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, http::Request};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use crate::support::edge::{Builder, eventually};
use crate::support::frames::{DATA, END_HEADERS, Frames, HEADERS, block};
use crate::support::recorder::Recorder;
use crate::support::wire::Wire;
use crate::support::{Core, Edge, client, snapshot};

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

type Socket = WebSocketStream<TcpStream>;

/// A server that sends back what comes, and for `flood` sends for as long as it can.
struct Echo {
    address: SocketAddr,
    /// Bytes that could be sent to a client that reads nothing.
    flooded: Arc<AtomicUsize>,
    /// WebSockets that are open, and close frames that came.
    open: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let [flooded, open, closed] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
        let echo = Self { address, flooded: flooded.clone(), open: open.clone(), closed: closed.clone() };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (flooded, open, closed) = (flooded.clone(), open.clone(), closed.clone());
                tokio::spawn(async move {
                    let Ok(socket) = accept_async(stream).await else { return };
                    open.fetch_add(1, Ordering::SeqCst);
                    serve(socket, &flooded, &closed).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        echo
    }
}

async fn serve(mut socket: Socket, flooded: &AtomicUsize, closed: &AtomicUsize) {
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) if text.as_str() == "flood" => {
                let piece = Message::binary(vec![b'x'; 64 * 1024]);
                while socket.send(piece.clone()).await.is_ok() {
                    flooded.fetch_add(64 * 1024, Ordering::SeqCst);
                }
                return;
            }
            Message::Close(_) => {
                closed.fetch_add(1, Ordering::SeqCst);
            }
            Message::Text(_) | Message::Binary(_) => drop(socket.send(message).await),
            _ => {}
        }
    }
}

/// A token of the issuer that the snapshot has.
fn token(session: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({"alg": "HS256", "typ": "at+jwt", "kid": "oct"}));
    let claims = json!({
        "iss": "https://id.example", "aud": "app", "sub": "ada", "sid": session, "iat": now, "exp": now + 3600, "jti": session,
    });
    let signed = format!("{head}.{}", part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// With routes for WebSockets to this upstream.
fn document(version: &str, upstream: SocketAddr) -> Value {
    let mut document = snapshot::document(version);
    document["upstreams"]["elsewhere"] = json!({ "origin": format!("http://{upstream}") });
    let route = |id: &str, changes: Value| {
        let mut route = snapshot::route(id, &format!("/{id}/{{*rest}}"));
        route["target"] = json!({ "upstream": "elsewhere" });
        route["methods"] = json!(["GET"]);
        route["upgrades"] = json!(true);
        route["timeouts"]["idle_ms"] = json!(60_000);
        route.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        route
    };
    let impatient = json!({"timeouts": {"connect_ms": 1000, "response_ms": 5000, "idle_ms": 300}});
    document["routing"]["routes"].as_array_mut().unwrap().extend([
        route("ws", json!({})),
        route("ws-members", json!({"authentication": {"mode": "required", "scopes": []}})),
        route("ws-one", json!({"limits": ["one"]})),
        route("ws-cached", json!({"cacheable": true})),
        route("ws-impatient", impatient),
        route("plain", json!({"upgrades": false})),
    ]);
    document["rate_limiting"]["limits"].as_array_mut().unwrap().push(json!({
        "name": "one", "by": "address", "concurrent": 1, "lease_seconds": 60, "cost": 1, "when_state_is_away": "closed"
    }));
    document["authentication"]["issuers"] = json!([{
        "issuer": "https://id.example", "audiences": ["app"], "algorithms": ["HS256"],
        "jwks": {"keys": [{"kty": "oct", "kid": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET)}]}
    }]);
    document
}

fn before(core: &Core) -> Builder {
    Edge::before(core).outbound("http://127.0.0.1:*").with(&["--admin-listen", "127.0.0.1:0"]).one_worker()
}

async fn start() -> (Core, Echo, Edge) {
    let (core, echo) = (Core::start().await, Echo::start().await);
    core.publish(&document("2", echo.address));
    let edge = before(&core).start().await;
    (core, echo, edge)
}

fn request(edge: &Edge, path: &str) -> Request<()> {
    format!("ws://localhost:{}{path}", edge.address.port()).into_client_request().unwrap()
}

async fn open(edge: &Edge, request: Request<()>) -> Result<Socket, Error> {
    let stream = TcpStream::connect(edge.address).await.unwrap();
    client_async(request, stream).await.map(|(socket, _)| socket)
}

async fn opened(edge: &Edge, path: &str) -> Socket {
    open(edge, request(edge, path)).await.unwrap()
}

/// The status that a handshake is refused with.
async fn refused(edge: &Edge, request: Request<()>) -> u16 {
    match open(edge, request).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}

async fn next(socket: &mut Socket) -> Message {
    timeout(Duration::from_secs(60), socket.next()).await.expect("in time").unwrap().unwrap()
}

/// The next message is the edge's farewell.
async fn farewell(socket: &mut Socket) -> CloseCode {
    loop {
        match next(socket).await {
            Message::Close(Some(frame)) => return frame.code,
            Message::Close(None) => panic!("no reason"),
            _ => {}
        }
    }
}

async fn echoes(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
    assert_eq!(next(socket).await, Message::text(text));
}

fn with(mut request: Request<()>, name: &'static str, value: &str) -> Request<()> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways_and_are_counted() {
    let (_core, echo, edge) = start().await;
    let mut socket = opened(&edge, "/ws/x").await;
    echoes(&mut socket, "hello").await;
    let large = Message::binary((0..8_000_000u32).map(|index| index as u8).collect::<Vec<_>>());
    socket.send(large.clone()).await.unwrap();
    assert!(next(&mut socket).await == large);
    // A route that caches what can be cached tunnels all the same.
    echoes(&mut opened(&edge, "/ws-cached/x").await, "hello").await;
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    eventually("both have ended", async || echo.open.load(Ordering::SeqCst) == 0).await;

    let lines = || edge.logged("\"tunnel\":\"closed\"").into_iter().filter(|line| line.contains("\"route\":\"ws\""));
    eventually("the line is written", async || lines().count() == 1).await;
    let line: Value = serde_json::from_str(&lines().next().unwrap()).unwrap();
    assert_eq!((line["status"].as_u64(), line["route"].as_str()), (Some(101), Some("ws")));
    assert!(line["bytes"].as_u64() > Some(8_000_000) && line["bytes_received"].as_u64() > Some(8_000_000), "{line}");
    eventually("it is counted", async || {
        let page = client().get(edge.metrics.as_ref().unwrap()).send().await.unwrap().text().await.unwrap();
        page.contains("breakwater_edge_tunnels_total{route=\"ws\",end=\"closed\"} 1\n")
            && page.contains("breakwater_edge_tunnels_open{route=\"ws\"} 0\n")
            && page.contains("breakwater_edge_tunnel_bytes_total{route=\"ws\",to=\"client\"} 80")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_is_judged_like_any_request() {
    let (_core, echo, edge) = start().await;
    assert_eq!(refused(&edge, request(&edge, "/ws-members/x")).await, 401);
    assert_eq!(refused(&edge, with(request(&edge, "/ws-members/x"), "authorization", "Bearer x")).await, 401);
    assert_eq!(refused(&edge, with(request(&edge, "/ws/x"), "origin", "https://evil.example")).await, 403);
    assert_eq!(refused(&edge, with(request(&edge, "/ws/x"), "origin", "null")).await, 403);
    assert_eq!(refused(&edge, with(request(&edge, "/ws/x"), "sec-websocket-version", "8")).await, 426);
    assert_eq!(refused(&edge, with(request(&edge, "/ws/x"), "sec-websocket-key", "short")).await, 400);
    assert_eq!(echo.open.load(Ordering::SeqCst), 0, "nobody got that far");

    for origin in ["https://app.example".to_owned(), format!("http://localhost:{}", edge.address.port())] {
        echoes(&mut open(&edge, with(request(&edge, "/ws/x"), "origin", &origin)).await.unwrap(), "hello").await;
    }
    let bearer = format!("Bearer {}", token("s1"));
    let mut member = open(&edge, with(request(&edge, "/ws-members/x"), "authorization", &bearer)).await.unwrap();
    echoes(&mut member, "hello").await;

    let mut one = opened(&edge, "/ws-one/x").await;
    assert_eq!(refused(&edge, request(&edge, "/ws-one/x")).await, 429);
    one.close(None).await.unwrap();
    while one.next().await.is_some() {}
    eventually("the place is free again", async || open(&edge, request(&edge, "/ws-one/x")).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_slows_the_writer_down() {
    let (_core, echo, edge) = start().await;
    let mut socket = opened(&edge, "/ws/x").await;
    let before = edge.resident();
    socket.send(Message::text("flood")).await.unwrap();
    // It has stopped when it has moved nothing between two looks.
    let mut last = 0;
    eventually("the server has to wait", async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = echo.flooded.load(Ordering::SeqCst);
        let waits = now > 0 && now == last;
        last = now;
        waits
    })
    .await;
    let grown = edge.resident().saturating_sub(before);
    assert!(grown < 16 * 1024 * 1024, "grown by {grown} bytes, and {last} were sent");
    // What was on the way is still there.
    for _ in 0..100 {
        assert_eq!(next(&mut socket).await.len(), 64 * 1024);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_ends_with_the_session_that_opened_it() {
    let (core, echo, edge) = start().await;
    let opened = async |session: &str| {
        let bearer = format!("Bearer {}", token(session));
        open(&edge, with(request(&edge, "/ws-members/x"), "authorization", &bearer)).await.unwrap()
    };
    let (mut gone, mut stays) = (opened("s1").await, opened("s2").await);
    echoes(&mut gone, "hello").await;
    let mut next = document("3", echo.address);
    next["authentication"]["revoked_sessions"] = json!([{"session": "s1", "until": 4_000_000_000u64}]);
    core.publish(&next);
    assert_eq!(farewell(&mut gone).await, CloseCode::Policy);
    eventually("the server was told", async || echo.closed.load(Ordering::SeqCst) == 1).await;
    echoes(&mut stays, "hello").await;
    eventually("the line says why", async || edge.logged("\"tunnel\":\"revoked\"").len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_in_which_nothing_moves_ends() {
    let (_core, _echo, edge) = start().await;
    let mut socket = opened(&edge, "/ws-impatient/x").await;
    assert_eq!(farewell(&mut socket).await, CloseCode::Away);
    eventually("the line says why", async || edge.logged("\"tunnel\":\"idle\"").len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_stops_takes_its_leave() {
    let (_core, echo, edge) = start().await;
    let mut socket = opened(&edge, "/ws/x").await;
    echoes(&mut socket, "hello").await;
    edge.terminate();
    assert_eq!(farewell(&mut socket).await, CloseCode::Away);
    while socket.next().await.is_some() {}
    eventually("the server was told", async || echo.closed.load(Ordering::SeqCst) == 1).await;
    assert!(edge.ended().await.success());
}

const HANDSHAKE: &str = "host: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Whatever the upstream answers but the one thing, the connection stays HTTP's: what the client sends behind its handshake is
/// a request to the edge, and judged.
#[tokio::test(flavor = "multi_thread")]
async fn no_tunnel_without_agreement() {
    let (core, upstream) = (Core::start().await, Recorder::start().await);
    core.publish(&document("2", upstream.address));
    let edge = before(&core).start().await;
    let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let agreed = |lines: &str| format!("HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n");
    let rows = [
        ("426", "HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\ncontent-length: 0\r\n\r\n".to_owned(), 426),
        (
            "200",
            "HTTP/1.1 200 OK\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n".to_owned(),
            200,
        ),
        ("404", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(), 404),
        ("101 without a word", agreed(""), 503),
        (
            "101 for another key",
            agreed("upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n"),
            503,
        ),
        (
            "101 to another protocol",
            agreed(&format!("upgrade: h2c\r\nconnection: upgrade\r\nsec-websocket-accept: {accept}\r\n")),
            503,
        ),
    ];
    for (name, answer, status) in rows {
        upstream.script(answer.as_bytes(), false);
        let mut wire = Wire::to(edge.address).await;
        wire.send(&format!("GET /ws/scripted HTTP/1.1\r\n{HANDSHAKE}\r\n")).await;
        wire.send("GET /private/x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        let read = wire.rest().await;
        let statuses: Vec<u16> = read.split("HTTP/1.1 ").skip(1).map(|line| line[..3].parse().unwrap()).collect();
        assert_eq!(statuses, [status, 401], "{name}: {read}");
        let taken = upstream.taken();
        assert_eq!(taken.len(), 1, "{name}");
        assert_eq!(taken[0].header("upgrade"), Some("websocket"), "{name}");
        assert_eq!(taken[0].header("connection"), Some("Upgrade"), "{name}");
    }
    // A route that is not for WebSockets passes an ordinary request on.
    let mut wire = Wire::to(edge.address).await;
    wire.send(&format!("GET /plain/x HTTP/1.1\r\n{HANDSHAKE}\r\n")).await;
    wire.until("\r\n\r\nok").await;
    assert_eq!(upstream.taken()[0].header("upgrade"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http2() {
    let (_core, _echo, edge) = start().await;
    let port = edge.address.port();
    let authority = format!("localhost:{port}");
    let head = |path: &'static str, protocol: &'static str| {
        block(&[
            (":method", "CONNECT"),
            (":protocol", protocol),
            (":scheme", "http"),
            (":authority", &authority),
            (":path", path),
            ("sec-websocket-version", "13"),
        ])
    };
    let mut frames = Frames::to(edge.address, &[]).await;
    frames.send(HEADERS, END_HEADERS, 1, &head("/ws/x", "websocket")).await;
    assert_eq!(frames.status(1).await, Some(200));
    // "Hello", masked, as in RFC 6455, section 5.7; the echo is not masked.
    frames.send(DATA, 0, 1, &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]).await;
    let mut echoed = Vec::new();
    while echoed.len() < 7 {
        echoed.extend(frames.next_of(DATA).await.unwrap().payload);
    }
    assert_eq!(echoed, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    // What the edge or an upstream answers without agreeing opens nothing.
    for (stream, path, protocol, status) in [
        (3, "/ws-members/x", "websocket", 401),
        (5, "/healthz", "websocket", 502),
        (7, "/plain/x", "websocket", 503),
        (9, "/ws/x", "connect-udp", 405),
    ] {
        frames.send(HEADERS, END_HEADERS, stream, &head(path, protocol)).await;
        assert_eq!(frames.status(stream).await, Some(status), "{path}");
    }
}

/// Bytes that come right behind the handshake are the tunnel's first.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_between_handshake_and_tunnel_is_lost() {
    let (_core, _echo, edge) = start().await;
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let sent = [format!("GET /ws/x HTTP/1.1\r\n{HANDSHAKE}\r\n").as_bytes(), &hello].concat();
    stream.write_all(&sent).await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"\x81\x05Hello") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{}", String::from_utf8_lossy(&read));
    }
    let head = String::from_utf8_lossy(&read).to_lowercase();
    assert!(head.starts_with("http/1.1 101 ") && head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="));
    assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
}

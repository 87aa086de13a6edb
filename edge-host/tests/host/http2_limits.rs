//! Clients that use HTTP/2 against the one who serves them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::support::edge::Builder;
use crate::support::frames::{
    CONTINUATION, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, RST_STREAM, SETTINGS,
    block, frame,
};
use crate::support::{Core, Edge};

const REFUSED_STREAM: u32 = 7;
const CANCEL: [u8; 4] = [0, 0, 0, 8];
const ENHANCE_YOUR_CALM: u32 = 11;

/// What a connection may cost at the most, however it is used.
const LITTLE: usize = 16 * 1024 * 1024;

fn get(path: &str) -> Vec<u8> {
    block(&[(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)])
}

fn before(core: &Core) -> Builder {
    Edge::before(core).one_worker()
}

async fn is_served(address: SocketAddr) {
    let mut frames = Frames::to(address, &[]).await;
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &get("/hello")).await;
    assert_eq!(frames.status(1).await, Some(200));
}

fn code(payload: &[u8]) -> u32 {
    let bytes = payload.last_chunk::<4>().unwrap();
    u32::from_be_bytes(*bytes)
}

/// The error that the connection ends with; none if it ends without a word.
async fn ends_with(frames: &mut Frames) -> Option<u32> {
    let farewell = frames.next_of(GOAWAY).await?;
    Some(u32::from_be_bytes(farewell.payload[4..8].try_into().unwrap()))
}

/// Sends until the other side takes no more, has closed, or all is sent.
async fn flood(frames: &mut Frames, piece: &[u8], times: usize) {
    for _ in 0..times {
        if !matches!(timeout(Duration::from_secs(3), frames.0.write_all(piece)).await, Ok(Ok(()))) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_streams_and_so_much_head() {
    let core = Core::start().await;
    let edge = before(&core).start().await;
    let mut frames = Frames::to(edge.address, &[]).await;
    let settings = frames.next().await.unwrap();
    assert_eq!(settings.kind, SETTINGS);
    let (settings, []) = settings.payload.as_chunks::<6>() else { panic!("no settings") };
    let said = |name: u16| {
        let found = settings.iter().find(|one| one[..2] == name.to_be_bytes()).unwrap();
        code(found)
    };
    assert_eq!((said(3), said(6)), (256, 64 * 1024), "streams at once, bytes of a head");

    let mut sent = Vec::new();
    for stream in (1..=2 * 256 + 1).step_by(2) {
        sent.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get("/sleep?3000")));
    }
    frames.0.write_all(&sent).await.unwrap();
    let reset = frames.next_of(RST_STREAM).await.unwrap();
    assert_eq!((reset.stream, code(&reset.payload)), (2 * 256 + 1, REFUSED_STREAM));

    let mut frames = Frames::to(edge.address, &[]).await;
    let long = "x".repeat(15_000);
    let mut head = vec![(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/hello")];
    head.extend([("x-a", long.as_str()); 5]);
    let block = block(&head);
    let pieces: Vec<_> = block.chunks(16_000).collect();
    frames.send(HEADERS, END_STREAM, 1, pieces[0]).await;
    for (index, piece) in pieces[1..].iter().enumerate() {
        let flags = if index + 2 == pieces.len() { END_HEADERS } else { 0 };
        frames.send(CONTINUATION, flags, 1, piece).await;
    }
    assert_eq!(frames.status(1).await, Some(431));
    assert_eq!(core.shared.seen.lock().unwrap().iter().filter(|seen| seen.path_and_query == "/hello").count(), 0);
    is_served(edge.address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends() {
    let core = Core::start().await;
    let edge = before(&core).start().await;
    let before = edge.resident();
    let mut frames = Frames::to(edge.address, &[]).await;
    frames.send(HEADERS, END_STREAM, 1, &get("/hello")).await;
    flood(&mut frames, &frame(CONTINUATION, 0, 1, &block(&[("x", "y")])), 1_000_000).await;
    assert_eq!(ends_with(&mut frames).await.unwrap_or(ENHANCE_YOUR_CALM), ENHANCE_YOUR_CALM);
    assert!(edge.resident().saturating_sub(before) < LITTLE);
    is_served(edge.address).await;
}

/// CVE-2023-44487
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_taken_back_at_once() {
    let core = Core::start().await;
    let edge = before(&core).start().await;
    let before = edge.resident();
    let mut frames = Frames::to(edge.address, &[]).await;
    let mut sent = Vec::new();
    for stream in (1..20_000).step_by(2) {
        sent.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get("/sleep?60000")));
        sent.extend(frame(RST_STREAM, 0, stream, &CANCEL));
    }
    flood(&mut frames, &sent, 1).await;
    assert_eq!(ends_with(&mut frames).await.unwrap_or(ENHANCE_YOUR_CALM), ENHANCE_YOUR_CALM);
    assert!(core.count() < 1_000, "{} of 10,000 requests got through", core.count());
    assert!(edge.resident().saturating_sub(before) < LITTLE);
    is_served(edge.address).await;
}

/// Who reads no answers to its pings and settings is not read any further.
#[tokio::test(flavor = "multi_thread")]
async fn pings_and_settings_without_end() {
    let core = Core::start().await;
    let edge = before(&core).start().await;
    let before = edge.resident();
    for piece in [frame(PING, 0, 0, &[0; 8]), frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])] {
        let mut frames = Frames::to(edge.address, &[]).await;
        flood(&mut frames, &piece.repeat(1000), 1000).await;
        let grown = edge.resident().saturating_sub(before);
        assert!(grown < LITTLE, "grown by {grown} bytes");
        is_served(edge.address).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_stays_shut() {
    let core = Core::start().await;
    let edge = before(&core).with(&["--write-timeout", "1"]).start().await;
    let mut frames = Frames::to(edge.address, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &get("/large/bytes?1000000")).await;
    assert_eq!(frames.status(1).await, Some(200));
    // It answers pings, and is cut off all the same.
    while let Some(got) = frames.next().await {
        if got.kind == PING && got.flags & 1 == 0 {
            frames.send(PING, 1, 0, &got.payload).await;
        }
    }
    is_served(edge.address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_asks_for_nothing() {
    let core = Core::start().await;
    let edge = before(&core).with(&["--header-timeout", "1"]).start().await;
    let mut silent = Frames::to(edge.address, &[]).await;
    let mut asked = Frames::to(edge.address, &[]).await;
    asked.send(HEADERS, END_HEADERS | END_STREAM, 1, &get("/hello")).await;
    assert_eq!(asked.status(1).await, Some(200));
    for frames in [&mut silent, &mut asked] {
        while let Some(got) = frames.next().await {
            if got.kind == PING && got.flags & 1 == 0 {
                frames.send(PING, 1, 0, &got.payload).await;
            }
        }
    }
    // A slow answer is not nothing.
    let mut slow = Frames::to(edge.address, &[]).await;
    slow.send(HEADERS, END_HEADERS | END_STREAM, 1, &get("/sleep?2500")).await;
    while let Some(got) = slow.next().await {
        match got.kind {
            PING if got.flags & 1 == 0 => {
                slow.send(PING, 1, 0, &got.payload).await;
            }
            HEADERS => return,
            _ => {}
        }
    }
    panic!("the connection ended under a request");
}

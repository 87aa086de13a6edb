//! What upstreams answer.

use super::{start, statuses};
use crate::support::wire::Wire;

const OK: &str = "HTTP/1.1 200 OK\r\n";
const EVIL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";

struct Row {
    name: &'static str,
    answer: String,
    status: u16,
    /// Whether the upstream's connection may be used again: it ends where we know that it ends.
    used_again: bool,
}

fn bad(name: &'static str, answer: impl Into<String>) -> Row {
    Row { name, answer: answer.into(), status: 503, used_again: false }
}

fn good(name: &'static str, answer: impl Into<String>) -> Row {
    Row { name, answer: answer.into(), status: 200, used_again: true }
}

fn rows() -> Vec<Row> {
    let ok = |lines: &str, body: &str| format!("{OK}{lines}\r\n{body}");
    vec![
        good("plain", ok("content-length: 2\r\n", "ok")),
        good("in chunks", ok("transfer-encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n")),
        good("the same length twice", ok("content-length: 2\r\ncontent-length: 2\r\n", "ok")),
        good("the same length in a list", ok("content-length: 2, 2\r\n", "ok")),
        good(
            "early hints",
            format!("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n{}", ok("content-length: 2\r\n", "ok")),
        ),
        bad("both lengths", ok("content-length: 4\r\ntransfer-encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n")),
        bad("two lengths", ok("content-length: 2\r\ncontent-length: 4\r\n", "ok")),
        bad("two lengths in a list", ok("content-length: 2, 4\r\n", "ok")),
        bad("a signed length", ok("content-length: +2\r\n", "ok")),
        bad("no number", ok("content-length: two\r\n", "ok")),
        bad("a coding that is no framing", ok("transfer-encoding: gzip\r\n", "ok")),
        bad("a coding that we do not undo", ok("transfer-encoding: gzip, chunked\r\n", "2\r\nok\r\n0\r\n\r\n")),
        bad("an unknown coding", ok("transfer-encoding: xchunked\r\ncontent-length: 2\r\n", "ok")),
        bad("chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        bad("a fold", ok("x: y\r\n z\r\ncontent-length: 2\r\n", "ok")),
        bad("a blank before the colon", ok("content-length : 2\r\n", "ok")),
        bad("NUL", ok("x: y\0\r\ncontent-length: 2\r\n", "ok")),
        bad("bare CR", ok("x: y\rz: w\r\ncontent-length: 2\r\n", "ok")),
        bad("no HTTP", "SSH-2.0-OpenSSH_9\r\n\r\n"),
        bad("HTTP/2", "HTTP/2 200\r\ncontent-length: 2\r\n\r\nok"),
        bad(
            "a protocol that nobody asked for",
            format!("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n{EVIL}"),
        ),
        bad("204 with a body", "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok"),
        bad("204 in chunks", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        bad("a head without end", ok(&format!("x: {}\r\n", "y".repeat(600_000)), "")),
        Row { used_again: false, ..good("a second answer behind", ok("content-length: 2\r\n", &format!("ok{EVIL}"))) },
        Row {
            used_again: false,
            ..good(
                "Connection names the length",
                ok("connection: content-length, close\r\ncontent-length: 2\r\n", "ok"),
            )
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_becomes_two() {
    let (_core, upstream, edge) = start().await;
    for row in rows() {
        let name = row.name;
        upstream.script(row.answer.as_bytes(), false);
        let mut wire = Wire::to(edge.address).await;
        // Not repeated: the answer to a POST is what came first.
        wire.send("POST /elsewhere/scripted HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
        wire.send("GET /elsewhere/honest HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        let read = wire.rest().await;
        assert_eq!(statuses(&read), [row.status, 200], "{name}: {read}");
        assert!(read.ends_with("\r\n\r\nok"), "{name}: {read}");
        assert!(!read.contains("evil"), "{name}: {read}");
        let lengths = read.to_lowercase().matches("content-length:").count();
        let chunked = read.to_lowercase().matches("transfer-encoding:").count();
        assert_eq!(lengths + chunked, 2, "each says how long it is, once. {name}: {read}");
        let taken = upstream.taken();
        assert_eq!(taken.len(), 2, "{name}");
        assert_eq!(taken[0].connection == taken[1].connection, row.used_again, "{name}");
    }
}

/// What an upstream says before its answer does not keep it from being too late.
#[tokio::test(flavor = "multi_thread")]
async fn hints_without_end() {
    let (_core, upstream, edge) = start().await;
    upstream.script(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", true);
    let before = edge.resident();
    let mut wire = Wire::to(edge.address).await;
    wire.send("POST /quick-elsewhere/scripted HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        .await;
    assert_eq!(statuses(&wire.rest().await), [504]);
    let grown = edge.resident().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "grown by {grown} bytes");
}

//! What HTTP/1.1 clients send.

use super::{start, statuses};
use crate::support::wire::Wire;

/// Behind every row.
const HONEST: &str = "GET /elsewhere/honest HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// What a row would smuggle.
const EVIL: &str = "GET /elsewhere/evil HTTP/1.1\r\nhost: a\r\n\r\n";

struct Row {
    name: &'static str,
    sent: String,
    /// Statuses in their order; [`HONEST`]'s is left out.
    answers: &'static [u16],
    /// Whether [`HONEST`] is answered as well, or the connection ends before.
    goes_on: bool,
    /// What the upstream gets: method and body; [`HONEST`] is left out.
    upstream: Option<(&'static str, String)>,
}

fn refused(name: &'static str, sent: impl Into<String>) -> Row {
    Row { name, sent: sent.into(), answers: &[400], goes_on: false, upstream: None }
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /elsewhere/x HTTP/1.1\r\nhost: a\r\n{headers}\r\n{body}")
}

fn taken(name: &'static str, sent: impl Into<String>, method: &'static str, body: impl Into<String>) -> Row {
    Row { name, sent: sent.into(), answers: &[200], goes_on: true, upstream: Some((method, body.into())) }
}

fn last(row: Row) -> Row {
    Row { goes_on: false, ..row }
}

/// Of a body that has begun to go, the upstream gets no whole request.
fn chunks(name: &'static str, body: &str) -> Row {
    refused(name, post("transfer-encoding: chunked\r\n", body))
}

const HELLO: &str = "5\r\nhello\r\n0\r\n\r\n";

/// `Content-Length` and `Transfer-Encoding` against each other, and in disguise.
fn framing() -> Vec<Row> {
    let chunked = |line: &str| post(line, HELLO);
    let sized = |line: &str| post(line, "hello");
    vec![
        last(taken(
            "CL.TE",
            post(
                &format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", EVIL.len() + 5),
                &format!("0\r\n\r\n{EVIL}"),
            ),
            "POST",
            "",
        )),
        last(taken("TE.CL", chunked("transfer-encoding: chunked\r\ncontent-length: 3\r\n"), "POST", "hello")),
        taken("upper case", chunked("Transfer-Encoding: CHUNKED\r\n"), "POST", "hello"),
        taken("a tab before", chunked("transfer-encoding:\tchunked\r\n"), "POST", "hello"),
        taken("blanks after", chunked("transfer-encoding: chunked \t\r\n"), "POST", "hello"),
        refused("TE.TE: another value", chunked("transfer-encoding: xchunked\r\n")),
        refused("TE.TE: no value", chunked("transfer-encoding:\r\n")),
        refused("TE.TE: quoted", chunked("transfer-encoding: \"chunked\"\r\n")),
        refused("TE.TE: a parameter", chunked("transfer-encoding: chunked;a=b\r\n")),
        refused("TE.TE: not last", chunked("transfer-encoding: chunked, identity\r\n")),
        refused("TE.TE: last of two", chunked("transfer-encoding: identity, chunked\r\n")),
        refused("TE.TE: a coding that we do not undo", chunked("transfer-encoding: gzip, chunked\r\n")),
        refused("TE.TE: twice", chunked("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n")),
        refused("TE.TE: first line", chunked("transfer-encoding: chunked\r\ntransfer-encoding: x\r\n")),
        refused("TE.TE: second line", chunked("transfer-encoding: x\r\ntransfer-encoding: chunked\r\n")),
        refused("TE.TE: vertical tab", chunked("transfer-encoding:\x0bchunked\r\n")),
        refused("TE.TE: form feed", chunked("transfer-encoding: \x0cchunked\r\n")),
        refused("TE.TE: NUL", chunked("transfer-encoding: chunked\0\r\n")),
        refused("TE.TE: blank before the colon", chunked("transfer-encoding : chunked\r\n")),
        refused("TE.TE: blank before the name", chunked(" transfer-encoding: chunked\r\n")),
        refused("TE.TE: folded", chunked("transfer-encoding:\r\n chunked\r\n")),
        refused("TE.TE: hidden in a fold", chunked("x: y\r\n\ttransfer-encoding: chunked\r\n")),
        refused("TE.TE: behind a bare CR", chunked("x: y\rtransfer-encoding: chunked\r\n")),
        refused("TE.TE: an underscore", post("transfer_encoding: chunked\r\n", "")),
        refused("CL: an underscore", sized("content_length: 5\r\n")),
        taken("CL.CL: the same", sized("content-length: 5\r\ncontent-length: 5\r\n"), "POST", "hello"),
        refused("CL.CL: another", sized("content-length: 5\r\ncontent-length: 6\r\n")),
        refused("CL: a list", sized("content-length: 5, 5\r\n")),
        refused("CL: a sign", sized("content-length: +5\r\n")),
        refused("CL: negative", sized("content-length: -5\r\n")),
        refused("CL: hexadecimal", sized("content-length: 0x5\r\n")),
        refused("CL: a fraction", sized("content-length: 5.0\r\n")),
        refused("CL: a blank within", sized("content-length: 5 5\r\n")),
        refused("CL: nothing", sized("content-length:\r\n")),
        refused("CL: too large a number", sized("content-length: 18446744073709551621\r\n")),
        Row { answers: &[413], ..refused("CL: more than is taken", sized("content-length: 9223372036854775807\r\n")) },
        taken("CL: zeros in front", sized("content-length: 0005\r\n"), "POST", "hello"),
        refused("TE in HTTP/1.0", chunked("transfer-encoding: chunked\r\n").replace("HTTP/1.1", "HTTP/1.0")),
        taken("GET with a body", sized("content-length: 5\r\n").replace("POST", "GET"), "GET", "hello"),
        taken(
            "GET with a request for a body",
            post(&format!("content-length: {}\r\n", EVIL.len()), EVIL).replacen("POST", "GET", 1),
            "GET",
            EVIL,
        ),
    ]
}

fn chunk_sizes() -> Vec<Row> {
    let taken = |name, body| taken(name, post("transfer-encoding: chunked\r\n", body), "POST", "hello");
    vec![
        taken("an extension", "5;a=\"b\"\r\nhello\r\n0;c\r\n\r\n"),
        taken("zeros in front", "000000000005\r\nhello\r\n000\r\n\r\n"),
        chunks("overflow", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        chunks("hexadecimal mark", "0x5\r\nhello\r\n0\r\n\r\n"),
        chunks("a sign", "+5\r\nhello\r\n0\r\n\r\n"),
        chunks("negative", "-5\r\nhello\r\n0\r\n\r\n"),
        chunks("a blank before", " 5\r\nhello\r\n0\r\n\r\n"),
        chunks("nothing", "\r\nhello\r\n0\r\n\r\n"),
        chunks("no number", "five\r\nhello\r\n0\r\n\r\n"),
        chunks("bare LF", "5\nhello\n0\n\n"),
        chunks("bare CR", "5\rhello\r0\r\r"),
        chunks("bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n"),
        chunks("too short a size", "3\r\nhello\r\n0\r\n\r\n"),
        chunks("no end of the chunk", "5\r\nhello0\r\n\r\n"),
        chunks("bare LF after the chunk", "5\r\nhello\n0\r\n\r\n"),
        chunks("no blank line at the end", "5\r\nhello\r\n0\r\nGET /elsewhere/evil HTTP/1.1\r\n\r\n"),
        taken("trailers", "5\r\nhello\r\n0\r\nx-forwarded-for: 1.2.3.4\r\ncontent-length: 9\r\n\r\n"),
    ]
}

fn heads() -> Vec<Row> {
    let get = |line: &str| format!("{line}\r\nhost: a\r\n\r\n");
    let with = |lines: &str| format!("GET /elsewhere/x HTTP/1.1\r\nhost: a\r\n{lines}\r\n");
    vec![
        refused("a fold", with("x: y\r\n z\r\n")),
        refused("NUL in a value", with("x: y\0z\r\n")),
        refused("bare CR in a value", with("x: y\rz\r\n")),
        refused("a blank in a name", with("x y: z\r\n")),
        refused("no name", with(": z\r\n")),
        refused("no colon", with("x\r\n")),
        refused("a name in brackets", with("(x): z\r\n")),
        taken("bare LF at the ends of lines", "GET /elsewhere/x HTTP/1.1\nhost: a\n\n", "GET", ""),
        taken("empty lines before", format!("\r\n\r\n{}", get("GET /elsewhere/x HTTP/1.1")), "GET", ""),
        Row { answers: &[405], goes_on: true, ..refused("lower case", get("get /elsewhere/x HTTP/1.1")) },
        refused("HTTP/0.9", "GET /elsewhere/x\r\n"),
        refused("two blanks", get("GET  /elsewhere/x HTTP/1.1")),
        refused("two blanks behind", get("GET /elsewhere/x  HTTP/1.1")),
        refused("a blank at the end", get("GET /elsewhere/x HTTP/1.1 ")),
        refused("a blank within", get("GET /elsewhere/x y HTTP/1.1")),
        refused("a blank in front", get(" GET /elsewhere/x HTTP/1.1")),
        refused("a tab", get("GET\t/elsewhere/x HTTP/1.1")),
        refused("HTTP/1.2", get("GET /elsewhere/x HTTP/1.2")),
        refused("HTTP/2.0", get("GET /elsewhere/x HTTP/2.0")),
        refused("HTTP/1.10", get("GET /elsewhere/x HTTP/1.10")),
        refused("lower-case version", get("GET /elsewhere/x http/1.1")),
        refused("no slash", get("GET elsewhere/x HTTP/1.1")),
        refused("asterisk", get("OPTIONS * HTTP/1.1")),
        Row { answers: &[405], ..refused("CONNECT", get("CONNECT a:80 HTTP/1.1")) },
        Row { answers: &[405], ..refused("TRACE", get("TRACE /elsewhere/x HTTP/1.1")) },
        taken("absolute form", get("GET http://a/elsewhere/x HTTP/1.1"), "GET", ""),
        refused("absolute form, another host", get("GET http://b/elsewhere/x HTTP/1.1")),
        refused("user information", get("GET http://me@a/elsewhere/x HTTP/1.1")),
        refused("no host", "GET /elsewhere/x HTTP/1.1\r\n\r\n"),
        refused("two hosts", with("host: a\r\n")),
        refused("two hosts in a line", "GET /elsewhere/x HTTP/1.1\r\nhost: a, b\r\n\r\n"),
        refused("a path in the host", "GET /elsewhere/x HTTP/1.1\r\nhost: a/b\r\n\r\n"),
        refused("an underscore for the host", with("_host: b\r\nhttp2_settings: x\r\n")),
    ]
}

fn connections() -> Vec<Row> {
    let sized = |lines: &str| post(&format!("{lines}content-length: 5\r\n"), "hello");
    let settings = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    vec![
        taken("Connection names the length", sized("connection: content-length\r\n"), "POST", "hello"),
        taken("Connection names the host", sized("connection: host, x\r\nx: y\r\n"), "POST", "hello"),
        taken(
            "Connection names the coding",
            post("connection: transfer-encoding\r\ntransfer-encoding: chunked\r\n", HELLO),
            "POST",
            "hello",
        ),
        last(taken("Connection: close", sized("connection: close\r\n"), "POST", "hello")),
        last(taken("close wins", sized("connection: close\r\nconnection: keep-alive\r\n"), "POST", "hello")),
        taken("an expectation", sized("expect: 100-continues\r\n"), "POST", "hello"),
        Row { answers: &[100, 200], ..taken("100-continue", sized("expect: 100-continue\r\n"), "POST", "hello") },
        taken("h2c", post(settings, "").replace("POST", "GET"), "GET", ""),
        // What a refused client sends as its body is its body, whatever it looks like.
        Row {
            answers: &[401],
            goes_on: true,
            ..refused(
                "refused, with a body",
                post(&format!("content-length: {}\r\n", EVIL.len()), EVIL).replace("elsewhere/x", "private/x"),
            )
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_over_http1() {
    let (_core, upstream, edge) = start().await;
    for row in [framing(), chunk_sizes(), heads(), connections()].into_iter().flatten() {
        let name = row.name;
        let mut wire = Wire::to(edge.address).await;
        wire.send(&format!("{}{HONEST}", row.sent)).await;
        let read = wire.rest().await;
        let mut answers = row.answers.to_vec();
        answers.extend(row.goes_on.then_some(200));
        assert_eq!(statuses(&read), answers, "{name}: {read}");

        let taken = upstream.taken();
        let mut wanted: Vec<_> =
            row.upstream.into_iter().map(|(method, body)| (method, "/elsewhere/x", body)).collect();
        if row.goes_on {
            wanted.push(("GET", "/elsewhere/honest", String::new()));
        }
        let got: Vec<_> =
            taken.iter().map(|one| (one.method.as_str(), one.target.as_str(), one.body.clone())).collect();
        assert_eq!(got, wanted, "{name}");
        for one in &taken {
            assert_eq!(one.header("x-forwarded-for"), Some("127.0.0.1"), "{name}");
            for gone in ["upgrade", "http2-settings", "expect", "te", "keep-alive", "proxy-connection"] {
                assert_eq!(one.header(gone), None, "{name}");
            }
        }
    }
}

/// The body of a GET in chunks means nothing (RFC 9110, section 9.3.1), and is not passed on: what follows it stays what it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_get_in_chunks() {
    let (_core, upstream, edge) = start().await;
    let mut wire = Wire::to(edge.address).await;
    let get = post("transfer-encoding: chunked\r\n", &format!("{:x}\r\n{EVIL}\r\n0\r\n\r\n", EVIL.len()))
        .replacen("POST", "GET", 1);
    wire.send(&format!("{get}{HONEST}")).await;
    assert_eq!(statuses(&wire.rest().await)[0], 200);
    let targets: Vec<_> = upstream.taken().into_iter().map(|one| (one.target, one.body)).collect();
    assert_eq!(targets[0], ("/elsewhere/x".to_owned(), String::new()));
    assert!(targets[1..].iter().all(|(target, _)| target == "/elsewhere/honest"), "{targets:?}");
}

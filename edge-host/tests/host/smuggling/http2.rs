//! What HTTP/2 clients send, and what becomes of it in HTTP/1.1 (RFC 9113, sections 8.1.1 and 10.3).

use super::start;
use crate::support::frames::{DATA, END_HEADERS, END_STREAM, Frames, HEADERS, block};

const EVIL: &str = "GET /elsewhere/evil HTTP/1.1\r\nhost: a\r\n\r\n";

type Fields<'a> = Vec<(&'a str, &'a str)>;

fn head<'a>(method: &'a str, more: &[(&'a str, &'a str)]) -> Fields<'a> {
    let mut fields = vec![(":method", method), (":scheme", "http"), (":authority", "a"), (":path", "/elsewhere/x")];
    fields.extend_from_slice(more);
    fields
}

fn instead<'a>(name: &str, value: &'a str) -> Fields<'a> {
    let mut fields = head("GET", &[]);
    fields.iter_mut().find(|(one, _)| *one == name).unwrap().1 = value;
    fields
}

/// Name, head, body, and the answer; none is a stream or a connection that ends with an error.
type Row<'a> = (&'a str, Fields<'a>, Option<&'a str>, Option<u16>);

fn rows() -> Vec<Row<'static>> {
    vec![
        ("a plain one", head("GET", &[]), None, Some(200)),
        ("with a body", head("POST", &[("content-length", "5")]), Some("hello"), Some(200)),
        ("a body of its own length", head("POST", &[]), Some("hello"), Some(200)),
        ("te: trailers", head("GET", &[("te", "trailers")]), None, Some(200)),
        ("CL too long", head("POST", &[("content-length", "9")]), Some("hello"), None),
        ("CL too short", head("POST", &[("content-length", "2")]), Some("hello"), None),
        ("CL 0 and a request for a body", head("POST", &[("content-length", "0")]), Some(EVIL), None),
        ("CL without a body", head("POST", &[("content-length", "5")]), None, None),
        ("two lengths", head("POST", &[("content-length", "5"), ("content-length", "6")]), Some("hello"), None),
        (
            "the same length twice",
            head("POST", &[("content-length", "5"), ("content-length", "5")]),
            Some("hello"),
            Some(400),
        ),
        ("a signed length", head("POST", &[("content-length", "+5")]), Some("hello"), None),
        ("an underscore", head("POST", &[("content_length", "5")]), Some("hello"), Some(400)),
        ("transfer-encoding", head("POST", &[("transfer-encoding", "chunked")]), Some("0\r\n\r\n"), None),
        ("transfer_encoding", head("POST", &[("transfer_encoding", "chunked")]), Some("0\r\n\r\n"), Some(400)),
        ("connection", head("GET", &[("connection", "close")]), None, None),
        ("keep-alive", head("GET", &[("keep-alive", "timeout=5")]), None, None),
        ("proxy-connection", head("GET", &[("proxy-connection", "close")]), None, None),
        ("upgrade", head("GET", &[("upgrade", "websocket")]), None, None),
        ("te: gzip", head("GET", &[("te", "gzip")]), None, None),
        ("CR LF in a value", head("GET", &[("x", "y\r\nz: w")]), None, None),
        ("LF in a value", head("GET", &[("x", "y\nz: w")]), None, None),
        ("CR in a value", head("GET", &[("x", "y\rz")]), None, None),
        ("NUL in a value", head("GET", &[("x", "y\0z")]), None, None),
        ("CR LF in a name", head("GET", &[("x\r\nz", "y")]), None, None),
        ("a colon in a name", head("GET", &[("x:z", "y")]), None, None),
        ("a blank in a name", head("GET", &[("x z", "y")]), None, None),
        ("an upper-case name", head("GET", &[("X-Z", "y")]), None, None),
        ("an empty name", head("GET", &[("", "y")]), None, None),
        (
            "a request in the path",
            instead(":path", "/elsewhere/x HTTP/1.1\r\nhost: a\r\n\r\nGET /elsewhere/evil"),
            None,
            None,
        ),
        ("a blank in the path", instead(":path", "/elsewhere/x HTTP/1.1"), None, None),
        ("no path", instead(":path", ""), None, None),
        ("no slash", instead(":path", "elsewhere/x"), None, None),
        (
            "a request in the method",
            instead(":method", "GET /elsewhere/evil HTTP/1.1\r\nhost: a\r\n\r\nGET"),
            None,
            None,
        ),
        ("a blank in the method", instead(":method", "GET /"), None, None),
        ("a request in the authority", instead(":authority", "a\r\nx: y"), None, None),
        ("user information", instead(":authority", "me@a"), None, Some(400)),
        ("another host", head("GET", &[("host", "b")]), None, Some(400)),
        ("the same host", head("GET", &[("host", "a")]), None, Some(200)),
        ("two hosts", head("GET", &[("host", "a"), ("host", "a")]), None, Some(400)),
        ("two paths", head("GET", &[(":path", "/elsewhere/evil")]), None, None),
        ("a pseudo-header behind", head("GET", &[("x", "y"), (":authority", "b")]), None, None),
        ("an unknown pseudo-header", [vec![(":evil", "y")], head("GET", &[])].concat(), None, None),
        ("an answer's pseudo-header", [vec![(":status", "200")], head("GET", &[])].concat(), None, None),
        ("CONNECT", vec![(":method", "CONNECT"), (":authority", "a:80")], None, Some(405)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_over_http2() {
    let (_core, upstream, edge) = start().await;
    for (name, fields, body, status) in rows() {
        let mut client = Frames::to(edge.address, &[]).await;
        let flags = END_HEADERS | if body.is_none() { END_STREAM } else { 0 };
        client.send(HEADERS, flags, 1, &block(&fields)).await;
        if let Some(body) = body {
            client.send(DATA, END_STREAM, 1, body.as_bytes()).await;
        }
        assert_eq!(client.status(1).await, status, "{name}");
        // Others go on, on this connection or another.
        let mut client = Frames::to(edge.address, &[]).await;
        client.send(HEADERS, END_HEADERS | END_STREAM, 1, &block(&head("GET", &[("x-honest", "1")]))).await;
        assert_eq!(client.status(1).await, Some(200), "{name}");

        let mut taken = upstream.taken();
        let honest = taken.pop().unwrap();
        assert_eq!(honest.header("x-honest"), Some("1"), "{name}");
        let got: Vec<_> = taken.iter().map(|one| (one.method.as_str(), one.body.as_str())).collect();
        let method = fields.iter().find(|(name, _)| *name == ":method").unwrap().1;
        let wanted: Vec<_> = (status == Some(200)).then(|| (method, body.unwrap_or_default())).into_iter().collect();
        assert_eq!(got, wanted, "{name}");
    }
}

//! Heads that no client library would send. How a host words its refusal is its own affair; that it refuses is not.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::edge::{Edge, Shell};

pub async fn broken_heads_are_refused(edge: Edge) {
    let long_target = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(9000));
    let many = format!("GET /echo/a HTTP/1.1\r\nhost: a\r\n{}\r\n", "x-a: 1\r\n".repeat(98));
    let large = format!("GET /echo/a HTTP/1.1\r\nhost: a\r\nx-a: {}\r\n\r\n", "x".repeat(33 * 1024));
    // Spin takes the first of two and hides both from the component.
    let two_hosts = if edge.shell == Shell::Spin { 200 } else { 400 };
    #[rustfmt::skip]
    let cases: [(&str, &str, u16); 12] = [
        ("a good one",               "GET /echo/a HTTP/1.1\r\nhost: a\r\n\r\n",                              200),
        ("no host",                  "GET /echo/a HTTP/1.1\r\n\r\n",                                         400),
        ("two hosts",                "GET /echo/a HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",                   two_hosts),
        ("a host that is none",      "GET /echo/a HTTP/1.1\r\nhost: a/b\r\n\r\n",                            400),
        ("no HTTP",                  "hello\r\n\r\n",                                                        400),
        ("TRACE",                    "TRACE /echo/a HTTP/1.1\r\nhost: a\r\n\r\n",                            405),
        ("a name with a space",      "GET /echo/a HTTP/1.1\r\nhost: a\r\nx y: 1\r\n\r\n",                    400),
        ("a length that is none",    "POST /echo/a HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",        400),
        ("two lengths",              "POST /echo/a HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", 400),
        ("a target that is too long", &long_target,                                                          414),
        ("too many headers",         &many,                                                                  431),
        ("too large headers",        &large,                                                                 431),
    ];
    for (name, request, wanted) in cases {
        assert_eq!(raw(&edge, request).await, wanted, "{name}");
    }
    // And a good one still comes through.
    assert_eq!(raw(&edge, "GET /echo/b HTTP/1.1\r\nhost: a\r\n\r\n").await, 200);
    assert_eq!(edge.core.asked("/echo/a").len(), if two_hosts == 200 { 2 } else { 1 });
}

/// The status of the answer to these bytes.
async fn raw(edge: &Edge, request: &str) -> u16 {
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    let text = String::from_utf8(answer).unwrap();
    text.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}

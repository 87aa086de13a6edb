//! Answers that are compressed on their way to the client.

use std::io::{Read as _, Write as _};

use futures_util::StreamExt as _;
use reqwest::{RequestBuilder, Response};
use serde_json::json;

use crate::support::recorder::Recorder;
use crate::support::{Core, Edge, client, snapshot};

async fn start() -> (Core, Recorder, Edge) {
    let (core, upstream) = (Core::start().await, Recorder::start().await);
    let mut document = snapshot::document("2");
    document["upstreams"]["elsewhere"] = json!({ "origin": format!("http://{}", upstream.address) });
    let routes = document["routing"]["routes"].as_array_mut().unwrap();
    for (id, member) in [("kept", "cacheable"), ("plain", "compress")] {
        let mut route = snapshot::route(id, &format!("/{id}/{{*rest}}"));
        route["target"] = json!({ "upstream": "elsewhere" });
        route[member] = json!(member == "cacheable");
        routes.push(route);
    }
    core.publish(&document);
    let edge = Edge::before(&core).outbound("http://127.0.0.1:*").start().await;
    (core, upstream, edge)
}

fn text() -> String {
    (0..5000).map(|number| format!("line {number}\n")).collect()
}

/// Answers with this text from now on.
fn answer(upstream: &Recorder, lines: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n{lines}\r\n{body}");
    upstream.script(head.as_bytes(), false);
}

fn get(edge: &Edge, path: &str, accepted: &str) -> RequestBuilder {
    client().get(edge.url(path)).header("accept-encoding", accepted)
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// All members of `vary`, in one line or several.
fn varies(response: &Response) -> Vec<&str> {
    response.headers().get_all("vary").iter().map(|value| value.to_str().unwrap()).collect()
}

fn decode(coding: &str, bytes: &[u8]) -> String {
    let mut decoded = Vec::new();
    let read = match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut decoded),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut decoded),
        "zstd" => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut decoded),
        other => panic!("{other}"),
    };
    read.unwrap();
    String::from_utf8(decoded).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_likes_best() {
    let (_core, upstream, edge) = start().await;
    let text = text();
    answer(&upstream, "etag: \"v1\"\r\n", &text);
    for (accepted, coding) in
        [("gzip", "gzip"), ("gzip, br", "br"), ("gzip, deflate, br, zstd", "zstd"), ("br;q=0, gzip", "gzip")]
    {
        let response = get(&edge, "/elsewhere/scripted", accepted).send().await.unwrap();
        assert_eq!(header(&response, "content-encoding"), Some(coding), "{accepted}");
        assert!(varies(&response).contains(&"accept-encoding"));
        assert_eq!(header(&response, "etag"), Some("W/\"v1\""));
        assert_eq!(header(&response, "content-length"), None);
        let bytes = response.bytes().await.unwrap();
        assert!(bytes.len() < text.len() / 2, "{} of {} bytes", bytes.len(), text.len());
        assert_eq!(decode(coding, &bytes), text);
    }
    let plain = get(&edge, "/elsewhere/scripted", "gzip;q=0").send().await.unwrap();
    assert!(header(&plain, "content-encoding").is_none() && varies(&plain).contains(&"accept-encoding"));
    assert_eq!(header(&plain, "etag"), Some("\"v1\""));
    assert_eq!(plain.text().await.unwrap(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_as_it_is() {
    let (_core, upstream, edge) = start().await;
    let text = text();
    let send = async |path: &str, lines: &str, body: &str, name: &'static str, value: &str| {
        answer(&upstream, lines, body);
        let response = get(&edge, path, "gzip").header(name, value).send().await.unwrap();
        let coding = header(&response, "content-encoding").map(str::to_owned);
        (coding, response.bytes().await.unwrap())
    };
    let path = "/elsewhere/scripted";
    assert_eq!(send(path, "", &text, "x", "").await.0.as_deref(), Some("gzip"));
    for (lines, name, value) in [
        ("cache-control: no-transform\r\n", "x", ""),
        ("content-range: bytes 0-9/10\r\n", "x", ""),
        ("set-cookie: a=1\r\n", "x", ""),
        // A page of a stranger's could make the browser ask, and measure the answer.
        ("", "cookie", "session=1"),
        ("", "authorization", "Basic eDp5"),
    ] {
        let (coding, body) = send(path, lines, &text, name, value).await;
        assert_eq!((coding, body.len()), (None, text.len()), "{lines}{name}");
    }
    // What the upstream has coded already passes as it is.
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    coder.write_all(text.as_bytes()).unwrap();
    let coded = coder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        coded.len()
    );
    upstream.script(&[head.as_bytes(), &coded].concat(), false);
    let response = get(&edge, path, "gzip, br").send().await.unwrap();
    assert_eq!(header(&response, "content-encoding"), Some("gzip"));
    assert_eq!(response.bytes().await.unwrap(), coded);
    // Too short, and a route that does not want it.
    assert_eq!(send(path, "", "short", "x", "").await.0, None);
    assert_eq!(send("/plain/scripted", "", &text, "x", "").await.0, None);
    // A HEAD is told what a GET would be.
    upstream.script(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5000\r\n\r\n", false);
    let head = client().head(edge.url(path)).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!((header(&head, "content-encoding"), header(&head, "content-length")), (Some("gzip"), None));
}

/// The cache has one copy, which each client gets as it likes; tags that were weakened on the way come back strong.
#[tokio::test(flavor = "multi_thread")]
async fn the_cache_keeps_what_the_upstream_said() {
    let (_core, upstream, edge) = start().await;
    let text = text();
    answer(&upstream, "cache-control: public, max-age=60\r\netag: \"v1\"\r\n", &text);
    for (accepted, coding) in [("gzip", Some("gzip")), ("br", Some("br")), ("identity", None), ("gzip", Some("gzip"))] {
        let response = get(&edge, "/kept/scripted", accepted).send().await.unwrap();
        assert_eq!(header(&response, "content-encoding"), coding, "{accepted}");
        let bytes = response.bytes().await.unwrap();
        assert_eq!(
            coding.map_or_else(|| String::from_utf8(bytes.to_vec()).unwrap(), |coding| decode(coding, &bytes)),
            text
        );
    }
    let known = get(&edge, "/kept/scripted", "gzip").header("if-none-match", "W/\"v1\"").send().await.unwrap();
    assert_eq!((known.status().as_u16(), header(&known, "etag")), (304, Some("W/\"v1\"")));
    assert_eq!(upstream.taken().len(), 1);

    let put = client().put(edge.url("/elsewhere/x")).header("if-match", "W/\"v1\"").body("new");
    assert_eq!(put.send().await.unwrap().status(), 200);
    assert_eq!(upstream.taken()[0].header("if-match"), Some("\"v1\""));
}

/// What has come is sent on at once, though a coder would rather wait for more.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_does_not_wait() {
    let core = Core::start().await;
    let edge = Edge::start(&core).await;
    let response = get(&edge, "/lines", "gzip").send().await.unwrap();
    assert_eq!(header(&response, "content-encoding"), Some("gzip"));
    let mut chunks = response.bytes_stream();
    let mut decoder = flate2::write::GzDecoder::new(Vec::new());
    for index in 0..10 {
        core.shared.events.add_permits(1);
        let line = format!("data: {index}\n\n");
        while !decoder.get_ref().ends_with(line.as_bytes()) {
            decoder.write_all(&chunks.next().await.unwrap().unwrap()).unwrap();
            decoder.flush().unwrap();
        }
    }
}

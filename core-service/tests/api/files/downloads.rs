//! Parts, preconditions, and what a browser may make of it.

use http::Method;

use super::{file, upload};
use crate::cast::Cast;
use crate::support::Answer;

#[tokio::test]
async fn parts_can_be_asked_for() {
    let cast = Cast::new().await;
    let id = file(&cast, "a", "0123456789").await;
    let call = || cast.call(&cast.viewer, Method::GET, format!("/files/{id}/content"));
    let etag = call().send().await.expect(200).header("etag").to_owned();
    let part = call().header("range", "bytes=2-4").send().await.expect(206);
    assert_eq!((&part.body[..], part.header("content-range")), (&b"234"[..], "bytes 2-4/10"));
    assert_eq!((part.header("content-length"), part.header("etag")), ("3", etag.as_str()));
    let end = call().header("range", "bytes=-3").header("if-range", &etag).send().await.expect(206);
    assert_eq!(&end.body[..], b"789");
    let other = call().header("range", "bytes=-3").header("if-range", "\"other\"").send().await.expect(200);
    assert_eq!(&other.body[..], b"0123456789");
    let beyond = call().header("range", "bytes=10-").send().await;
    assert_eq!(beyond.header("content-range"), "bytes */10");
    beyond.problem(416, "range-not-satisfiable");
    let known = call().header("if-none-match", &etag).send().await.expect(304);
    assert_eq!((known.body.len(), known.header("etag")), (0, etag.as_str()));
    let head = cast.call(&cast.viewer, Method::HEAD, format!("/files/{id}/content")).send().await.expect(200);
    assert_eq!((head.body.len(), head.header("content-length")), (0, "10"));
}

#[tokio::test]
async fn nothing_in_a_file_is_a_page_of_ours() {
    let cast = Cast::new().await;
    let show = async |name: &str, kind: &str, content: &str| -> Answer {
        let call = upload(&cast, &cast.editor, name, content).header("content-type", kind);
        let id = call.send().await.expect(201).json()["id"].as_str().unwrap().to_owned();
        cast.read(&cast.viewer, format!("/files/{id}/content?disposition=inline")).await.expect(200)
    };
    let page = show("a.html", "text/html", "<script>alert(1)</script>").await;
    assert_eq!(page.header("content-disposition"), "attachment; filename=\"a.html\"; filename*=UTF-8''a.html");
    assert_eq!(page.header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let image = show("a.svg", "image/svg+xml", "<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>").await;
    assert!(image.header("content-disposition").starts_with("attachment;"));
    let text = show("a.txt", "text/plain; charset=utf-8", "text").await;
    assert!(text.header("content-disposition").starts_with("inline;"));
    assert_eq!(
        (text.header("content-type"), text.header("cache-control")),
        ("text/plain; charset=utf-8", "private, no-cache")
    );
    let id = file(&cast, "b.txt", "b").await;
    cast.read(&cast.viewer, format!("/files/{id}/content?disposition=page")).await.problem(400, "invalid-query");
    let saved = cast.read(&cast.viewer, format!("/files/{id}/content")).await.expect(200);
    assert!(saved.header("content-disposition").starts_with("attachment;"));
}

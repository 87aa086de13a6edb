//! What arrives is there, whole; what is refused leaves nothing.

use axum::body::{Body, Bytes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use http::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{content, file, folder, names, stored, upload};
use crate::cast::Cast;
use crate::support::{TestApp, settings};

#[tokio::test]
async fn a_file_is_what_was_uploaded() {
    let cast = Cast::new().await;
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&bytes)));
    // In pieces, whose number nobody knows beforehand.
    let pieces: Vec<_> =
        bytes.chunks(70_000).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
    let call = cast.call(&cast.editor, Method::POST, "/files?name=%C3%BCber.bin").header("content-digest", &digest);
    let created = call.body(Body::from_stream(stream::iter(pieces))).send().await.expect(201);
    let body = created.json();
    assert_eq!((&body["name"], &body["folder"], &body["version"]), (&json!("über.bin"), &json!(null), &json!(1)));
    assert_eq!(created.header("etag"), "\"v1\"");
    let about = &body["content"];
    assert_eq!((&about["size"], &about["number"]), (&json!(3_000_000), &json!(1)));
    assert_eq!(about["media_type"], "application/octet-stream");
    assert_eq!((&body["created_by"], &about["created_by"]), (&json!(cast.editor.id), &json!(cast.editor.id)));
    let path = created.header("location").to_owned();
    let read = cast.app.get(&path).bearer(&cast.viewer.access_token).send().await.expect(200);
    assert_eq!(read.json(), body);
    let download = cast.app.get(&format!("{path}/content")).bearer(&cast.viewer.access_token).send().await.expect(200);
    assert!(download.body == bytes, "another content");
    assert_eq!(download.header("content-length"), "3000000");
    assert_eq!(download.header("repr-digest"), digest);
    assert_eq!(download.header("etag"), format!("\"{}\"", about["sha256"].as_str().unwrap()));
    // The media type is told by the beginning if nobody says it.
    let png = cast.call(&cast.editor, Method::POST, "/files?name=a.png").body(&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..]);
    assert_eq!(png.send().await.expect(201).json()["content"]["media_type"], "image/png");
    let listed = cast.read(&cast.viewer, "/files").await.expect(200).json();
    assert_eq!(names(&listed), ["a.png", "über.bin"]);
    let empty = file(&cast, "empty", "").await;
    assert_eq!(content(&cast, &empty).await, "");
}

#[tokio::test]
async fn what_is_not_what_it_is_said_to_be_is_refused_and_leaves_nothing() {
    let cast = Cast::new().await;
    let call = |name: &str| cast.call(&cast.editor, Method::POST, format!("/files?name={name}"));
    let other = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(b"other")));
    call("a").header("content-digest", &other).body("this").send().await.problem(422, "digest-mismatch");
    call("a").header("content-digest", "sha-256=abc").body("this").send().await.problem(400, "bad-request");
    call("a").header("content-type", "image/png").body("<script>").send().await.problem(415, "media-type-mismatch");
    call("a").header("content-type", "nonsense").body("this").send().await.problem(400, "bad-request");
    call("a").header("content-encoding", "gzip").body("this").send().await.problem(415, "unsupported-media-type");
    for name in ["a%2Fb", "..", "", "a%0Ab"] {
        call(name).body("this").send().await.problem(400, "invalid-query");
    }
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("gone"))]);
    call("a").body(Body::from_stream(broken)).send().await.problem(400, "bad-request");
    assert_eq!(names(&cast.read(&cast.viewer, "/files").await.expect(200).json()), [""; 0]);
    assert_eq!(stored(&cast), 0);
    let usage = cast.read(&cast.viewer, "/files/usage").await.expect(200).json();
    assert_eq!(usage["bytes"], 0);
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let cast = Cast::in_app(TestApp::start_with(settings([("FILES__MAX_BYTES", "1000")])).await).await;
    let long = "x".repeat(1001);
    let declared = upload(&cast, &cast.editor, "a", &long).header("content-length", "1001").send().await;
    declared.problem(413, "payload-too-large");
    upload(&cast, &cast.editor, "a", &long).send().await.problem(413, "payload-too-large");
    upload(&cast, &cast.editor, "a", &long[1..]).send().await.expect(201);
    assert_eq!(stored(&cast), 1);
}

#[tokio::test]
async fn a_name_is_one_files_in_a_folder() {
    let cast = Cast::new().await;
    file(&cast, "a.txt", "one").await;
    upload(&cast, &cast.editor, "a.txt", "two").send().await.problem(409, "name-taken");
    let id = folder(&cast, "folder", None).await;
    let there = cast.call(&cast.editor, Method::POST, format!("/files?name=a.txt&folder={id}")).body("three");
    let there = there.send().await.expect(201).json();
    assert_eq!(there["folder"], json!(id));
    let move_up = cast.send(
        &cast.editor,
        Method::PATCH,
        format!("/files/{}", there["id"].as_str().unwrap()),
        json!({ "folder": null }),
    );
    move_up.await.problem(409, "name-taken");
    let nowhere = uuid::Uuid::now_v7();
    let nowhere = cast.call(&cast.editor, Method::POST, format!("/files?name=b&folder={nowhere}")).body("four");
    nowhere.send().await.problem(404, "not-found");
    // Of racing uploads one wins, and the others leave nothing.
    let racing = (0..8).map(|_| upload(&cast, &cast.editor, "race", "five").send());
    let answers = futures_util::future::join_all(racing).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())));
}

#[tokio::test]
async fn a_repeated_upload_is_done_once() {
    let cast = Cast::new().await;
    let once = |content: &str| {
        upload(&cast, &cast.editor, "a", content)
            .header("idempotency-key", "k")
            .header("content-length", &content.len().to_string())
    };
    let first = once("this").send().await.expect(201);
    let again = once("this").send().await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.json(), again.json());
    once("longer").send().await.problem(422, "idempotency-key-reused");
    assert_eq!(stored(&cast), 1);
}

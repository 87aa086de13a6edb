//! Uploads that are resumed, as tus 1.0.0 has it.

use axum::body::{Body, Bytes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use futures_util::stream;
use http::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{content, file, stored};
use crate::cast::Cast;
use crate::support::{Answer, Call, TestApp, settings};

/// `Upload-Metadata` with a name.
pub fn named(name: &str) -> String {
    format!("name {}", STANDARD.encode(name))
}

/// A call of the protocol's.
pub fn tus(call: Call) -> Call {
    call.header("tus-resumable", "1.0.0")
}

fn beginning(cast: &Cast, metadata: &str, length: usize) -> Call {
    let call = tus(cast.call(&cast.editor, Method::POST, "/uploads"));
    call.header("upload-length", &length.to_string()).header("upload-metadata", metadata)
}

/// The id of one that the editor begins.
pub async fn begin(cast: &Cast, metadata: &str, length: usize) -> String {
    let answer = beginning(cast, metadata, length).send().await.expect(201);
    assert_eq!((answer.header("tus-resumable"), answer.header("upload-offset")), ("1.0.0", "0"));
    answer.header("location").rsplit('/').next().unwrap().to_owned()
}

fn appending(cast: &Cast, id: &str, offset: usize, bytes: impl Into<Body>) -> Call {
    let call = tus(cast.call(&cast.editor, Method::PATCH, format!("/uploads/{id}")));
    call.header("upload-offset", &offset.to_string())
        .header("content-type", "application/offset+octet-stream")
        .body(bytes)
}

/// What the editor appends.
pub async fn append(cast: &Cast, id: &str, offset: usize, bytes: &str) -> Answer {
    appending(cast, id, offset, bytes.to_owned()).send().await
}

/// How far one has come, as `HEAD` says.
async fn offset(cast: &Cast, id: &str) -> String {
    let answer = tus(cast.call(&cast.editor, Method::HEAD, format!("/uploads/{id}"))).send().await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.header("upload-offset").to_owned()
}

#[tokio::test]
async fn what_arrives_in_pieces_is_one_file() {
    let cast = Cast::new().await;
    let begun =
        beginning(&cast, &format!("{},filetype {}", named("a.txt"), STANDARD.encode("text/plain")), 11).send().await;
    assert!(begun.header("upload-expires").ends_with(" GMT"), "{begun:?}");
    let id = begun.expect(201).header("location").rsplit('/').next().unwrap().to_owned();
    let first = append(&cast, &id, 0, "hello").await.expect(204);
    assert_eq!((first.header("upload-offset"), first.header("content-location")), ("5", ""));
    assert_eq!(offset(&cast, &id).await, "5");
    append(&cast, &id, 5, "").await.expect(204);
    append(&cast, &id, 5, ", wor").await.expect(204);
    // Nobody sees half a file.
    assert_eq!(cast.read(&cast.viewer, "/files").await.expect(200).json()["items"], json!([]));
    let last = append(&cast, &id, 10, "l").await.expect(204);
    let place = last.header("content-location").to_owned();
    let made = cast.app.get(&place).bearer(&cast.viewer.access_token).send().await.expect(200).json();
    assert_eq!((&made["name"], &made["content"]["size"]), (&json!("a.txt"), &json!(11)));
    assert_eq!(made["content"]["media_type"], "text/plain");
    let hash: String = Sha256::digest("hello, worl").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(made["content"]["sha256"], hash);
    let file = made["id"].as_str().unwrap();
    assert_eq!(content(&cast, file).await, "hello, worl");
    let part = cast.call(&cast.viewer, Method::GET, format!("/files/{file}/content")).header("range", "bytes=3-10");
    assert_eq!(&part.send().await.expect(206).body[..], b"lo, worl");
    let over = cast.read(&cast.editor, format!("/uploads/{id}")).await.expect(200);
    assert_eq!((&over.json()["file"], over.header("upload-offset")), (&json!(file), "11"));
    append(&cast, &id, 11, "d").await.problem(409, "upload-offset-mismatch");
    // It goes with all its pieces.
    for path in [format!("/files/{file}"), format!("/files/trash/{file}")] {
        cast.call(&cast.editor, Method::DELETE, path).send().await.expect(204);
    }
    core_service::files::sweep::sweep(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 0);
}

#[tokio::test]
async fn what_arrived_before_the_connection_broke_is_kept() {
    let cast = Cast::new().await;
    let id = begin(&cast, &named("a"), 10).await;
    let broken = stream::iter([Ok(Bytes::from_static(b"0123")), Err(std::io::Error::other("gone"))]);
    appending(&cast, &id, 0, Body::from_stream(broken)).send().await.problem(400, "bad-request");
    assert_eq!(offset(&cast, &id).await, "4");
    // Two that both think that they go on: one does.
    let racing = ["4567", "4567"].map(|bytes| append(&cast, &id, 4, bytes));
    let mut statuses: Vec<_> = join_all(racing).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let behind = append(&cast, &id, 4, "4567").await;
    assert_eq!(behind.header("upload-offset"), "8");
    behind.problem(409, "upload-offset-mismatch");
    append(&cast, &id, 8, "89A").await.problem(413, "payload-too-large");
    // Of what has a digest, all counts or nothing.
    let digest = |bytes: &str| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)));
    let wrong = appending(&cast, &id, 8, "89").header("content-digest", &digest("98"));
    wrong.send().await.problem(422, "digest-mismatch");
    let broken = stream::iter([Ok(Bytes::from_static(b"8")), Err(std::io::Error::other("gone"))]);
    let broken = appending(&cast, &id, 8, Body::from_stream(broken)).header("content-digest", &digest("89"));
    broken.send().await.problem(400, "bad-request");
    assert_eq!(offset(&cast, &id).await, "8");
    let last = appending(&cast, &id, 8, "89").header("content-digest", &digest("89")).send().await.expect(204);
    let file = last.header("content-location").rsplit('/').next().unwrap().to_owned();
    assert_eq!(content(&cast, &file).await, "0123456789");
    assert_eq!(stored(&cast), 3, "what came to nothing is not there");
}

#[tokio::test]
async fn an_upload_may_become_a_new_version() {
    let cast = Cast::new().await;
    let existing = file(&cast, "a", "one").await;
    let id = begin(&cast, &format!("file {}", STANDARD.encode(&existing)), 3).await;
    append(&cast, &id, 0, "two").await.expect(204);
    assert_eq!(content(&cast, &existing).await, "two");
    let nothing = beginning(&cast, &named("empty"), 0).send().await.expect(201);
    let nothing = nothing.header("location").rsplit('/').next().unwrap().to_owned();
    let empty = cast.read(&cast.editor, format!("/uploads/{nothing}")).await.expect(200).json()["file"].clone();
    assert_eq!(content(&cast, empty.as_str().unwrap()).await, "");
}

#[tokio::test]
async fn what_cannot_be_uploaded_is_refused_before_it_is() {
    let cast = Cast::in_app(
        TestApp::start_with(settings([("FILES__MAX_BYTES", "1000"), ("FILES__WORKSPACE_BYTES", "1500")])).await,
    )
    .await;
    file(&cast, "taken", "x").await;
    beginning(&cast, &named("taken"), 1).send().await.problem(409, "name-taken");
    beginning(&cast, &named("a"), 1001).send().await.problem(413, "payload-too-large");
    beginning(&cast, "", 1).send().await.problem(400, "bad-request");
    beginning(&cast, &named("a/b"), 1).send().await.problem(400, "bad-request");
    let old = beginning(&cast, &named("a"), 1).header("tus-resumable", "0.2.2").send().await;
    assert_eq!(old.header("tus-version"), "1.0.0");
    old.problem(412, "precondition-failed");
    let id = begin(&cast, &named("a"), 1000).await;
    // What has begun counts as if it were there.
    beginning(&cast, &named("b"), 500).send().await.problem(403, "quota-exceeded");
    let plain = appending(&cast, &id, 0, "x").header("content-type", "text/plain").send().await;
    plain.problem(415, "unsupported-media-type");
    let nobody_elses = tus(cast.call(&cast.admin, Method::HEAD, format!("/uploads/{id}"))).send().await;
    nobody_elses.expect(404);
    append(&cast, &id, 0, "x").await.expect(204);
    tus(cast.call(&cast.editor, Method::DELETE, format!("/uploads/{id}"))).send().await.expect(204);
    append(&cast, &id, 1, "x").await.problem(404, "not-found");
    begin(&cast, &named("b"), 500).await;
    core_service::files::sweep::sweep(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 1);
}

/// An upload that nobody goes on with, and a piece that broke off with its core.
#[tokio::test]
async fn what_is_not_resumed_is_forgotten() {
    let cast = Cast::new().await;
    let id = begin(&cast, &named("a"), 10).await;
    append(&cast, &id, 0, "01").await.expect(204);
    let mut connection = cast.app.database().await;
    let piece = uuid::Uuid::now_v7();
    let sql = "INSERT INTO file_pieces (id, content_id, workspace_id, created_at)
               SELECT $1, id, workspace_id, now() - interval '25 hours' FROM uploads";
    sqlx::query(sql).bind(piece).execute(&mut connection).await.unwrap();
    let mut writer = cast.app.state.files.write(piece).await.unwrap();
    writer.push(b"0").await.unwrap();
    std::mem::forget(writer);
    core_service::files::sweep::sweep(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 1);
    append(&cast, &id, 2, "23").await.expect(204);
    let late = "UPDATE file_contents SET expires_at = now() - interval '1 second'";
    sqlx::query(late).execute(&mut connection).await.unwrap();
    append(&cast, &id, 4, "45").await.problem(404, "not-found");
    core_service::files::sweep::sweep(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 0);
}

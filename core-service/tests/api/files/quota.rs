//! A workspace keeps as much as it may, to the byte, however many upload at once.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use super::{file, replace, stored, upload};
use crate::cast::Cast;
use crate::support::{TestApp, settings};

async fn small() -> Cast {
    Cast::in_app(TestApp::start_with(settings([("FILES__WORKSPACE_BYTES", "1000")])).await).await
}

#[tokio::test]
async fn racing_uploads_keep_to_the_limit() {
    let cast = small().await;
    let hundred = "x".repeat(100);
    let racing = (0..25).map(|n| {
        let call = upload(&cast, &cast.editor, &n.to_string(), &hundred);
        async { call.send().await }
    });
    let answers = join_all(racing).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
    for answer in answers {
        if answer.status != 201 {
            answer.problem(403, "quota-exceeded");
        }
    }
    let usage = cast.read(&cast.viewer, "/files/usage").await.expect(200).json();
    assert_eq!(usage, json!({ "bytes": 1000, "limit": 1000, "max_file_bytes": 5_368_709_120u64 }));
    assert_eq!(stored(&cast), 10);
}

#[tokio::test]
async fn what_goes_makes_room() {
    let cast = small().await;
    let id = file(&cast, "a", &"x".repeat(600)).await;
    let more = "y".repeat(401);
    let declared = upload(&cast, &cast.editor, "b", &more).header("content-length", "401");
    declared.send().await.problem(403, "quota-exceeded");
    replace(&cast, &id, &more).await.problem(403, "quota-exceeded");
    replace(&cast, &id, &more[1..]).await.expect(200);
    upload(&cast, &cast.editor, "c", "").header("content-length", "0").send().await.expect(201);
    cast.call(&cast.editor, Method::POST, format!("/files/{id}/versions/1/restore")).send().await.expect(200);
    for path in [format!("/files/{id}"), format!("/files/trash/{id}")] {
        cast.call(&cast.editor, Method::DELETE, path).send().await.expect(204);
    }
    file(&cast, "b", &"x".repeat(1000)).await;
    // Another workspace has its own.
    let elsewhere = cast.app.post(&format!("/api/v1/workspaces/{}/files?name=a", cast.elsewhere));
    elsewhere.bearer(&cast.stranger.access_token).body("x".repeat(1000)).send().await.expect(201);
}

/// Whatever happens at the same time, the count is what is kept.
#[tokio::test]
async fn the_count_is_what_is_kept() {
    let cast = Cast::new().await;
    let work = async |n: usize| {
        let id = file(&cast, &format!("file {n}").replace(' ', "%20"), &"x".repeat(n + 1)).await;
        let again = async |size: usize| replace(&cast, &id, &"y".repeat(size)).await.expect(200);
        join_all([again(n), again(2 * n)]).await;
        if n.is_multiple_of(2) {
            cast.call(&cast.editor, Method::POST, format!("/files/{id}/versions/1/restore")).send().await.expect(200);
        }
        if n.is_multiple_of(3) {
            for path in [format!("/files/{id}"), format!("/files/trash/{id}")] {
                cast.call(&cast.editor, Method::DELETE, path).send().await.expect(204);
            }
        }
    };
    join_all((0..12).map(work)).await;
    let kept: i64 = (0..12).filter(|n| n % 3 != 0).map(|n| (n + 1) + n + 2 * n).sum();
    assert_eq!(cast.read(&cast.viewer, "/files/usage").await.expect(200).json()["bytes"], kept);
    let sql = "SELECT sum(size)::bigint FROM file_contents WHERE state = 'kept'";
    let sum: i64 = sqlx::query_scalar(sql).fetch_one(&mut cast.app.database().await).await.unwrap();
    assert_eq!(sum, kept);
}

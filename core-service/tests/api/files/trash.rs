//! Deleted files come back for a while, and then are gone.

use core_service::operations::upkeep;
use http::Method;
use serde_json::json;

use super::{content, file, replace, stored};
use crate::cast::Cast;

#[tokio::test]
async fn deleted_files_are_listed_and_restored() {
    let cast = Cast::new().await;
    let (a, b) = (file(&cast, "a", "one").await, file(&cast, "b", "two").await);
    let delete = |id: &str| cast.call(&cast.editor, Method::DELETE, format!("/files/{id}")).send();
    let stale = cast.call(&cast.editor, Method::DELETE, format!("/files/{a}")).header("if-match", "\"v7\"");
    stale.send().await.problem(412, "precondition-failed");
    for id in [&a, &b] {
        delete(id).await.expect(204);
        delete(id).await.problem(404, "not-found");
        cast.read(&cast.viewer, format!("/files/{id}/content")).await.problem(404, "not-found");
    }
    cast.read(&cast.viewer, "/files/trash").await.problem(403, "forbidden");
    let first = cast.read(&cast.editor, "/files/trash?limit=1").await.expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = cast.read(&cast.editor, format!("/files/trash?limit=1&cursor={cursor}")).await.expect(200).json();
    assert_eq!((&first["items"][0]["name"], &second["items"][0]["name"]), (&json!("b"), &json!("a")));
    assert_eq!(first["items"][0]["deleted_by"], json!(cast.editor.id));
    // The name is free meanwhile, and then it is not.
    let other = file(&cast, "a", "three").await;
    let restore = |id: &str| cast.call(&cast.editor, Method::POST, format!("/files/trash/{id}/restore")).send();
    restore(&a).await.problem(409, "name-taken");
    cast.send(&cast.editor, Method::PATCH, format!("/files/{other}"), json!({ "name": "c" })).await.expect(200);
    assert_eq!(restore(&a).await.expect(200).json()["version"], 2);
    assert_eq!(content(&cast, &a).await, "one");
    restore(&a).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_is_purged_leaves_the_store() {
    let cast = Cast::new().await;
    let (a, b) = (file(&cast, "a", "one").await, file(&cast, "b", "two").await);
    replace(&cast, &a, "three").await.expect(200);
    cast.call(&cast.editor, Method::DELETE, format!("/files/trash/{a}")).send().await.problem(404, "not-found");
    for id in [&a, &b] {
        cast.call(&cast.editor, Method::DELETE, format!("/files/{id}")).send().await.expect(204);
    }
    assert_eq!(cast.read(&cast.viewer, "/files/usage").await.expect(200).json()["bytes"], 11);
    cast.call(&cast.editor, Method::DELETE, format!("/files/trash/{a}")).send().await.expect(204);
    assert_eq!(cast.read(&cast.viewer, "/files/usage").await.expect(200).json()["bytes"], 3);
    upkeep::once(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 1);
    // The other has its time, and then it goes by itself.
    let sql = "UPDATE files SET deleted_at = now() - interval '31 days' WHERE deleted_at IS NOT NULL";
    sqlx::query(sql).execute(&mut cast.app.database().await).await.unwrap();
    upkeep::once(&cast.app.state).await.unwrap();
    assert_eq!(stored(&cast), 0);
    assert_eq!(cast.read(&cast.viewer, "/files/usage").await.expect(200).json()["bytes"], 0);
}

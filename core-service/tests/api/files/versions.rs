//! What was in a file is kept.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use super::{content, file, replace, stored};
use crate::cast::Cast;

#[tokio::test]
async fn every_upload_is_kept_and_can_be_put_back() {
    let cast = Cast::new().await;
    let id = file(&cast, "a", "one").await;
    let second = replace(&cast, &id, "two").await.expect(200).json();
    assert_eq!((&second["version"], &second["content"]["number"]), (&json!(2), &json!(2)));
    assert_eq!(content(&cast, &id).await, "two");
    let old = cast.read(&cast.viewer, format!("/files/{id}/content?version=1")).await.expect(200);
    assert_eq!(&old.body[..], b"one");
    cast.read(&cast.viewer, format!("/files/{id}/content?version=3")).await.problem(404, "not-found");
    let restored =
        cast.call(&cast.editor, Method::POST, format!("/files/{id}/versions/1/restore")).send().await.expect(200);
    assert_eq!(restored.json()["content"]["number"], 3);
    assert_eq!(content(&cast, &id).await, "one");
    let page = cast.read(&cast.viewer, format!("/files/{id}/versions?limit=2")).await.expect(200).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest =
        cast.read(&cast.viewer, format!("/files/{id}/versions?limit=2&cursor={cursor}")).await.expect(200).json();
    let numbers = |page: &serde_json::Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|version| version["number"].as_i64().unwrap()).collect()
    };
    assert_eq!((numbers(&page), numbers(&rest)), (vec![3, 2], vec![1]));
    assert_eq!(page["items"][0]["sha256"], rest["items"][0]["sha256"]);
    // What is the same is there once, and counts once.
    assert_eq!(stored(&cast), 2);
    assert_eq!(cast.read(&cast.viewer, "/files/usage").await.expect(200).json()["bytes"], 6);
    cast.call(&cast.editor, Method::POST, format!("/files/{id}/versions/9/restore"))
        .send()
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn who_was_slower_is_told() {
    let cast = Cast::new().await;
    let id = file(&cast, "a", "one").await;
    let put = |tag: &str| {
        cast.call(&cast.editor, Method::PUT, format!("/files/{id}/content")).header("if-match", tag).body("two")
    };
    put("\"v1\"").send().await.expect(200);
    put("\"v1\"").send().await.problem(412, "precondition-failed");
    let rename = cast
        .call(&cast.editor, Method::PATCH, format!("/files/{id}"))
        .header("if-match", "\"v1\"")
        .json(json!({ "name": "b" }));
    rename.send().await.problem(412, "precondition-failed");
    // Racing uploads are all kept, one after the other.
    let again = async |n: i32| replace(&cast, &id, &format!("race {n}")).await.expect(200);
    join_all((0..6).map(again)).await;
    let file = cast.read(&cast.viewer, format!("/files/{id}")).await.expect(200).json();
    assert_eq!((&file["version"], &file["content"]["number"]), (&json!(8), &json!(8)));
}

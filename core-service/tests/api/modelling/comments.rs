//! Comments on documents.

use core_service::events;
use http::Method;
use serde_json::{Value, json};

use super::{collection, delete, document};
use crate::cast::Cast;
use crate::support::{Answer, User};

/// An order, and the path of its comments.
async fn order() -> (Cast, String, String) {
    let cast = Cast::new().await;
    collection(&cast, "orders", json!({}), json!({})).await;
    let id = cast.document("orders", json!({})).await;
    let comments = format!("{}/comments", document("orders", &id));
    (cast, id, comments)
}

async fn say(cast: &Cast, user: &User, comments: &str, text: &str) -> Answer {
    cast.send(user, Method::POST, comments, json!({ "text": text })).await
}

async fn texts(cast: &Cast, user: &User, comments: &str) -> Vec<Value> {
    let page = cast.read(user, comments).await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(|comment| comment["text"].clone()).collect()
}

#[tokio::test]
async fn who_said_it_changes_it_and_who_manages_may_delete_it() {
    let (cast, _, comments) = order().await;
    let first = say(&cast, &cast.editor, &comments, "Is this so?").await.expect(201);
    let location = first.headers["location"].to_str().unwrap().to_owned();
    assert!(location.ends_with(first.json()["id"].as_str().unwrap()));
    assert_eq!(first.json()["created_by"], json!(cast.editor.id));
    let at = format!("{comments}/{}", first.json()["id"].as_str().unwrap());
    say(&cast, &cast.admin, &comments, "It is.").await.expect(201);
    say(&cast, &cast.viewer, &comments, "No.").await.problem(403, "forbidden");
    assert_eq!(texts(&cast, &cast.viewer, &comments).await, ["Is this so?", "It is."]);
    let change = |user, text: &str| cast.call(user, Method::PATCH, &at).json(json!({ "text": text }));
    change(&cast.owner, "Of course.").send().await.problem(403, "forbidden");
    change(&cast.editor, "Is it?").header("if-match", "\"v2\"").send().await.problem(412, "precondition-failed");
    let changed = change(&cast.editor, "Is it?").header("if-match", "\"v1\"").send().await.expect(200).json();
    assert_eq!((&changed["text"], &changed["version"]), (&json!("Is it?"), &json!(2)));
    for wrong in ["", &"x".repeat(10_001)] {
        say(&cast, &cast.editor, &comments, wrong).await.problem(422, "validation-failed");
    }
    let page = cast.read(&cast.viewer, format!("{comments}?limit=1")).await.expect(200).json();
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(texts(&cast, &cast.viewer, &format!("{comments}?cursor={next}")).await, ["It is."]);

    let theirs = cast.read(&cast.viewer, &comments).await.expect(200).json()["items"][1]["id"].clone();
    let theirs = format!("{comments}/{}", theirs.as_str().unwrap());
    cast.call(&cast.editor, Method::DELETE, &theirs).send().await.problem(403, "forbidden");
    cast.call(&cast.owner, Method::DELETE, &theirs).send().await.expect(204);
    cast.call(&cast.editor, Method::DELETE, &at).send().await.expect(204);
    cast.call(&cast.editor, Method::DELETE, &at).send().await.problem(404, "not-found");
    assert!(texts(&cast, &cast.viewer, &comments).await.is_empty());
}

#[tokio::test]
async fn comments_go_and_come_back_with_their_document() {
    let (cast, id, comments) = order().await;
    say(&cast, &cast.editor, &comments, "Keep this.").await.expect(201);
    delete(&cast, "orders", &id).await.expect(204);
    cast.read(&cast.viewer, &comments).await.problem(404, "not-found");
    say(&cast, &cast.editor, &comments, "Too late.").await.problem(404, "not-found");
    let trash = format!("/collections/orders/trash/{id}");
    cast.call(&cast.editor, Method::POST, format!("{trash}/restore")).send().await.expect(200);
    assert_eq!(texts(&cast, &cast.viewer, &comments).await, ["Keep this."]);
    delete(&cast, "orders", &id).await.expect(204);
    cast.call(&cast.editor, Method::DELETE, &trash).send().await.expect(204);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM document_comments")
        .fetch_one(&mut cast.app.database().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
    // A comment of another document is none of this one's.
    let other = cast.document("orders", json!({})).await;
    let comments = format!("{}/comments", document("orders", &other));
    let comment = say(&cast, &cast.editor, &comments, "Here.").await.expect(201).json();
    let third = cast.document("orders", json!({})).await;
    let wrong = format!("{}/comments/{}", document("orders", &third), comment["id"].as_str().unwrap());
    cast.call(&cast.editor, Method::DELETE, wrong).send().await.problem(404, "not-found");
}

#[tokio::test]
async fn comments_are_told_to_those_who_may_read_them() {
    let (cast, id, comments) = order().await;
    say(&cast, &cast.editor, &comments, "Look here.").await.expect(201);
    events::log::number(&cast.app.state).await.unwrap();
    let told = cast.read(&cast.viewer, format!("/events?document={id}")).await.expect(200).json();
    let last = told["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["type"], &last["version"]), (&json!("comment.created"), &Value::Null));
    assert!(!told.to_string().contains("Look here"));
}

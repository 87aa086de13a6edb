//! What a collection says of its documents besides their schema.

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::support::Answer;

mod comments;
mod fields;
mod files;
mod lifecycle;
mod model;
mod references;
mod trash;
mod unique;
mod versions;

/// A collection with options, made by the owner.
pub async fn collection(cast: &Cast, name: &str, schema: Value, options: Value) {
    let body = json!({ "name": name, "schema": schema, "options": options });
    cast.send(&cast.owner, Method::POST, "/collections", body).await.expect(201);
}

/// The path of documents.
pub fn documents(collection: &str) -> String {
    format!("/collections/{collection}/documents")
}

/// The path of a document.
pub fn document(collection: &str, id: &str) -> String {
    format!("/collections/{collection}/documents/{id}")
}

/// Asks for a document to be created, as the editor.
pub async fn create(cast: &Cast, collection: &str, data: Value) -> Answer {
    cast.send(&cast.editor, Method::POST, documents(collection), json!({ "data": data })).await
}

/// Merges into a document, as the editor.
pub async fn merge(cast: &Cast, collection: &str, id: &str, data: Value) -> Answer {
    cast.send(&cast.editor, Method::PATCH, document(collection, id), json!({ "data": data })).await
}

/// Deletes a document, as the editor.
pub async fn delete(cast: &Cast, collection: &str, id: &str) -> Answer {
    cast.call(&cast.editor, Method::DELETE, document(collection, id)).send().await
}

/// What a document holds, as the owner sees it.
pub async fn data(cast: &Cast, collection: &str, id: &str) -> Value {
    cast.read(&cast.owner, document(collection, id)).await.expect(200).json()["data"].clone()
}

/// The places that a 422 names.
pub fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn options_are_kept_merged_and_checked() {
    let cast = Cast::new().await;
    collection(&cast, "items", json!({}), json!({ "unique": [{ "fields": ["data.a"] }], "trash_days": 7 })).await;
    let patch = async |options: Value| {
        cast.send(&cast.admin, Method::PATCH, "/collections/items", json!({ "options": options })).await
    };
    let changed = patch(json!({ "trash_days": null, "computed": [{ "field": "data.c", "value": "data.a" }] })).await;
    let options =
        json!({ "unique": [{ "fields": ["data.a"] }], "computed": [{ "field": "data.c", "value": "data.a" }] });
    assert_eq!(changed.expect(200).json()["options"], options);
    assert_eq!(cast.read(&cast.viewer, "/collections/items").await.json()["options"], options);
    for (options, pointer) in [
        (json!({ "unique": [{ "fields": [] }] }), "/options/unique/0/fields"),
        (json!({ "unique": [{ "fields": ["a"] }] }), "/options/unique/0/fields/0"),
        (json!({ "references": [{ "field": "data.by", "collection": "nobody" }] }), "/options/references/0/collection"),
        (json!({ "references": [{ "field": "data.by", "collection": "A b" }] }), "/options/references/0/collection"),
        (json!({ "files": [{ "field": "photo" }] }), "/options/files/0/field"),
        (json!({ "files": [{ "field": "data.a" }, { "field": "data.a" }] }), "/options/files/1/field"),
        (json!({ "computed": [{ "field": "data.c", "value": "now()" }] }), "/options/computed/0/value"),
        (json!({ "colour": "red" }), "/options/colour"),
        (json!({ "trash_days": -1 }), "/options/trash_days"),
    ] {
        let problem = patch(options.clone()).await.problem(422, "validation-failed");
        assert_eq!(pointers(&problem)[0], pointer, "{options}: {problem}");
    }
    // What is not said in a replacement is gone.
    let put = cast.send(&cast.admin, Method::PUT, "/collections/items", json!({ "name": "items", "schema": {} })).await;
    assert_eq!(put.expect(200).json()["options"], json!({}));
}

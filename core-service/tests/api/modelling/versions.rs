//! Versions.

use http::Method;
use serde_json::{Value, json};

use super::{collection, data, document, merge};
use crate::cast::Cast;

async fn cast() -> (Cast, String) {
    let cast = Cast::new().await;
    cast.collection("items", json!({})).await;
    let id = cast.document("items", json!({ "n": 0, "tags": ["a"] })).await;
    for n in 1..4 {
        merge(&cast, "items", &id, json!({ "n": n })).await.expect(200);
    }
    (cast, id)
}

fn versions(id: &str, rest: &str) -> String {
    format!("{}/versions{rest}", document("items", id))
}

#[tokio::test]
async fn every_version_is_kept() {
    let (cast, id) = cast().await;
    let put = json!({ "data": { "n": 4 } });
    cast.send(&cast.admin, Method::PUT, document("items", &id), put).await.expect(200);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = cast.read(&cast.viewer, versions(&id, &format!("?limit=2{cursor}"))).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let numbers: Vec<i64> = seen.iter().map(|version| version["version"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!((&seen[0]["updated_by"], &seen[1]["updated_by"]), (&json!(cast.admin.id), &json!(cast.editor.id)));
    for version in 1..=5 {
        let read = cast.read(&cast.viewer, versions(&id, &format!("/{version}"))).await.expect(200).json();
        assert_eq!((&read["version"], &read["data"]["n"]), (&json!(version), &json!(version - 1)));
    }
    for nothing in ["/0", "/6", "/-1", "/x", "/99999999999999999999"] {
        cast.read(&cast.viewer, versions(&id, nothing)).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_difference_is_a_patch() {
    let (cast, id) = cast().await;
    merge(&cast, "items", &id, json!({ "tags": ["a", "b"], "x/y": { "z": null } })).await.expect(200);
    for (from, to) in [(1, 5), (5, 1), (2, 4), (3, 3)] {
        let diff = cast.read(&cast.viewer, versions(&id, &format!("/{from}/diff?to={to}"))).await.expect(200).json();
        assert_eq!((&diff["from"], &diff["to"]), (&json!(from), &json!(to)));
        // Whoever has the one version makes the other of it.
        let of = async |version: i64| -> Value {
            cast.read(&cast.viewer, versions(&id, &format!("/{version}"))).await.json()["data"].clone()
        };
        let copy = cast.document("items", of(from).await).await;
        let call = cast.call(&cast.editor, Method::PATCH, document("items", &copy)).json(diff["patch"].clone());
        let patched = call.header("content-type", "application/json-patch+json").send().await.expect(200).json();
        assert_eq!(patched["data"], of(to).await);
    }
    let newest = cast.read(&cast.viewer, versions(&id, "/4/diff")).await.json();
    assert_eq!(newest["to"], 5);
    cast.read(&cast.viewer, versions(&id, "/4/diff?to=6")).await.problem(404, "not-found");
    cast.read(&cast.viewer, versions(&id, "/4/diff?to=x")).await.problem(400, "invalid-query");
}

#[tokio::test]
async fn a_version_is_restored_as_a_new_one() {
    let (cast, id) = cast().await;
    let restore = |version: &str, tag: &str| {
        let call = cast.call(&cast.editor, Method::POST, versions(&id, &format!("/{version}/restore")));
        call.header("if-match", tag).send()
    };
    restore("1", "\"v3\"").await.problem(412, "precondition-failed");
    let restored = restore("1", "\"v4\"").await.expect(200);
    assert_eq!((restored.header("etag"), &restored.json()["data"]), ("\"v5\"", &json!({ "n": 0, "tags": ["a"] })));
    restore("9", "*").await.problem(404, "not-found");
    let call = cast.call(&cast.viewer, Method::POST, versions(&id, "/1/restore"));
    call.send().await.problem(403, "forbidden");
    let strict = json!({ "schema": { "properties": { "n": { "maximum": 2 } } } });
    cast.send(&cast.owner, Method::PATCH, "/collections/items", strict).await.expect(200);
    restore("4", "*").await.problem(422, "validation-failed");
}

/// Versions are seen under the rules that hold for the document today.
#[tokio::test]
async fn versions_tell_nothing_of_hidden_fields() {
    let cast = Cast::new().await;
    let lifecycle = json!({ "field": "data.state", "initial": "a", "transitions": [{ "from": ["a"], "to": "b" }] });
    let schema = json!({ "properties": { "fix": { "readOnly": true, "default": 1 } } });
    collection(&cast, "items", schema, json!({ "lifecycle": lifecycle })).await;
    let id = cast.document("items", json!({ "n": 1, "secret": 1 })).await;
    merge(&cast, "items", &id, json!({ "n": 2, "secret": 2, "state": "b" })).await.expect(200);
    let rules = json!({ "rules": [{ "field": "data.secret", "roles": ["editor"], "access": "hidden" }] });
    cast.send(&cast.owner, Method::PUT, "/collections/items/field-rules", rules).await.expect(200);
    let read = cast.read(&cast.editor, versions(&id, "/1")).await.expect(200).json();
    assert_eq!(read["data"], json!({ "n": 1, "state": "a", "fix": 1 }));
    let diff = cast.read(&cast.editor, versions(&id, "/1/diff?to=2")).await.expect(200);
    assert!(!diff.json().to_string().contains("secret"), "{diff:?}");
    let call = cast.call(&cast.editor, Method::POST, versions(&id, "/1/restore"));
    call.send().await.expect(200);
    assert_eq!(data(&cast, "items", &id).await, json!({ "n": 1, "secret": 2, "state": "b", "fix": 1 }));
    cast.app
        .get(&cast.path(&versions(&id, "")))
        .bearer(&cast.stranger.access_token)
        .send()
        .await
        .problem(404, "not-found");
}

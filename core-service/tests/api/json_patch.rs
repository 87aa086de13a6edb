//! JSON Patch (RFC 6902) of documents.

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::support::{Answer, User};

async fn cast_with(data: Value) -> (Cast, String) {
    let cast = Cast::new().await;
    let schema = json!({ "properties": { "n": { "type": "integer" } } });
    cast.collection("items", schema).await;
    let id = cast.document("items", data).await;
    (cast, format!("/collections/items/documents/{id}"))
}

async fn patch(cast: &Cast, user: &User, path: &str, operations: Value) -> Answer {
    let call = cast.call(user, Method::PATCH, path).json(operations);
    call.header("content-type", "application/json-patch+json").send().await
}

#[tokio::test]
async fn operations_take_effect_in_order() {
    let (cast, path) = cast_with(json!({ "n": 1, "tags": ["a"] })).await;
    let operations = json!([
        { "op": "test", "path": "/data/n", "value": 1.0 },
        { "op": "add", "path": "/data/tags/-", "value": "b" },
        { "op": "copy", "from": "/data/tags", "path": "/data/labels" },
        { "op": "move", "from": "/data/n", "path": "/data/m" },
        { "op": "remove", "path": "/data/tags/0" },
    ]);
    let answer = patch(&cast, &cast.editor, &path, operations).await.expect(200);
    assert_eq!(answer.header("etag"), "\"v2\"");
    assert_eq!(answer.json()["data"], json!({ "m": 1, "tags": ["b"], "labels": ["a", "b"] }));
    assert_eq!(cast.read(&cast.viewer, &path).await.json(), answer.json());
}

#[tokio::test]
async fn one_failure_undoes_all_and_is_named() {
    let (cast, path) = cast_with(json!({ "n": 1 })).await;
    let add = json!({ "op": "add", "path": "/data/a", "value": 1 });
    for (failing, pointer) in [
        (json!({ "op": "test", "path": "/data/n", "value": 2 }), "/data/n"),
        (json!({ "op": "remove", "path": "/data/b" }), "/data/b"),
        (json!({ "op": "move", "from": "/data/b", "path": "/data/c" }), "/data/b"),
        (json!({ "op": "add", "path": "/data/b/c", "value": 1 }), "/data/b/c"),
    ] {
        let answer = patch(&cast, &cast.editor, &path, json!([add, failing])).await;
        let problem = answer.problem(409, "patch-failed");
        assert_eq!((&problem["operation"], &problem["pointer"]), (&json!(1), &json!(pointer)), "{problem}");
        assert_eq!(cast.read(&cast.viewer, &path).await.json()["data"], json!({ "n": 1 }));
    }
    // What comes out has to fit the schema, and to be data.
    for (operations, pointer) in [
        (json!([{ "op": "replace", "path": "/data/n", "value": "x" }]), "/data/n"),
        (json!([{ "op": "replace", "path": "/data", "value": [] }]), "/data"),
        (json!([{ "op": "remove", "path": "/data" }]), "/data"),
        (json!([{ "op": "replace", "path": "/id", "value": "x" }]), "/0/path"),
        (json!([{ "op": "add", "path": "data", "value": "x" }]), "/0/path"),
        (json!([{ "op": "add", "path": "/data/a" }]), "/0/value"),
        (json!([{ "op": "copy", "path": "/data/a" }]), "/0/from"),
        (json!([{ "op": "fly", "path": "/data/a" }]), "/0/op"),
        (json!({ "data": {} }), ""),
    ] {
        let answer = patch(&cast, &cast.editor, &path, operations.clone()).await;
        let problem = answer.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{operations} {problem}");
    }
    assert_eq!(cast.read(&cast.viewer, &path).await.header("etag"), "\"v1\"");
}

#[tokio::test]
async fn a_patch_honours_if_match_and_its_media_type() {
    let (cast, path) = cast_with(json!({ "n": 1 })).await;
    let call = |kind: &str, tag: &str| {
        let call = cast.call(&cast.editor, Method::PATCH, &path).json(json!([]));
        call.header("content-type", kind).header("if-match", tag).send()
    };
    call("application/json-patch+json", "\"v2\"").await.problem(412, "precondition-failed");
    call("Application/JSON-Patch+JSON; charset=utf-8", "\"v1\"").await.expect(200);
    call("application/merge-patch+json", "\"v2\"").await.problem(422, "validation-failed");
    let answer = call("text/plain", "\"v2\"").await;
    assert_eq!(answer.header("accept-patch"), "application/merge-patch+json, application/json-patch+json");
    answer.problem(415, "unsupported-media-type");
    patch(&cast, &cast.viewer, &path, json!([])).await.problem(403, "forbidden");
    patch(&cast, &cast.stranger, &path, json!([])).await.problem(404, "not-found");
}

/// A hidden field can neither be changed, nor copied to where it is seen, nor guessed at with `test`.
#[tokio::test]
async fn a_patch_tells_nothing_of_hidden_fields() {
    let (cast, path) = cast_with(json!({ "n": 1, "s": { "pay": 5, "open": 1 }, "fix": 1 })).await;
    let rules = json!({ "rules": [
        { "field": "data.s.pay", "roles": ["editor"], "access": "hidden" },
        { "field": "data.fix", "roles": ["editor"], "access": "read-only" },
    ] });
    cast.send(&cast.owner, Method::PUT, "/collections/items/field-rules", rules).await.expect(200);
    for operation in [
        json!({ "op": "test", "path": "/data/s/pay", "value": 5 }),
        json!({ "op": "test", "path": "/data/s", "value": {} }),
        json!({ "op": "copy", "from": "/data/s", "path": "/data/t" }),
        json!({ "op": "move", "from": "/data/s/pay", "path": "/data/t" }),
        json!({ "op": "remove", "path": "/data/s" }),
        json!({ "op": "replace", "path": "/data", "value": {} }),
        json!({ "op": "replace", "path": "/data/fix", "value": 2 }),
    ] {
        patch(&cast, &cast.editor, &path, json!([operation])).await.problem(403, "forbidden");
    }
    let fine = json!([{ "op": "replace", "path": "/data/s/open", "value": 2 },
                      { "op": "test", "path": "/data/fix", "value": 1 }]);
    let answer = patch(&cast, &cast.editor, &path, fine).await.expect(200).json();
    assert_eq!(answer["data"], json!({ "n": 1, "s": { "open": 2 }, "fix": 1 }));
    let all = cast.read(&cast.owner, &path).await.json();
    assert_eq!(all["data"], json!({ "n": 1, "s": { "pay": 5, "open": 2 }, "fix": 1 }));
}

/// Counters by test-and-set: of all who read the same number, one at a time goes on.
#[tokio::test]
async fn of_many_tests_of_the_same_value_one_passes() {
    let (cast, path) = cast_with(json!({ "n": 0 })).await;
    let set = |n: i32| {
        let operations = json!([{ "op": "test", "path": "/data/n", "value": 0 },
                                { "op": "replace", "path": "/data/n", "value": n }]);
        patch(&cast, &cast.editor, &path, operations)
    };
    let (a, b, c, d) = tokio::join!(set(1), set(2), set(3), set(4));
    let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
}

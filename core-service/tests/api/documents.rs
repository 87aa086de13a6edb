//! Single documents.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cast::Cast;

const DOCUMENTS: &str = "/collections/items/documents";

async fn cast_with(schema: Value) -> Cast {
    let cast = Cast::new().await;
    cast.collection("items", schema).await;
    cast
}

fn path(id: &str) -> String {
    format!("{DOCUMENTS}/{id}")
}

#[tokio::test]
async fn a_document_lives() {
    let cast = cast_with(json!({})).await;
    let data = json!({ "title": "Rope", "size": { "m": 20 }, "tags": ["a", 1, null], "empty": {} });
    let created = cast.send(&cast.editor, Method::POST, DOCUMENTS, json!({ "data": data })).await.expect(201);
    let document = created.json();
    let id = document["id"].as_str().unwrap();
    assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 7);
    assert_eq!(created.header("location"), cast.path(&path(id)));
    assert_eq!(created.header("etag"), "\"v1\"");
    assert_eq!(document["data"], data);
    assert_eq!((&document["collection"], &document["version"]), (&json!("items"), &json!(1)));
    assert_eq!((&document["created_by"], &document["updated_by"]), (&json!(cast.editor.id), &json!(cast.editor.id)));
    assert_eq!(document["created_at"], document["updated_at"]);

    let read = cast.read(&cast.viewer, path(id)).await.expect(200);
    assert_eq!(read.json(), document);
    for (tag, status) in [("\"v1\"", 304), ("W/\"v1\"", 304), ("\"v0\", \"v1\"", 304), ("*", 304), ("\"v2\"", 200)] {
        let call = cast.call(&cast.viewer, Method::GET, path(id)).header("if-none-match", tag);
        assert_eq!(call.send().await.expect(status).header("etag"), "\"v1\"");
    }

    let replaced =
        cast.send(&cast.admin, Method::PUT, path(id), json!({ "data": { "title": "Chain" } })).await.expect(200);
    assert_eq!(replaced.header("etag"), "\"v2\"");
    let replaced = replaced.json();
    assert_eq!(replaced["data"], json!({ "title": "Chain" }));
    assert_eq!((&replaced["created_by"], &replaced["updated_by"]), (&json!(cast.editor.id), &json!(cast.admin.id)));
    assert_eq!(replaced["created_at"], document["created_at"]);
    assert_ne!(replaced["updated_at"], document["updated_at"]);

    let patch = cast.call(&cast.editor, Method::PATCH, path(id)).json(json!({ "data": { "title": null, "n": 1 } }));
    let patched = patch.header("content-type", "application/merge-patch+json").send().await.expect(200);
    assert_eq!((patched.header("etag"), &patched.json()["data"]), ("\"v3\"", &json!({ "n": 1 })));

    cast.call(&cast.editor, Method::DELETE, path(id)).send().await.expect(204);
    cast.read(&cast.viewer, path(id)).await.problem(404, "not-found");
    cast.call(&cast.editor, Method::DELETE, path(id)).send().await.problem(404, "not-found");
    cast.send(&cast.editor, Method::PUT, path(id), json!({ "data": {} })).await.problem(404, "not-found");
}

#[tokio::test]
async fn every_place_that_does_not_fit_is_named() {
    let cast = cast_with(json!({
        "required": ["title"],
        "properties": {
            "title": { "type": "string" },
            "lines": { "items": { "properties": { "n": { "minimum": 1 } }, "required": ["n"] } },
        },
        "additionalProperties": false,
    }))
    .await;
    let bad = json!({ "data": { "lines": [{ "n": 1 }, { "n": 0 }, {}], "a/b": 1 } });
    let named = |problem: Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    };
    let expected = [
        ("/data/a~1b", "unknown"),
        ("/data/lines/1/n", "minimum"),
        ("/data/lines/2/n", "required"),
        ("/data/title", "required"),
    ]
    .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
    let answer = cast.send(&cast.editor, Method::POST, DOCUMENTS, bad.clone()).await;
    assert_eq!(named(answer.problem(422, "validation-failed")), expected);

    let id = cast.document("items", json!({ "title": "t" })).await;
    let answer = cast.send(&cast.editor, Method::PUT, path(&id), bad).await;
    assert_eq!(named(answer.problem(422, "validation-failed")), expected);
    let answer = cast.send(&cast.editor, Method::PATCH, path(&id), json!({ "data": { "title": null } })).await;
    assert_eq!(named(answer.problem(422, "validation-failed")), expected[3..]);
    assert_eq!(cast.read(&cast.viewer, path(&id)).await.header("etag"), "\"v1\"");
}

#[tokio::test]
async fn hostile_bodies_are_refused() {
    let cast = cast_with(json!({})).await;
    let deep = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
    for (body, pointer) in [
        (json!({}), "/data".to_owned()),
        (json!({ "data": null }), "/data".to_owned()),
        (json!({ "data": [] }), "/data".to_owned()),
        (json!({ "data": "{}" }), "/data".to_owned()),
        (json!({ "data": {}, "id": "mine" }), "/id".to_owned()),
        (json!({ "data": { "a": "n\u{0}l" } }), "/data/a".to_owned()),
        (json!({ "data": { "a": [{ "n\u{0}l": 1 }] } }), "/data/a/0".to_owned()),
        (json!({ "data": deep(33) }), format!("/data{}", "/a".repeat(32))),
    ] {
        let answer = cast.send(&cast.editor, Method::POST, DOCUMENTS, body).await;
        let problem = answer.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    cast.send(&cast.editor, Method::POST, DOCUMENTS, json!({ "data": deep(32) })).await.expect(201);
    let raw = |body: &str| {
        let call = cast.call(&cast.editor, Method::POST, DOCUMENTS).header("content-type", "application/json");
        call.body(body.to_owned()).send()
    };
    raw(&format!("{{\"data\":{}", "{\"a\":".repeat(1000))).await.problem(400, "malformed-json");
    raw("{\"data\":{\"a\":1e999}}").await.problem(400, "malformed-json");
    raw("{\"data\":{\"a\":NaN}}").await.problem(400, "malformed-json");
    raw("{\"data\":{\"a\":\"\\ud800\"}}").await.problem(400, "malformed-json");
    raw(&format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(2 << 20))).await.problem(413, "payload-too-large");
}

/// Numbers are those of I-JSON (RFC 7493 section 2.2), and whole numbers of 64 bits besides.
#[tokio::test]
async fn numbers_come_back_as_they_went() {
    let cast = cast_with(json!({})).await;
    for (sent, expected) in [
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9007199254740993", "9007199254740993"),
        ("0.1", "0.1"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
        ("123456789012345678901234567890", "1.2345678901234568e29"),
        ("5e-324", "5e-324"),
        ("8.41", "8.41"),
        ("1e-400", "0.0"),
    ] {
        let call = cast.call(&cast.editor, Method::POST, DOCUMENTS).header("content-type", "application/json");
        let answer = call.body(format!("{{\"data\":{{\"n\":{sent}}}}}")).send().await.expect(201);
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(answer.json()["data"]["n"].as_f64(), expected.as_f64(), "{sent}");
        if expected.is_u64() || expected.is_i64() {
            assert_eq!(answer.json()["data"]["n"], expected);
        }
        // And again after a change elsewhere in the document.
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let patched =
            cast.send(&cast.editor, Method::PATCH, path(&id), json!({ "data": { "m": 1 } })).await.expect(200);
        assert_eq!(patched.json()["data"]["n"], answer.json()["data"]["n"]);
    }
}

#[tokio::test]
async fn a_change_honours_if_match() {
    let cast = cast_with(json!({})).await;
    let id = cast.document("items", json!({})).await;
    cast.send(&cast.editor, Method::PUT, path(&id), json!({ "data": { "a": 2 } })).await.expect(200);
    for (method, body) in [
        (Method::PUT, Some(json!({ "data": {} }))),
        (Method::PATCH, Some(json!({ "data": {} }))),
        (Method::DELETE, None),
    ] {
        for tag in ["\"v1\"", "W/\"v2\"", "\"2\""] {
            let mut call = cast.call(&cast.editor, method.clone(), path(&id)).header("if-match", tag);
            if let Some(body) = &body {
                call = call.json(body.clone());
            }
            let answer = call.send().await;
            assert_eq!(answer.header("etag"), "\"v2\"");
            answer.problem(412, "precondition-failed");
        }
    }
    let malformed = cast.call(&cast.editor, Method::DELETE, path(&id)).header("if-match", "v2");
    malformed.send().await.problem(400, "bad-request");
    let delete = cast.call(&cast.editor, Method::DELETE, path(&id)).header("if-match", "\"v1\", \"v2\"");
    delete.send().await.expect(204);
}

#[tokio::test]
async fn of_many_conditional_changes_exactly_one_wins() {
    let cast = cast_with(json!({})).await;
    let id = cast.document("items", json!({ "n": 0 })).await;
    for version in 1..=5 {
        let tag = format!("\"v{version}\"");
        let change = |n: i32| {
            let call = cast.call(&cast.editor, Method::PATCH, path(&id)).header("if-match", &tag);
            call.json(json!({ "data": { "n": n } })).send()
        };
        let (a, b, c, d) = tokio::join!(change(1), change(2), change(3), change(4));
        let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412]);
    }
    assert_eq!(cast.read(&cast.viewer, path(&id)).await.json()["version"], 6);
}

/// Unconditional patches of different members all arrive.
#[tokio::test]
async fn patches_are_not_lost() {
    let cast = cast_with(json!({})).await;
    let id = cast.document("items", json!({})).await;
    let patch = |name: &str| cast.send(&cast.editor, Method::PATCH, path(&id), json!({ "data": { name: 1 } }));
    let (a, b, c, d) = tokio::join!(patch("a"), patch("b"), patch("c"), patch("d"));
    for answer in [a, b, c, d] {
        answer.expect(200);
    }
    let data = cast.read(&cast.viewer, path(&id)).await.json()["data"].clone();
    assert_eq!(data, json!({ "a": 1, "b": 1, "c": 1, "d": 1 }));
}

#[tokio::test]
async fn a_repeated_creation_takes_effect_once() {
    let cast = cast_with(json!({})).await;
    let create = |n: i32| {
        let call = cast.call(&cast.editor, Method::POST, DOCUMENTS).header("idempotency-key", "order-4711");
        call.json(json!({ "data": { "n": n } })).send()
    };
    let (first, second) = (create(1).await.expect(201), create(1).await.expect(201));
    assert_eq!(first.body, second.body);
    create(2).await.problem(422, "idempotency-key-reused");
    let listed = cast.read(&cast.viewer, DOCUMENTS).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

/// Ids of things elsewhere name nothing here, wherever they stand in the path.
#[tokio::test]
async fn ids_of_strangers_name_nothing() {
    let cast = cast_with(json!({})).await;
    cast.collection("others", json!({})).await;
    let ours = cast.document("items", json!({})).await;
    let token = &cast.stranger.access_token;
    let home = format!("/api/v1/workspaces/{}/collections", cast.elsewhere);
    let new = cast.app.post(&home).bearer(token).json(json!({ "name": "items", "schema": {} }));
    new.send().await.expect(201);
    for path in [
        cast.path(&path(&ours)),
        format!("{home}/items/documents/{ours}"),
        format!("{home}/others/documents/{ours}"),
        format!("{home}/items/documents/{}", Uuid::now_v7()),
        format!("{home}/items/documents/x"),
        format!("{home}/%00/documents/{ours}"),
        format!("{home}/Items/documents/{ours}"),
    ] {
        cast.app.get(&path).bearer(token).send().await.problem(404, "not-found");
        let put = cast.app.put(&path).bearer(token).json(json!({ "data": {} }));
        put.send().await.problem(404, "not-found");
        cast.app.delete(&path).bearer(token).send().await.problem(404, "not-found");
    }
    // In the right workspace, but another collection.
    cast.read(&cast.owner, &format!("/collections/others/documents/{ours}")).await.problem(404, "not-found");
    let delete = cast.call(&cast.owner, Method::DELETE, format!("/collections/others/documents/{ours}"));
    delete.send().await.problem(404, "not-found");
    cast.read(&cast.owner, path(&ours)).await.expect(200);
}

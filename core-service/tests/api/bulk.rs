//! Many operations in one request: all or none, or each that can be.

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::support::{Answer, User};

const BULK: &str = "/documents/bulk";

/// A workspace with the collections `items` (a title, which is unique, and a number) and `notes` (anything).
async fn shop() -> Cast {
    let cast = Cast::new().await;
    let schema = json!({ "type": "object", "required": ["title"], "properties": {
        "title": { "type": "string" }, "number": { "type": "integer" } } });
    let items = json!({ "name": "items", "schema": schema, "options": { "unique": [{ "fields": ["data.title"] }] } });
    cast.send(&cast.owner, Method::POST, "/collections", items).await.expect(201);
    cast.collection("notes", json!({})).await;
    cast
}

async fn ask(cast: &Cast, user: &User, body: Value) -> Answer {
    cast.send(user, Method::POST, BULK, body).await
}

fn create(title: &str) -> Value {
    json!({ "op": "create", "collection": "items", "data": { "title": title } })
}

async fn titles(cast: &Cast) -> Vec<String> {
    let list =
        cast.read(&cast.owner, "/collections/items/documents?sort=data.title&limit=100").await.expect(200).json();
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["data"]["title"].as_str().unwrap().to_owned()).collect()
}

fn statuses(answer: &Value) -> Vec<u64> {
    answer["results"].as_array().unwrap().iter().map(|result| result["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn all_kinds_of_operations_are_done_in_order() {
    let cast = shop().await;
    let [a, b, c] = ["a", "b", "c"].map(|title| json!({ "title": title, "number": 1 }));
    let (a, b, c) = (cast.document("items", a).await, cast.document("items", b).await, cast.document("items", c).await);
    let operations = json!([
        { "op": "replace", "collection": "items", "id": a, "data": { "title": "a2" } },
        { "op": "merge", "collection": "items", "id": a, "if_match": "\"v2\"", "data": { "number": 7 } },
        { "op": "patch", "collection": "items", "id": b, "patch": [{ "op": "replace", "path": "/data/number", "value": 2 }] },
        { "op": "delete", "collection": "items", "id": c, "if_match": "\"v1\"" },
        // Its title is free from here on.
        create("c"),
        { "op": "create", "collection": "notes", "data": { "of": a } },
    ]);
    let answer = ask(&cast, &cast.editor, json!({ "operations": operations })).await.expect(200).json();
    assert_eq!(statuses(&answer), [200, 200, 200, 204, 201, 201]);
    let results = &answer["results"];
    assert_eq!(results[1]["document"]["data"], json!({ "title": "a2", "number": 7 }));
    assert_eq!((&results[1]["document"]["version"], &results[1]["document"]["id"]), (&json!(3), &json!(a)));
    assert_eq!(results[2]["document"]["data"]["number"], 2);
    assert_eq!((&results[3]["document"], &results[3]["problem"]), (&Value::Null, &Value::Null));
    assert_eq!(results[5]["document"]["collection"], "notes");
    assert_eq!(titles(&cast).await, ["a2", "b", "c"]);
    cast.read(&cast.editor, format!("/collections/items/documents/{c}")).await.problem(404, "not-found");
}

#[tokio::test]
async fn of_all_or_none_one_that_fails_is_the_answer_and_nothing_was_done() {
    let cast = shop().await;
    let there = cast.document("items", json!({ "title": "there" })).await;
    let stale = json!({ "op": "delete", "collection": "items", "id": there, "if_match": "\"v9\"" });
    let invalid = json!({ "op": "create", "collection": "items", "data": { "number": "x" } });
    let nowhere = json!({ "op": "create", "collection": "nowhere", "data": {} });
    let patch = json!([{ "op": "test", "path": "/data/title", "value": "other" }]);
    let failing = json!({ "op": "patch", "collection": "items", "id": there, "patch": patch });
    for (wrong, status, slug) in [
        (stale, 412, "precondition-failed"),
        (invalid, 422, "validation-failed"),
        (create("new"), 409, "value-taken"),
        (nowhere, 404, "not-found"),
        (failing, 409, "patch-failed"),
    ] {
        let answer = ask(&cast, &cast.editor, json!({ "operations": [create("new"), wrong, create("more")] })).await;
        let problem = answer.problem(status, slug);
        assert_eq!(problem["in_operation"], 1, "{problem}");
        assert_eq!(titles(&cast).await, ["there"], "{slug}");
    }
    let invalid = json!({ "op": "create", "collection": "items", "data": { "number": "x" } });
    let problem = ask(&cast, &cast.editor, json!({ "operations": [invalid] })).await.problem(422, "validation-failed");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(pointers, ["/operations/0/data/number", "/operations/0/data/title"]);
}

#[tokio::test]
async fn of_each_that_can_be_one_that_fails_leaves_nothing_and_the_others_are_done() {
    let cast = shop().await;
    let there = cast.document("items", json!({ "title": "there" })).await;
    let operations = json!([
        create("one"),
        // Fails in the database, in the middle of what it does.
        create("there"),
        { "op": "merge", "collection": "items", "id": there, "data": { "number": "x" } },
        create("two"),
        { "op": "delete", "collection": "items", "id": there, "if_match": "\"v9\"" },
        { "op": "merge", "collection": "items", "id": there, "data": { "number": 5 } },
    ]);
    let answer =
        ask(&cast, &cast.editor, json!({ "atomic": false, "operations": operations })).await.expect(200).json();
    assert_eq!(statuses(&answer), [201, 409, 422, 201, 412, 200]);
    let problem = &answer["results"][2]["problem"];
    assert_eq!((&problem["status"], &problem["in_operation"]), (&json!(422), &json!(2)));
    assert_eq!(problem["errors"][0]["pointer"], "/operations/2/data/number");
    assert_eq!(answer["results"][1]["problem"]["type"], "urn:breakwater:problem:value-taken");
    assert_eq!(answer["results"][5]["document"]["version"], 2, "what failed before it changed nothing");
    assert_eq!(titles(&cast).await, ["one", "there", "two"]);
    let versions = format!("/collections/items/documents/{there}/versions");
    assert_eq!(cast.read(&cast.editor, versions).await.expect(200).json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_malformed_is_told_of_every_operation_and_nothing_is_tried() {
    let cast = shop().await;
    let id = "00000000-0000-7000-8000-000000000000";
    let operations = json!([
        create("one"),
        { "op": "create", "collection": "items", "id": id, "if_match": "*" },
        { "op": "replace", "collection": "items", "data": {}, "patch": [] },
        { "op": "delete", "collection": "items", "id": id, "if_match": "v1" },
        { "op": "patch", "collection": "items", "id": id, "patch": [{ "op": "remove", "path": "/version" }] },
    ]);
    let body = json!({ "atomic": false, "operations": operations });
    let problem = ask(&cast, &cast.editor, body).await.problem(422, "validation-failed");
    let errors = problem["errors"].as_array().unwrap().iter();
    let told = errors.map(|e| format!("{} {}", e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()));
    let mut errors: Vec<_> = told.collect();
    errors.sort();
    assert_eq!(
        errors,
        [
            "/operations/1/data required",
            "/operations/1/id unknown",
            "/operations/1/if_match unknown",
            "/operations/2/id required",
            "/operations/2/patch unknown",
            "/operations/3/if_match format",
            "/operations/4/patch/0/path pattern",
        ]
    );
    assert!(titles(&cast).await.is_empty());
    for operations in [json!([]), json!(vec![create("x"); 101]), json!([{ "op": "upsert", "collection": "items" }])] {
        ask(&cast, &cast.editor, json!({ "operations": operations })).await.problem(422, "validation-failed");
    }
}

#[tokio::test]
async fn a_hundred_are_done_at_once_and_a_repetition_does_nothing() {
    let cast = shop().await;
    let operations: Vec<_> = (0..100).map(|number| create(&format!("{number:03}"))).collect();
    let body = json!({ "operations": operations });
    let once = || cast.call(&cast.editor, Method::POST, BULK).header("idempotency-key", "k").json(body.clone()).send();
    let first = once().await.expect(200);
    let again = once().await.expect(200);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.json(), again.json());
    assert_eq!(titles(&cast).await.len(), 100);
}

#[tokio::test]
async fn each_operation_needs_what_it_would_need_alone() {
    let cast = shop().await;
    let id = cast.document("items", json!({ "title": "mine" })).await;
    let merge = json!({ "op": "merge", "collection": "items", "id": id, "data": { "number": 1 } });
    let body = |atomic: bool| json!({ "atomic": atomic, "operations": [create("x"), merge] });
    ask(&cast, &cast.stranger, body(true)).await.problem(404, "not-found");
    ask(&cast, &cast.viewer, body(true)).await.problem(403, "forbidden");
    let strangers = ask(&cast, &cast.stranger, body(false)).await.expect(200).json();
    assert_eq!(statuses(&strangers), [404, 404]);
    assert_eq!(titles(&cast).await, ["mine"]);

    // A grant on the one document is enough for what is about it.
    let grant = json!({ "on": { "collection": "items", "document": id }, "to": { "user": cast.viewer.id },
                        "permissions": ["documents:write"] });
    cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201);
    let viewers = ask(&cast, &cast.viewer, body(false)).await.expect(200).json();
    assert_eq!(statuses(&viewers), [403, 200]);
    let denied: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM audit_events WHERE action = 'permission.denied' AND details ->> 'path' LIKE '%/documents/bulk'",
    )
    .fetch_one(&mut cast.app.database().await)
    .await
    .unwrap();
    assert_eq!(denied, 2, "one of each request that the viewer was refused something of");
}

#[tokio::test]
async fn two_that_lock_each_others_documents_lose_nothing() {
    let cast = shop().await;
    let (a, b) = (
        cast.document("items", json!({ "title": "a", "number": 0 })).await,
        cast.document("items", json!({ "title": "b", "number": 0 })).await,
    );
    let add =
        |id: &str, number: i64| json!({ "op": "merge", "collection": "items", "id": id, "data": { "number": number } });
    for round in 1..=10 {
        let there = ask(&cast, &cast.editor, json!({ "operations": [add(&a, round), add(&b, round)] }));
        let back = ask(&cast, &cast.admin, json!({ "operations": [add(&b, -round), add(&a, -round)] }));
        let (there, back) = tokio::join!(there, back);
        let answers = [there.status.as_u16(), back.status.as_u16()];
        // PostgreSQL ends one of two that wait for each other, which may be tried again.
        assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
        assert!(answers.contains(&200), "{answers:?}");
        let list = cast.read(&cast.owner, "/collections/items/documents?sort=data.title").await.expect(200).json();
        let [a, b] = [0, 1].map(|at| list["items"][at]["data"]["number"].as_i64().unwrap());
        assert_eq!(a, b, "both or neither, of one of the two");
        assert_eq!(a.abs(), round);
    }
}

//! Files of documents, out of a collection and into one.

use http::Method;
use serde_json::{Value, json};

use super::hide;
use crate::cast::{Cast, encoded};
use crate::support::{Answer, User};

async fn shop() -> Cast {
    let cast = Cast::new().await;
    let schema = json!({ "type": "object", "required": ["title"], "properties": {
        "title": { "type": "string" }, "number": { "type": "integer" }, "price": { "type": "number" },
        "tags": { "type": "array" }, "at": { "properties": { "city": { "type": "string" } } } } });
    for name in ["items", "copies"] {
        let body = json!({ "name": name, "schema": schema, "options": { "unique": [{ "fields": ["data.number"] }] } });
        cast.send(&cast.owner, Method::POST, "/collections", body).await.expect(201);
    }
    cast
}

async fn import(cast: &Cast, user: &User, to: &str, kind: &str, file: &str) -> Answer {
    let path = to.split('?').next().unwrap_or_default();
    let query = to.strip_prefix(path).unwrap_or_default();
    let call = cast.call(user, Method::POST, format!("/collections/{path}/documents/import{query}"));
    call.header("content-type", kind).body(file.to_owned()).send().await
}

async fn text(cast: &Cast, user: &User, query: &str) -> String {
    let answer = cast.read(user, format!("/collections/items/documents/export{query}")).await.expect(200);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// What a collection holds, by title.
async fn data(cast: &Cast, collection: &str) -> Vec<Value> {
    let path = format!("/collections/{collection}/documents?sort=data.title&limit=100");
    let page = cast.read(&cast.owner, path).await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(|item| item["data"].clone()).collect()
}

fn counts(answer: &Value) -> [u64; 5] {
    ["rows", "created", "changed", "unchanged", "failed"].map(|name| answer[name].as_u64().unwrap())
}

#[tokio::test]
async fn what_goes_out_comes_in_again() {
    let cast = shop().await;
    for data in [
        json!({ "title": "a, \"b\"\nc", "number": 1, "price": 12.5, "tags": ["x", 1], "at": { "city": "Köln" } }),
        json!({ "title": "=1+1", "number": 2 }),
        json!({ "title": "7", "price": 1e3 }),
    ] {
        cast.document("items", data).await;
    }
    for (format, kind) in [("csv", "text/csv"), ("jsonl", "application/jsonl")] {
        let file = text(&cast, &cast.viewer, &format!("?format={format}&sort=data.title")).await;
        let answer =
            import(&cast, &cast.editor, "copies?key=data.number&on_match=replace", kind, &file).await.expect(200);
        let created = if format == "csv" { [3, 3, 0, 0, 0] } else { [3, 1, 0, 2, 0] };
        // One has no number: it is new each time.
        assert_eq!(counts(&answer.json()), created, "{format}");
    }
    let mut copies = data(&cast, "copies").await;
    copies.dedup();
    assert_eq!(copies, data(&cast, "items").await);
    let table = text(
        &cast,
        &cast.viewer,
        "?format=csv&fields=data.title,data.price&filter=data.price%20exists&sort=data.price",
    )
    .await;
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows[0], "id,data.price,data.title");
    assert!(rows[1].ends_with(",12.5,\"a, \"\"b\"\"") && rows[3].ends_with(",1000.0,7"), "{table}");
}

#[tokio::test]
async fn every_row_is_told_of_and_the_same_file_changes_nothing() {
    let cast = shop().await;
    let file = "\u{feff}data.number,data.title,data.price,updated_at\n\
                1,Rope,12.5,ignored\n\
                2,Hook,cheap,\n\
                x,Anchor,1,\n\
                3,Chest\n\
                1,Rope,13,\n\
                4,Lantern,,\n";
    let answer = import(&cast, &cast.editor, "items?key=data.number", "text/csv", file).await.expect(200).json();
    assert_eq!(counts(&answer), [6, 2, 1, 0, 3]);
    let errors: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| error["row"].clone()).collect();
    assert_eq!(errors, [2, 3, 4]);
    assert_eq!(answer["errors"][0]["problem"]["errors"][0]["pointer"], "/data/price");
    let expected = [json!({ "title": "Lantern", "number": 4 }), json!({ "title": "Rope", "number": 1, "price": 13 })];
    assert_eq!(data(&cast, "items").await, expected);
    let file = "{\"data\":{\"number\":1,\"price\":13}}\n\n{\"data\":{\"number\":4,\"tags\":[\"new\"]}}\n{\"number\":5}\nnonsense\n";
    let answer =
        import(&cast, &cast.editor, "items?key=data.number", "application/jsonl", file).await.expect(200).json();
    assert_eq!(counts(&answer), [4, 0, 1, 1, 2]);
    let again =
        import(&cast, &cast.editor, "items?key=data.number", "application/jsonl", file).await.expect(200).json();
    assert_eq!(counts(&again), [4, 0, 0, 2, 2]);
    let skipped = "data.number,data.title\n1,Other\n";
    let answer = import(&cast, &cast.editor, "items?key=data.number&on_match=skip", "text/csv", skipped).await;
    assert_eq!(counts(&answer.expect(200).json()), [1, 0, 0, 1, 0]);
    // By their ids, as an export has them.
    let file = text(&cast, &cast.viewer, "").await.replace("Rope", "Cable");
    let answer = import(&cast, &cast.editor, "items?key=id", "application/jsonl", &file).await.expect(200).json();
    assert_eq!(counts(&answer), [2, 0, 1, 1, 0]);
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let cast = shop().await;
    for (to, kind, file, status, slug) in [
        ("items", "application/json", "{}", 415, "unsupported-media-type"),
        ("items?key=data.title", "text/csv", "data.title\na\n", 400, "invalid-query"),
        ("items?on_match=drop", "text/csv", "data.title\na\n", 400, "invalid-query"),
        ("items", "text/csv", "title\na\n", 400, "bad-request"),
        ("items", "text/csv", "id\na\n", 400, "bad-request"),
        ("nowhere", "text/csv", "data.title\na\n", 404, "not-found"),
    ] {
        import(&cast, &cast.editor, to, kind, file).await.problem(status, slug);
    }
    let many = "{\"data\":{}}\n".repeat(5001);
    import(&cast, &cast.editor, "items", "application/jsonl", &many).await.problem(413, "payload-too-large");
    let nul = import(&cast, &cast.editor, "items", "application/jsonl", "{\"data\":{\"title\":\"\\u0000\"}}").await;
    assert_eq!(counts(&nul.expect(200).json()), [1, 0, 0, 0, 1]);
    cast.read(&cast.viewer, "/collections/items/documents/export?format=xml").await.problem(400, "invalid-query");
    cast.read(&cast.viewer, "/collections/items/documents/export?filter=x").await.problem(400, "invalid-query");
}

#[tokio::test]
async fn nobody_reads_or_guesses_by_a_file_what_they_may_not_see() {
    let cast = shop().await;
    cast.document("items", json!({ "title": "Rope", "number": 1, "price": 77.5 })).await;
    let rules = json!({ "rules": [{ "field": "data.price", "roles": ["viewer", "editor"], "access": "hidden" }] });
    cast.send(&cast.admin, Method::PUT, "/collections/items/field-rules", rules).await.expect(200);
    for query in ["", "?format=csv", "?format=csv&fields=data", "?fields=data.price"] {
        let file = text(&cast, &cast.editor, query).await;
        assert!(!file.contains("77.5") && !file.contains("data.price"), "{query}: {file}");
    }
    cast.read(&cast.viewer, "/collections/items/documents/export?sort=data.price").await.problem(403, "forbidden");
    for price in [77.5, 1.0] {
        let file = format!("{{\"data\":{{\"number\":1,\"price\":{price}}}}}\n");
        let answer = import(&cast, &cast.editor, "items?key=data.number", "application/jsonl", &file).await.expect(200);
        assert_eq!(answer.json()["errors"][0]["problem"]["status"], 403, "the right guess is no different");
    }
    hide(&cast, "items", "number").await;
    import(&cast, &cast.viewer, "items", "text/csv", "data.title\na\n").await.problem(403, "forbidden");
    let filter = encoded("data.number eq 1");
    cast.read(&cast.viewer, format!("/collections/items/documents/export?filter={filter}"))
        .await
        .problem(403, "forbidden");
}

/// In pieces, each with the rights that there are then.
#[tokio::test]
async fn an_export_has_every_document_once() {
    let cast = shop().await;
    let create = |n: usize| json!({ "op": "create", "collection": "items", "data": { "title": "t", "number": n } });
    for round in 0..11 {
        let many: Vec<_> = (round * 100..round * 100 + 100).map(create).collect();
        cast.send(&cast.editor, Method::POST, "/documents/bulk", json!({ "operations": many })).await.expect(200);
    }
    let file = text(&cast, &cast.viewer, "?sort=-data.number").await;
    let numbers: Vec<i64> = file
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["data"]["number"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (0..1100).rev().collect::<Vec<_>>());
    let table = text(&cast, &cast.viewer, "?format=csv").await;
    assert_eq!(table.lines().count(), 1101);
}

//! Lists of documents: what may be asked, and pages.

use http::Method;
use serde_json::{Value, json};

use crate::cast::{Cast, encoded};

const DOCUMENTS: &str = "/collections/items/documents";

async fn cast_with(schema: Value, documents: &[Value]) -> Cast {
    let cast = Cast::new().await;
    cast.collection("items", schema).await;
    for data in documents {
        cast.document("items", data.clone()).await;
    }
    cast
}

async fn list(cast: &Cast, query: &str) -> Value {
    cast.read(&cast.viewer, &format!("{DOCUMENTS}?{query}")).await.expect(200).json()
}

/// `data.n` of everything on a page.
fn numbers(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|item| item["data"]["n"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let schema = json!({ "properties": {
        "due": { "type": "string", "format": "date-time" },
        "tags": { "type": "array" },
    } });
    let documents = [
        json!({ "n": 1, "status": "open", "price": 9.5, "tags": ["x", "y"], "at": { "city": "Köln" } }),
        json!({ "n": 2, "status": "open", "price": 10, "tags": ["z"], "due": "2025-01-01T00:00:00Z" }),
        json!({ "n": 3, "status": "closed", "price": "10", "tags": [], "due": "2025-01-01T01:00:00+01:00" }),
        json!({ "n": 4, "status": null, "due": "2024-12-31T23:59:59.999999Z", "odd key": true }),
    ];
    let cast = cast_with(schema, &documents).await;
    for (filter, expected) in [
        (r#"data.status eq "open""#, vec![1, 2]),
        (r#"data.status eq "open" and (data.price lt 10 or data.tags contains "z")"#, vec![1, 2]),
        (r#"data.status ne "open""#, vec![3, 4]),
        ("data.status eq null", vec![4]),
        ("data.price exists", vec![1, 2, 3]),
        ("not data.price exists", vec![4]),
        ("data.price ge 9.5", vec![1, 2]),
        ("data.price eq 10.0", vec![2]),
        (r#"data.price ge "1""#, vec![3]),
        (r#"data.price in [9.5, "10"]"#, vec![1, 3]),
        (r#"data.status contains "pe""#, vec![1, 2]),
        (r#"data.at.city eq "K\u00f6ln""#, vec![1]),
        (r#"data.due eq "2025-01-01T00:00:00Z""#, vec![2, 3]),
        (r#"data.due lt "2025-01-01T00:00:00Z""#, vec![4]),
        (r#"data."odd key" eq true"#, vec![4]),
        (r#"data.tags contains "x" or data.n gt 3"#, vec![1, 4]),
        ("version eq 1 and data.n le 2", vec![1, 2]),
        (r#"created_at gt "2020-01-01T00:00:00Z" and data.n eq 1"#, vec![1]),
        (r#"created_at gt "2999-01-01T00:00:00Z""#, vec![]),
    ] {
        let page = list(&cast, &format!("filter={}", encoded(filter))).await;
        assert_eq!(numbers(&page), expected, "{filter}");
    }
    let own = list(&cast, &format!("filter={}", encoded(&format!("created_by eq \"{}\"", cast.editor.id)))).await;
    assert_eq!(numbers(&own).len(), 4);
}

#[tokio::test]
async fn what_cannot_be_understood_is_told_with_its_place() {
    let cast = cast_with(json!({}), &[]).await;
    for (query, detail) in [
        ("filter=", "`filter`, at character 1"),
        ("filter=status%20eq%201", "`filter`, at character 1"),
        ("filter=data.a%20like%201", "`filter`, at character 8"),
        ("filter=data.a%20eq%20%22%5Cu0000%22", "`filter`, at character 11"),
        ("filter=data.a'%3B%20drop%20table%20documents%3B--", "`filter`, at character 7"),
        ("sort=price", "`sort`, at character 1"),
        ("sort=data.a%3B", "`sort`, at character 7"),
        ("fields=data.a,,", "`fields`, at character 8"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("offset=3", "offset"),
        ("filter=%00", "U+0000"),
    ] {
        let problem = cast.read(&cast.viewer, &format!("{DOCUMENTS}?{query}")).await.problem(400, "invalid-query");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{query}: {problem}");
    }
}

/// Everything that looks like SQL is a value or a name, never SQL.
#[tokio::test]
async fn sql_in_names_and_values_is_only_text() {
    let nasty = "'; DROP TABLE documents; --\" $1 \\ %";
    let cast = cast_with(json!({}), &[json!({ nasty: nasty, "n": 1 }), json!({ "n": 2 })]).await;
    let quoted = json!(nasty).to_string();
    for query in [
        format!("filter={}", encoded(&format!("data.{quoted} eq {quoted}"))),
        format!("filter={}", encoded(&format!("data.{quoted} contains {quoted}"))),
        format!("filter={}", encoded(&format!("data.{quoted} ge {quoted}"))),
        format!("filter={}", encoded(&format!("data.{quoted} exists"))),
    ] {
        assert_eq!(numbers(&list(&cast, &query).await), [1], "{query}");
    }
    let sorted = list(&cast, &format!("sort={}", encoded(&format!("-data.{quoted}")))).await;
    assert_eq!(numbers(&sorted), [1, 2]);
}

#[tokio::test]
async fn fields_are_chosen() {
    let cast = cast_with(json!({}), &[json!({ "n": 1, "a": { "b": 2, "c": 3 } })]).await;
    let page = list(&cast, "fields=data.a.b,version").await;
    let item = &page["items"][0];
    assert_eq!(item["data"], json!({ "a": { "b": 2 } }));
    let names: Vec<_> = item.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(item["version"], 1);
    assert!(item["id"].is_string());
    let all = list(&cast, "").await;
    let read = cast.read(&cast.viewer, &format!("{DOCUMENTS}/{}", all["items"][0]["id"].as_str().unwrap())).await;
    assert_eq!(all["items"][0], read.json());
}

#[tokio::test]
async fn cursors_belong_to_their_query() {
    let documents: Vec<Value> = (0..5).map(|n| json!({ "n": n })).collect();
    let cast = cast_with(json!({}), &documents).await;
    let first = list(&cast, "limit=2&sort=-data.n&filter=data.n%20ge%200").await;
    assert_eq!(numbers(&first), [4, 3]);
    let cursor = first["next_cursor"].as_str().unwrap();
    // Fields and the size of a page may change.
    let next = list(&cast, &format!("limit=1&fields=data.n&sort=-data.n&filter=data.n%20ge%200&cursor={cursor}")).await;
    assert_eq!(numbers(&next), [2]);
    for query in [
        format!("cursor={cursor}"),
        format!("sort=data.n&filter=data.n%20ge%200&cursor={cursor}"),
        format!("sort=-data.n&filter=data.n%20ge%201&cursor={cursor}"),
        format!("sort=-data.n&cursor={cursor}"),
        "cursor=x".to_owned(),
        "cursor=".to_owned(),
        "cursor=bnVsbA".to_owned(),
        "cursor=W10".to_owned(),
    ] {
        let answer = cast.read(&cast.viewer, &format!("{DOCUMENTS}?{query}")).await;
        answer.problem(400, "invalid-cursor");
    }
    // Another collection.
    cast.collection("more", json!({})).await;
    let path = format!("/collections/more/documents?limit=2&sort=-data.n&filter=data.n%20ge%200&cursor={cursor}");
    cast.read(&cast.viewer, &path).await.problem(400, "invalid-cursor");
}

#[tokio::test]
async fn pages_stay_in_place_while_documents_come_and_go() {
    let documents: Vec<Value> = (0..20).map(|n| json!({ "n": n })).collect();
    let cast = cast_with(json!({}), &documents).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for round in 0.. {
        let page = list(&cast, &format!("limit=3&sort=data.n{cursor}")).await;
        seen.extend(numbers(&page));
        // One comes before the cursor, one that was seen goes.
        cast.document("items", json!({ "n": -1 - round })).await;
        let gone = page["items"][0]["id"].as_str().unwrap();
        let delete = cast.call(&cast.editor, Method::DELETE, format!("{DOCUMENTS}/{gone}"));
        delete.send().await.expect(204);
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}

/// The index on `data` serves filters although row-level security stands before the table.
#[tokio::test]
async fn filters_can_use_their_index() {
    let cast = cast_with(json!({}), &[json!({ "n": 1 })]).await;
    let user = cast.viewer.id.parse().unwrap();
    let scope = core_service::database::Scope::user(user).in_workspace(cast.workspace.parse().unwrap());
    let mut tx = cast.app.state.database.begin(&scope).await.unwrap();
    for off in ["enable_seqscan", "enable_indexscan"] {
        let sql = format!("SET LOCAL {off} = off");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    let plan: Vec<String> = sqlx::query_scalar("EXPLAIN SELECT id FROM member_documents WHERE data @> '{\"n\": 1}'")
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    assert!(plan.iter().any(|line| line.contains("documents_data")), "{plan:#?}");
}

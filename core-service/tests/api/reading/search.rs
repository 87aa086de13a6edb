//! Search: what is found, by whom, and how soon.

use core_service::{app, events};
use http::Method;
use serde_json::{Value, json};

use super::hide;
use crate::cast::{Cast, encoded};
use crate::support::{Answer, User};

/// Does what follows from writes: the log is numbered and consumed, and jobs are done.
async fn settle(cast: &Cast) {
    events::settle(&cast.app.state, &app::consumers()).await.unwrap();
    events::run_due(&cast.app.state, &app::handlers()).await.unwrap();
}

fn options() -> Value {
    json!({ "search": { "language": "english", "fields": [
        { "field": "data.title", "weight": "highest" }, { "field": "data.tags", "weight": "medium" },
        { "field": "data.body" }] } })
}

async fn shop() -> Cast {
    let cast = Cast::new().await;
    let schema = json!({ "properties": { "tags": { "type": "array" } } });
    let body = json!({ "name": "items", "schema": schema, "options": options() });
    cast.send(&cast.owner, Method::POST, "/collections", body).await.expect(201);
    for data in [
        json!({ "title": "Rope, 20 m", "body": "For ships and houses. Strong: 3 > 2 & light. <script>alert(1)</script>", "tags": ["deck"], "n": 1 }),
        json!({ "title": "Hook", "body": "Goes with a rope.", "tags": ["deck", "metal"], "n": 2 }),
        json!({ "title": "Café chairs", "body": "Two of them.", "tags": ["house"], "n": 3 }),
        json!({ "title": "Anchor", "body": "The heaviest we have.", "tags": [], "n": 4 }),
    ] {
        cast.document("items", data).await;
    }
    settle(&cast).await;
    cast
}

async fn ask(cast: &Cast, user: &User, parameters: &[(&str, &str)]) -> Answer {
    let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    cast.read(user, format!("/collections/items/search?{}", query.join("&"))).await
}

fn numbers(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|hit| hit["document"]["data"]["n"].as_i64().unwrap()).collect()
}

async fn found(cast: &Cast, user: &User, q: &str) -> Vec<i64> {
    numbers(&ask(cast, user, &[("q", q)]).await.expect(200).json())
}

#[tokio::test]
async fn words_are_found_in_their_forms_as_beginnings_and_nearly_spelt() {
    let cast = shop().await;
    for (q, expected) in [
        // A title counts for more than a text.
        ("rope", vec![1, 2]),
        ("ROPES", vec![1, 2]),
        ("hous", vec![1, 3]),
        ("anch", vec![4]),
        ("ancor", vec![4]),
        ("anchro", vec![4]),
        ("hosue", vec![1, 3]),
        ("cafe", vec![3]),
        ("rope deck metal", vec![2]),
        ("rope anchor", vec![]),
        ("xylophone", vec![]),
        ("'); DROP TABLE documents; -- rope", vec![]),
        ("20", vec![1]),
    ] {
        let mut numbers = found(&cast, &cast.viewer, q).await;
        if q != "rope" {
            numbers.sort_unstable();
        }
        assert_eq!(numbers, expected, "{q}");
    }
    for q in ["", "&|!", &"a".repeat(1001)] {
        ask(&cast, &cast.viewer, &[("q", q)]).await.problem(400, "invalid-query");
    }
}

#[tokio::test]
async fn hits_have_excerpts_pages_filters_and_facets() {
    let cast = shop().await;
    let page = ask(&cast, &cast.viewer, &[("q", "strong rope")]).await.expect(200).json();
    let hit = &page["items"][0];
    assert_eq!(hit["highlights"]["data.title"], "<mark>Rope</mark>, 20 m");
    let body = hit["highlights"]["data.body"].as_str().unwrap();
    assert!(body.contains("<mark>Strong</mark>: 3 &gt; 2 &amp; light") && !body.contains("<script"), "{body}");
    assert!(hit["highlights"].get("data.tags").is_none() && hit["score"].as_i64().unwrap() > 0);

    let filter = ask(&cast, &cast.viewer, &[("q", "rope"), ("filter", "data.n gt 1")]).await.expect(200).json();
    assert_eq!(numbers(&filter), [2]);
    let first = ask(&cast, &cast.viewer, &[("q", "rope"), ("limit", "1")]).await.expect(200).json();
    assert_eq!(numbers(&first), [1]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second =
        ask(&cast, &cast.viewer, &[("q", "rope"), ("limit", "1"), ("cursor", cursor)]).await.expect(200).json();
    assert_eq!((numbers(&second), &second["next_cursor"]), (vec![2], &Value::Null));

    let facets = ask(&cast, &cast.viewer, &[("q", "rope"), ("limit", "1"), ("facets", "data.tags,data.n")]).await;
    let facets = facets.expect(200).json()["facets"].clone();
    let tags = json!([{ "by": { "data.tags": "deck" }, "values": { "count": 2 } },
                      { "by": { "data.tags": "metal" }, "values": { "count": 1 } }]);
    assert_eq!(facets["data.tags"], json!({ "groups": tags, "complete": true }));
    assert_eq!(facets["data.n"]["groups"].as_array().unwrap().len(), 2);
    ask(&cast, &cast.viewer, &[("q", "rope"), ("facets", "id")]).await.problem(400, "invalid-query");
}

#[tokio::test]
async fn the_index_follows_every_write() {
    let cast = shop().await;
    let id = cast.document("items", json!({ "title": "Lantern", "n": 5 })).await;
    let path = format!("/collections/items/documents/{id}");
    assert_eq!(found(&cast, &cast.viewer, "lantern").await, Vec::<i64>::new());
    settle(&cast).await;
    assert_eq!(found(&cast, &cast.viewer, "lantern").await, [5]);
    cast.send(&cast.editor, Method::PATCH, &path, json!({ "data": { "title": "Torch" } })).await.expect(200);
    settle(&cast).await;
    assert_eq!(found(&cast, &cast.viewer, "lantern").await, Vec::<i64>::new());
    assert_eq!(found(&cast, &cast.viewer, "torch").await, [5]);
    cast.call(&cast.editor, Method::DELETE, &path).send().await.expect(204);
    assert_eq!(found(&cast, &cast.viewer, "torch").await, Vec::<i64>::new(), "at once");
    settle(&cast).await;
    cast.call(&cast.editor, Method::POST, format!("/collections/items/trash/{id}/restore")).send().await.expect(200);
    settle(&cast).await;
    assert_eq!(found(&cast, &cast.viewer, "torch").await, [5]);
}

#[tokio::test]
async fn a_change_of_what_is_searched_puts_all_in_anew() {
    let cast = shop().await;
    let body = json!({ "name": "notes", "schema": {} });
    cast.send(&cast.owner, Method::POST, "/collections", body).await.expect(201);
    let create = json!({ "op": "create", "collection": "notes", "data": { "text": "needle", "n": 1 } });
    for _ in 0..5 {
        let many = json!({ "operations": vec![create.clone(); 100] });
        cast.send(&cast.editor, Method::POST, "/documents/bulk", many).await.expect(200);
    }
    let index = "/collections/notes/search/index";
    cast.read(&cast.viewer, index).await.problem(404, "not-found");
    cast.read(&cast.viewer, "/collections/notes/search?q=needle").await.problem(404, "not-found");
    let search = json!({ "options": { "search": { "fields": [{ "field": "data.text" }] } } });
    cast.send(&cast.owner, Method::PATCH, "/collections/notes", search).await.expect(200);
    let begun = cast.read(&cast.viewer, index).await.expect(200).json();
    assert_eq!(begun, json!({ "done": 0, "documents": 500, "finished_at": null }));
    settle(&cast).await;
    let done = cast.read(&cast.viewer, index).await.expect(200).json();
    assert_eq!((&done["done"], done["finished_at"].is_string()), (&json!(500), true));
    let facets = cast.read(&cast.viewer, "/collections/notes/search?q=needle&facets=data.n").await.expect(200).json();
    assert_eq!(facets["facets"]["data.n"]["groups"][0]["values"]["count"], 500);

    cast.call(&cast.editor, Method::POST, index).send().await.problem(403, "forbidden");
    let again = cast.call(&cast.owner, Method::POST, index).send().await.expect(202).json();
    assert_eq!((&again["done"], &again["finished_at"]), (&json!(0), &Value::Null));
    settle(&cast).await;
    assert!(cast.read(&cast.viewer, index).await.expect(200).json()["finished_at"].is_string());
    // Taken back, nothing is left of it.
    cast.send(&cast.owner, Method::PATCH, "/collections/notes", json!({ "options": { "search": null } }))
        .await
        .expect(200);
    settle(&cast).await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM search_words WHERE word = 'needle'")
        .fetch_one(&mut cast.app.database().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

/// Nobody finds what they may not read: by no field that is hidden from them, not even for a moment, and no document.
#[tokio::test]
async fn what_a_caller_may_not_read_is_not_found() {
    let cast = shop().await;
    cast.document("items", json!({ "title": "Chest", "body": "combination 4711", "n": 5 })).await;
    settle(&cast).await;
    assert_eq!(found(&cast, &cast.viewer, "4711").await, [5]);
    hide(&cast, "items", "body").await;
    // The index still knows the word: it is not made anew yet.
    assert_eq!(found(&cast, &cast.viewer, "4711").await, Vec::<i64>::new());
    settle(&cast).await;
    assert_eq!(found(&cast, &cast.viewer, "4711").await, Vec::<i64>::new());
    let chest = ask(&cast, &cast.viewer, &[("q", "chest")]).await.expect(200).json();
    assert_eq!((numbers(&chest), chest.to_string().contains("4711")), (vec![5], false));
    ask(&cast, &cast.viewer, &[("q", "chest"), ("facets", "data.body")]).await.problem(403, "forbidden");
    ask(&cast, &cast.viewer, &[("q", "chest"), ("filter", "data.body exists")]).await.problem(403, "forbidden");

    let nobody = json!({ "name": "nobody", "permissions": [] });
    cast.send(&cast.owner, Method::POST, "/roles", nobody).await.expect(201);
    let guest = cast.app.user().await;
    cast.add(&guest, "nobody").await;
    ask(&cast, &guest, &[("q", "rope")]).await.problem(403, "forbidden");
    let hook = ask(&cast, &cast.owner, &[("q", "hook")]).await.expect(200).json();
    let on = json!({ "collection": "items", "document": hook["items"][0]["document"]["id"] });
    let grant = json!({ "on": on, "to": { "user": guest.id }, "permissions": ["documents:read"] });
    cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201);
    let page = ask(&cast, &guest, &[("q", "deck"), ("facets", "data.tags")]).await.expect(200).json();
    assert_eq!(numbers(&page), [2]);
    assert_eq!(page["facets"]["data.tags"]["groups"].as_array().unwrap().len(), 2, "what is not found is not counted");
    // Another workspace has words of its own.
    cast.read(&cast.stranger, "/collections/items/search?q=rope").await.problem(404, "not-found");
}

/// The index on words can be used, behind row-level security as well.
#[tokio::test]
async fn the_index_on_words_can_be_used() {
    let cast = shop().await;
    let scope = core_service::database::Scope::user(cast.viewer.id.parse().unwrap());
    let scope = scope.in_workspace(cast.workspace.parse().unwrap());
    let mut tx = cast.app.state.database.begin_read(&scope).await.unwrap();
    sqlx::query("SET LOCAL enable_seqscan = off").execute(&mut *tx).await.unwrap();
    for (sql, index) in [
        (
            "EXPLAIN SELECT search_id FROM member_search WHERE search_words @@ to_tsquery('breakwater_english', 'rope')",
            "search_documents_words",
        ),
        ("EXPLAIN SELECT word FROM member_search_words WHERE word % 'hosue'", "search_words_similar"),
    ] {
        let plan: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *tx).await.unwrap();
        assert!(plan.join("\n").contains(index), "{plan:#?}");
    }
}

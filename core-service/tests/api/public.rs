//! Documents that everybody may read.

use core_service::{app, events};
use http::Method;
use serde_json::{Value, json};

use crate::cast::{Cast, encoded};
use crate::support::{Answer, Call};

async fn articles(public: Value) -> Cast {
    let cast = Cast::new().await;
    let schema = json!({ "properties": { "due": { "type": "string", "format": "date-time" } } });
    let body = json!({ "name": "articles", "schema": schema, "options": { "public": public } });
    cast.send(&cast.owner, Method::POST, "/collections", body).await.expect(201);
    cast
}

async fn read(cast: &Cast, rest: &str) -> Answer {
    cast.app.get(&format!("/api/v1/public/workspaces/{}/collections/{rest}", cast.workspace)).send().await
}

fn titles(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["data"]["title"].as_str().unwrap()).collect()
}

/// The tags that edges are told to forget, and the number of the last purge.
async fn purged(cast: &Cast) -> (Vec<String>, i64) {
    events::settle(&cast.app.state, &app::consumers()).await.unwrap();
    // A core that remembers nothing: here nobody listens to what the database notifies.
    let (_, core) = cast.app.another();
    let snapshot = Call::new(core, Method::GET, "/edge/v1/snapshot").send().await.expect(200).json();
    let caching = &snapshot["caching"];
    let tags = caching["purges"].as_array().unwrap().iter().map(|purge| purge["tag"].as_str().unwrap().to_owned());
    (tags.collect(), caching["epoch"].as_i64().unwrap())
}

#[tokio::test]
async fn everybody_reads_what_the_collections_filter_finds() {
    let cast = articles(json!({ "filter": "data.state eq \"live\"" })).await;
    let live = cast.document("articles", json!({ "title": "b", "state": "live" })).await;
    let draft = cast.document("articles", json!({ "title": "a", "state": "draft" })).await;
    cast.document("articles", json!({ "title": "c", "state": "live" })).await;
    let page = read(&cast, "articles/documents").await.expect(200);
    assert_eq!(titles(&page.json()), ["b", "c"]);
    let item = &page.json()["items"][0];
    let mut names: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["collection", "created_at", "data", "id", "updated_at", "version"], "who wrote it is not told");

    let one = read(&cast, &format!("articles/documents/{live}")).await.expect(200);
    assert_eq!(one.json()["data"], json!({ "title": "b", "state": "live" }));
    read(&cast, &format!("articles/documents/{draft}")).await.problem(404, "not-found");
    for (query, expected) in [
        (format!("filter={}", encoded("data.title eq \"a\"")), vec![]),
        (format!("filter={}", encoded("data.title eq \"c\"")), vec!["c"]),
        // No way round the collection's own.
        (format!("filter={}", encoded("data.title eq \"a\" or not data.nothing exists")), vec!["b", "c"]),
        ("sort=-data.title".to_owned(), vec!["c", "b"]),
    ] {
        let page = read(&cast, &format!("articles/documents?{query}")).await.expect(200);
        assert_eq!(titles(&page.json()), expected, "{query}");
    }
    let first = read(&cast, "articles/documents?limit=1").await.expect(200).json();
    let next = first["next_cursor"].as_str().unwrap();
    let second = read(&cast, &format!("articles/documents?limit=1&cursor={next}")).await.expect(200).json();
    assert_eq!((titles(&second), &second["next_cursor"]), (vec!["c"], &Value::Null));
}

#[tokio::test]
async fn nothing_else_is_public() {
    let cast = articles(json!({})).await;
    cast.document("articles", json!({ "title": "a" })).await;
    cast.collection("secrets", json!({})).await;
    let secret = cast.document("secrets", json!({ "title": "s" })).await;
    read(&cast, "secrets/documents").await.problem(404, "not-found");
    read(&cast, &format!("secrets/documents/{secret}")).await.problem(404, "not-found");
    // Not by another collection, nor by another workspace.
    read(&cast, &format!("articles/documents/{secret}")).await.problem(404, "not-found");
    let elsewhere = format!("/api/v1/public/workspaces/{}/collections/articles/documents", cast.elsewhere);
    cast.app.get(&elsewhere).send().await.problem(404, "not-found");
    cast.app.get(&elsewhere.replace(&cast.elsewhere, "nowhere")).send().await.problem(404, "not-found");
    for query in ["filter=data.", "sort=data", "limit=0", "expand=data.a"] {
        read(&cast, &format!("articles/documents?{query}")).await.problem(400, "invalid-query");
    }
    // And not any more once the collection is not.
    cast.send(&cast.owner, Method::PATCH, "/collections/articles", json!({ "options": { "public": null } }))
        .await
        .expect(200);
    read(&cast, "articles/documents").await.problem(404, "not-found");
}

#[tokio::test]
async fn what_is_hidden_from_anybody_is_not_public() {
    let cast = articles(json!({ "filter": "data.pay gt 1" })).await;
    cast.document("articles", json!({ "title": "a", "pay": 7 })).await;
    let before = read(&cast, "articles/documents").await.expect(200);
    let rules = json!({ "rules": [{ "field": "data.pay", "roles": ["viewer"], "access": "hidden" }] });
    cast.send(&cast.admin, Method::PUT, "/collections/articles/field-rules", rules).await.expect(200);
    let page = read(&cast, "articles/documents").await.expect(200);
    assert_eq!(page.json()["items"][0]["data"], json!({ "title": "a" }), "the collection's own filter may look at it");
    assert_ne!(page.headers["etag"], before.headers["etag"], "it says something else");
    for query in ["sort=data.pay", "filter=data.pay%20gt%203", "filter=created_by%20eq%20null"] {
        read(&cast, &format!("articles/documents?{query}")).await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn answers_are_for_shared_caches() {
    let cast = articles(json!({ "max_age": 60 })).await;
    let id = cast.document("articles", json!({ "title": "a" })).await;
    for path in ["articles/documents".to_owned(), format!("articles/documents/{id}")] {
        let answer = read(&cast, &path).await.expect(200);
        assert_eq!(answer.headers["cache-control"], "public, max-age=60");
        assert_eq!(answer.headers["cdn-cache-control"], "max-age=86400");
        assert!(answer.headers["surrogate-key"].to_str().unwrap().starts_with("collection-"));
        let etag = answer.headers["etag"].to_str().unwrap();
        let path = format!("/api/v1/public/workspaces/{}/collections/{path}", cast.workspace);
        let again = cast.app.get(&path).header("if-none-match", etag).send().await.expect(304);
        assert_eq!(again.headers["cdn-cache-control"], "max-age=86400");
        // A caller's credentials make no difference.
        let member = cast.app.get(&path).bearer(&cast.owner.access_token).send().await.expect(200);
        assert_eq!(member.body, answer.body);
    }
}

#[tokio::test]
async fn every_write_purges_and_other_collections_do_not() {
    let cast = articles(json!({})).await;
    cast.collection("notes", json!({})).await;
    let tag = read(&cast, "articles/documents").await.expect(200).headers["surrogate-key"].to_str().unwrap().to_owned();
    cast.document("notes", json!({})).await;
    assert_eq!(purged(&cast).await, (Vec::new(), 0));
    let mut epoch = 0;
    let mut expect_purge = async |what: &str| {
        let (tags, number) = purged(&cast).await;
        assert_eq!(tags, [tag.as_str()], "{what}");
        assert!(number > epoch, "{what} purged nothing");
        epoch = number;
    };
    let id = cast.document("articles", json!({ "title": "a" })).await;
    expect_purge("a new document").await;
    let path = format!("/collections/articles/documents/{id}");
    cast.send(&cast.editor, Method::PUT, &path, json!({ "data": { "title": "b" } })).await.expect(200);
    expect_purge("a change").await;
    cast.call(&cast.editor, Method::DELETE, &path).send().await.expect(204);
    expect_purge("a deletion").await;
    cast.call(&cast.editor, Method::POST, format!("/collections/articles/trash/{id}/restore")).send().await.expect(200);
    expect_purge("a restoration").await;
    let rules = json!({ "rules": [{ "field": "data.pay", "roles": ["viewer"], "access": "hidden" }] });
    cast.send(&cast.admin, Method::PUT, "/collections/articles/field-rules", rules).await.expect(200);
    expect_purge("a rule").await;
    cast.send(&cast.owner, Method::PATCH, "/collections/articles", json!({ "options": { "public": null } }))
        .await
        .expect(200);
    expect_purge("the end of being public").await;
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused() {
    let cast = Cast::new().await;
    for (public, pointer) in [
        (json!({ "filter": "data.state is live" }), "/options/public/filter"),
        (json!({ "filter": "data.a[data.b exists]" }), "/options/public/filter"),
        (json!({ "max_age": 86401 }), "/options/public/max_age"),
        (json!({ "for": "all" }), "/options/public"),
    ] {
        let body = json!({ "name": "articles", "schema": {}, "options": { "public": public } });
        let problem =
            cast.send(&cast.owner, Method::POST, "/collections", body).await.problem(422, "validation-failed");
        assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with(pointer), "{problem}");
    }
}

/// The database itself shows nothing else: asked directly, in a transaction for everybody.
#[tokio::test]
async fn the_database_shows_public_collections_alone() {
    let cast = articles(json!({})).await;
    cast.document("articles", json!({})).await;
    cast.collection("secrets", json!({})).await;
    cast.document("secrets", json!({})).await;
    let counts = async |workspace: &str| -> Vec<i64> {
        let scope = core_service::database::Scope::public(workspace.parse().unwrap());
        let mut tx = cast.app.state.database.begin_read(&scope).await.unwrap();
        let mut counts = Vec::new();
        for table in ["public_documents", "collections", "documents", "member_documents", "workspaces", "users"] {
            let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            counts.push(sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap());
        }
        counts
    };
    assert_eq!(counts(&cast.workspace).await, [1, 1, 0, 0, 0, 0]);
    assert_eq!(counts(&cast.elsewhere).await, [0; 6]);
}

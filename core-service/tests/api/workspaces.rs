//! Workspaces.

use http::Method;
use serde_json::json;
use uuid::Uuid;

use crate::cast::Cast;
use crate::support::TestApp;

#[tokio::test]
async fn who_creates_a_workspace_owns_it() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let new = app.post("/api/v1/workspaces").bearer(&user.access_token).json(json!({ "name": "Größe 10 m" }));
    let answer = new.send().await.expect(201);
    let workspace = answer.json();
    assert_eq!(workspace["name"], "Größe 10 m");
    assert_eq!(answer.header("etag"), "\"v1\"");
    let location = answer.header("location");
    assert_eq!(location, format!("/api/v1/workspaces/{}", workspace["id"].as_str().unwrap()));
    let read = app.get(location).bearer(&user.access_token).send().await.expect(200);
    assert_eq!(read.json(), workspace);
    let listed = app.get("/api/v1/workspaces").bearer(&user.access_token).send().await.expect(200).json();
    assert_eq!(listed["items"][0]["id"], workspace["id"]);
    assert_eq!(listed["items"][0]["role"], "owner");
    let unchanged = app.get(location).bearer(&user.access_token).header("if-none-match", "\"v1\"");
    let unchanged = unchanged.send().await.expect(304);
    assert!(unchanged.body.is_empty());
}

#[tokio::test]
async fn bad_names_are_refused() {
    let app = TestApp::start().await;
    let user = app.user().await;
    for (body, pointer) in [
        (json!({}), "/name"),
        (json!({ "name": "" }), "/name"),
        (json!({ "name": "   " }), "/name"),
        (json!({ "name": "a\u{0}b" }), "/name"),
        (json!({ "name": "a\nb" }), "/name"),
        (json!({ "name": "x".repeat(101) }), "/name"),
        (json!({ "name": 7 }), "/name"),
        (json!({ "name": "x", "owner": "me" }), "/owner"),
    ] {
        let new = app.post("/api/v1/workspaces").bearer(&user.access_token).json(body);
        let problem = new.send().await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let longest = json!({ "name": "ü".repeat(100) });
    app.post("/api/v1/workspaces").bearer(&user.access_token).json(longest).send().await.expect(201);
}

#[tokio::test]
async fn a_repeated_creation_takes_effect_once() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let create = async || {
        let call = app.post("/api/v1/workspaces").bearer(&user.access_token).json(json!({ "name": "Quay" }));
        call.header("idempotency-key", "create-quay-1").send().await.expect(201)
    };
    let (first, second) = (create().await, create().await);
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("location"), second.header("location"));
    let listed = app.get("/api/v1/workspaces").bearer(&user.access_token).send().await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn own_workspaces_are_listed_in_pages() {
    let app = TestApp::start().await;
    let (user, other) = (app.user().await, app.user().await);
    let mut created = Vec::new();
    for _ in 0..5 {
        created.push(crate::cast::workspace_of(&app, &user).await);
        crate::cast::workspace_of(&app, &other).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/workspaces?limit=2{cursor}");
        let page = app.get(&path).bearer(&user.access_token).send().await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|w| w["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, created);
    let garbage = app.get("/api/v1/workspaces?cursor=garbage").bearer(&user.access_token);
    garbage.send().await.problem(400, "invalid-cursor");
    let unknown = app.get("/api/v1/workspaces?page=2").bearer(&user.access_token);
    unknown.send().await.problem(400, "invalid-query");
}

#[tokio::test]
async fn a_change_can_be_conditional() {
    let cast = Cast::new().await;
    let rename = |tag: &'static str, name: &str| {
        let call = cast.call(&cast.admin, Method::PATCH, "").header("if-match", tag);
        call.json(json!({ "name": name })).send()
    };
    let renamed = rename("\"v1\"", "Pier").await.expect(200);
    assert_eq!((renamed.header("etag"), &renamed.json()["name"]), ("\"v2\"", &json!("Pier")));
    rename("\"v1\"", "Mole").await.problem(412, "precondition-failed");
    assert_eq!(cast.read(&cast.viewer, "").await.json()["name"], "Pier");
    let delete = cast.call(&cast.owner, Method::DELETE, "").header("if-match", "\"v1\"");
    delete.send().await.problem(412, "precondition-failed");
}

#[tokio::test]
async fn a_deleted_workspace_is_gone_with_all_that_was_in_it() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    cast.document("orders", json!({})).await;
    cast.call(&cast.owner, Method::DELETE, "").send().await.expect(204);
    cast.read(&cast.owner, "").await.problem(404, "not-found");
    cast.read(&cast.owner, "/collections/orders/documents").await.problem(404, "not-found");
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM documents) + (SELECT count(*) FROM collections)
              + (SELECT count(*) FROM workspace_members WHERE workspace_id = $1)",
    )
    .bind(cast.workspace.parse::<Uuid>().unwrap())
    .fetch_one(&mut cast.app.database().await)
    .await
    .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn ids_that_are_none_name_nothing() {
    let cast = Cast::new().await;
    let unknown = Uuid::now_v7().to_string();
    for id in ["1", "null", "%00", "..%2f..", &unknown] {
        let path = format!("/api/v1/workspaces/{id}");
        let answer = cast.app.get(&path).bearer(&cast.owner.access_token).send().await;
        answer.problem(404, "not-found");
    }
}

//! Links: for whoever has one, without an account, until it ends.

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::support::Answer;

async fn link(cast: &Cast, on: Value) -> (String, String) {
    let body = json!({ "on": on, "to": { "link": true }, "permissions": ["documents:read"],
                       "expires_at": "2099-01-01T00:00:00Z" });
    let made = cast.send(&cast.admin, Method::POST, "/grants", body).await.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    (format!("/grants/{}", made["id"].as_str().unwrap()), made["link_token"].as_str().unwrap().to_owned())
}

async fn open(cast: &Cast, token: &str) -> Answer {
    cast.app.get("/api/v1/shared/documents").header("link-token", token).send().await
}

fn data(answer: Answer) -> Vec<Value> {
    answer.expect(200).json()["items"].as_array().unwrap().iter().map(|item| item["data"].clone()).collect()
}

#[tokio::test]
async fn a_link_leads_to_what_it_was_made_for_and_nothing_else() {
    let cast = Cast::new().await;
    for name in ["orders", "secrets"] {
        cast.collection(name, json!({})).await;
    }
    let one = cast.document("orders", json!({ "n": 1 })).await;
    cast.document("orders", json!({ "n": 2 })).await;
    cast.document("secrets", json!({ "n": 3 })).await;
    let (grant, token) = link(&cast, json!({ "collection": "orders", "document": one })).await;
    assert_eq!(data(open(&cast, &token).await), [json!({ "n": 1 })]);
    let (_, whole) = link(&cast, json!({ "collection": "orders" })).await;
    assert_eq!(data(open(&cast, &whole).await), [json!({ "n": 1 }), json!({ "n": 2 })]);
    let page = cast.app.get("/api/v1/shared/documents?limit=1").header("link-token", &whole).send().await.expect(200);
    let next = format!("/api/v1/shared/documents?cursor={}", page.json()["next_cursor"].as_str().unwrap());
    assert_eq!(data(cast.app.get(&next).header("link-token", &whole).send().await), [json!({ "n": 2 })]);
    let stored: Vec<Value> =
        sqlx::query_scalar("SELECT to_jsonb(g) FROM grants g").fetch_all(&mut cast.app.database().await).await.unwrap();
    assert!(!format!("{stored:?}").contains(&token));
    cast.call(&cast.admin, Method::DELETE, &grant).send().await.expect(204);
    open(&cast, &token).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_link_that_is_over_or_never_was_leads_nowhere() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let (_, token) = link(&cast, json!({ "collection": "orders" })).await;
    for wrong in ["", "x", &"A".repeat(43), &"A".repeat(4000)] {
        open(&cast, wrong).await.problem(404, "not-found");
    }
    cast.app.get("/api/v1/shared/documents").send().await.problem(404, "not-found");
    assert!(data(open(&cast, &token).await).is_empty());
    sqlx::query("UPDATE grants SET expires_at = now()").execute(&mut cast.app.database().await).await.unwrap();
    open(&cast, &token).await.problem(404, "not-found");
}

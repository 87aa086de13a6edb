//! Permissions on single collections and documents.

use http::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::roles::member_with;
use super::teams::{place, team};
use crate::cast::Cast;
use crate::support::User;

async fn grant(cast: &Cast, on: Value, to: Value, permissions: Value) -> String {
    let body = json!({ "on": on, "to": to, "permissions": permissions });
    let made = cast.send(&cast.admin, Method::POST, "/grants", body).await.expect(201).json();
    format!("/grants/{}", made["id"].as_str().unwrap())
}

async fn reads(cast: &Cast, user: &User, path: &str) -> u16 {
    cast.read(user, path).await.status.as_u16()
}

/// The ids in a list.
async fn listed(cast: &Cast, user: &User, path: &str) -> Vec<String> {
    let page = cast.read(user, path).await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_grant_on_a_document_gives_that_document() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let documents = "/collections/orders/documents";
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(cast.document("orders", json!({ "n": n })).await);
    }
    let guest = member_with(&cast, "guest", json!([])).await;
    let (one, other) = (format!("{documents}/{}", ids[1]), format!("{documents}/{}", ids[2]));
    assert_eq!(reads(&cast, &guest, &one).await, 403);
    let on = |id: &str| json!({ "collection": "orders", "document": id });
    let first = grant(&cast, on(&ids[1]), json!({ "user": guest.id }), json!(["documents:read"])).await;
    assert_eq!(reads(&cast, &guest, &one).await, 200);
    assert_eq!(reads(&cast, &guest, &other).await, 403);
    assert_eq!(listed(&cast, &guest, documents).await, [ids[1].clone()]);
    let patch = json!({ "data": { "n": 9 } });
    cast.send(&guest, Method::PATCH, &one, patch.clone()).await.problem(403, "forbidden");
    grant(&cast, on(&ids[3]), json!({ "role": "guest" }), json!(["documents:write"])).await;
    let third = format!("{documents}/{}", ids[3]);
    cast.send(&guest, Method::PATCH, &third, patch).await.expect(200);
    assert_eq!(listed(&cast, &guest, &format!("{documents}?sort=-id")).await, [ids[3].clone(), ids[1].clone()]);
    assert_eq!(listed(&cast, &guest, &format!("{documents}?filter=data.n%20eq%209")).await, [ids[3].clone()]);
    cast.send(&guest, Method::POST, documents, json!({ "data": {} })).await.problem(403, "forbidden");
    assert_eq!(reads(&cast, &guest, "/collections/orders").await, 403, "a document's grant is none on its collection");
    cast.call(&cast.admin, Method::DELETE, &first).send().await.expect(204);
    assert_eq!(reads(&cast, &guest, &one).await, 403);
    cast.call(&guest, Method::DELETE, &third).send().await.expect(204);
    cast.read(&guest, documents).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_grant_on_a_collection_gives_all_that_is_in_it() {
    let cast = Cast::new().await;
    for name in ["orders", "secrets"] {
        cast.collection(name, json!({})).await;
        cast.document(name, json!({ "in": name })).await;
    }
    let guest = member_with(&cast, "guest", json!([])).await;
    let pilots = team(&cast, "Pilots", Value::Null).await;
    let id = pilots.rsplit('/').next().unwrap();
    let granted =
        grant(&cast, json!({ "collection": "orders" }), json!({ "team": id }), json!(["documents:write"])).await;
    assert_eq!(reads(&cast, &guest, "/collections/orders").await, 403);
    cast.call(&cast.owner, Method::PUT, place(&pilots, &guest)).send().await.expect(204);
    assert_eq!(reads(&cast, &guest, "/collections/orders").await, 200);
    assert_eq!(listed(&cast, &guest, "/collections/orders/documents").await.len(), 1);
    cast.send(&guest, Method::POST, "/collections/orders/documents", json!({ "data": {} })).await.expect(201);
    assert_eq!(listed(&cast, &guest, "/collections").await.len(), 1);
    assert_eq!(reads(&cast, &guest, "/collections/secrets/documents").await, 403);
    cast.send(&guest, Method::PATCH, "/collections/orders", json!({ "name": "x" })).await.problem(403, "forbidden");
    let all = cast.read(&cast.admin, "/grants?collection=orders").await.expect(200).json();
    assert_eq!(all["items"][0]["permissions"], json!(["collections:read", "documents:read", "documents:write"]));
    assert_eq!(all["items"][0]["to"], json!({ "team": id }));
    cast.call(&cast.admin, Method::DELETE, &granted).send().await.expect(204);
    assert_eq!(reads(&cast, &guest, "/collections/orders/documents").await, 403);
}

#[tokio::test]
async fn a_grant_ends() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let guest = member_with(&cast, "guest", json!([])).await;
    grant(&cast, json!({ "collection": "orders" }), json!({ "user": guest.id }), json!(["documents:read"])).await;
    assert_eq!(reads(&cast, &guest, "/collections/orders/documents").await, 200);
    sqlx::query("UPDATE grants SET expires_at = now()").execute(&mut cast.app.database().await).await.unwrap();
    assert_eq!(reads(&cast, &guest, "/collections/orders/documents").await, 403);
}

#[tokio::test]
async fn grants_that_make_no_sense_are_refused() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let document = cast.document("orders", json!({})).await;
    let collection = json!({ "collection": "orders" });
    let viewer = json!({ "user": cast.viewer.id });
    let read = json!(["documents:read"]);
    let past = "2020-01-01T00:00:00Z";
    for (body, pointer) in [
        (json!({ "on": { "collection": "nothing" }, "to": viewer, "permissions": read }), "/on/collection"),
        (
            json!({ "on": { "collection": "orders", "document": cast.workspace }, "to": viewer, "permissions": read }),
            "/on/document",
        ),
        (json!({ "on": collection, "to": { "user": cast.stranger.id }, "permissions": read }), "/to/user"),
        (json!({ "on": collection, "to": { "team": cast.workspace }, "permissions": read }), "/to/team"),
        (json!({ "on": collection, "to": { "role": "nobody" }, "permissions": read }), "/to/role"),
        (json!({ "on": collection, "to": viewer, "permissions": ["audit:read"] }), "/permissions"),
        (json!({ "on": collection, "to": viewer, "permissions": [] }), "/permissions"),
        (json!({ "on": collection, "to": viewer, "permissions": read, "expires_at": past }), "/expires_at"),
        (json!({ "on": collection, "to": { "link": true }, "permissions": read }), "/expires_at"),
        (
            json!({ "on": { "collection": "orders", "document": document }, "to": { "link": true },
                    "permissions": ["documents:write"], "expires_at": "2099-01-01T00:00:00Z" }),
            "/permissions",
        ),
    ] {
        let answer = cast.send(&cast.owner, Method::POST, "/grants", body.clone()).await;
        let problem = answer.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
}

/// Among many documents, those that are granted one by one are found by the index.
#[tokio::test]
async fn listing_what_is_granted_one_by_one_is_one_indexed_query() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let document = cast.document("orders", json!({})).await;
    let guest = member_with(&cast, "guest", json!([])).await;
    let on = json!({ "collection": "orders", "document": document });
    grant(&cast, on, json!({ "user": guest.id }), json!(["documents:read"])).await;
    let mut database = cast.app.database().await;
    let fill = "INSERT INTO documents (id, workspace_id, collection_id, data)
                SELECT gen_random_uuid(), workspace_id, id, '{}' FROM collections, generate_series(1, 20000)";
    sqlx::query(fill).execute(&mut database).await.unwrap();
    sqlx::query("ANALYZE documents").execute(&mut database).await.unwrap();
    let scope =
        core_service::database::Scope::user(guest.id.parse().unwrap()).in_workspace(cast.workspace.parse().unwrap());
    let mut tx = cast.app.state.database.begin_read(&scope).await.unwrap();
    let sql = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
               SELECT id FROM member_documents WHERE collection_id = (SELECT id FROM collections)
                 AND id = ANY ((SELECT breakwater_granted('documents:read', 'document'))::uuid[])
               ORDER BY id LIMIT 51";
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *tx).await.unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("Index") && !plan.contains("Seq Scan on documents"), "{plan}");
    assert!(!plan.contains("Rows Removed by Filter: 2"), "it looks at documents that are not granted: {plan}");
    drop(tx);
    assert_eq!(listed(&cast, &guest, "/collections/orders/documents").await, [document]);
}

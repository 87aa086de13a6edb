//! What keys allow: never more than their owner may do, less if they say so, and nothing about accounts.

use http::Method;
use serde_json::{Value, json};

use super::of_user;
use crate::cast::Cast;
use crate::support::Answer;

async fn ask(cast: &Cast, key: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let call = cast.app.call(method, path).bearer(key);
    match body {
        Some(body) => call.json(body).send().await,
        None => call.send().await,
    }
}

#[tokio::test]
async fn a_key_may_do_less_than_its_owner() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let document = cast.document("orders", json!({ "n": 1 })).await;
    let made = of_user(&cast.app, &cast.owner, json!({ "permissions": ["documents:read"] })).await;
    let documents = cast.path("/collections/orders/documents");
    ask(&cast, &made.key, Method::GET, &documents, None).await.expect(200);
    ask(&cast, &made.key, Method::GET, &format!("{documents}/{document}"), None).await.expect(200);
    // What makes no sense without something else brings it along.
    ask(&cast, &made.key, Method::GET, &cast.path("/collections/orders"), None).await.expect(200);
    ask(&cast, &made.key, Method::GET, "/api/v1/workspaces", None).await.expect(200);
    let new = Some(json!({ "data": { "n": 2 } }));
    let refused = ask(&cast, &made.key, Method::POST, &documents, new.clone()).await.problem(403, "forbidden");
    assert_eq!(refused["detail"], "This needs the permission documents:write.");
    ask(&cast, &made.key, Method::GET, &cast.path("/members"), None).await.problem(403, "forbidden");
    ask(&cast, &made.key, Method::DELETE, &cast.path(""), None).await.problem(403, "forbidden");
    // Nor does it make the owner leave.
    let leave = cast.path(&format!("/members/{}", cast.owner.id));
    ask(&cast, &made.key, Method::DELETE, &leave, None).await.problem(403, "forbidden");
    ask(&cast, &cast.owner.access_token, Method::POST, &documents, new).await.expect(201);

    let explain = cast.path("/access/explain?permission=documents:write");
    let told = ask(&cast, &made.key, Method::GET, &explain, None).await.expect(200).json();
    assert_eq!(
        (&told["allowed"], &told["because"]),
        (&json!(false), &json!("The API key does not allow documents:write."))
    );
    // The audit trail knows that it was the key.
    let trail = cast.read(&cast.owner, "/audit?action=permission.denied").await.expect(200).json();
    assert_eq!(trail["items"][0]["details"]["api_key"], made.id);
    assert_eq!(
        (&trail["items"][0]["actor_id"], &trail["items"][0]["session_id"]),
        (&json!(cast.owner.id), &Value::Null)
    );
}

#[tokio::test]
async fn a_key_may_never_do_more_than_its_owner() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let documents = cast.path("/collections/orders/documents");
    let wide = json!({ "permissions": ["documents:write", "members:manage"] });
    let made = of_user(&cast.app, &cast.viewer, wide).await;
    ask(&cast, &made.key, Method::GET, &documents, None).await.expect(200);
    let new = || Some(json!({ "data": {} }));
    ask(&cast, &made.key, Method::POST, &documents, new()).await.problem(403, "forbidden");
    // What the owner may do is worked out anew for each request.
    let change = async |role: &str| {
        let path = format!("/members/{}", cast.viewer.id);
        cast.send(&cast.owner, Method::PATCH, &path, json!({ "role": role })).await.expect(200);
    };
    change("editor").await;
    ask(&cast, &made.key, Method::POST, &documents, new()).await.expect(201);
    change("viewer").await;
    ask(&cast, &made.key, Method::POST, &documents, new()).await.problem(403, "forbidden");
    cast.call(&cast.owner, Method::DELETE, format!("/members/{}", cast.viewer.id)).send().await.expect(204);
    ask(&cast, &made.key, Method::GET, &documents, None).await.problem(404, "not-found");
}

/// A grant on a single thing is narrowed like a role.
#[tokio::test]
async fn grants_are_narrowed_too() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let document = cast.document("orders", json!({})).await;
    let grant = json!({ "on": { "collection": "orders" }, "to": { "user": cast.viewer.id },
                        "permissions": ["documents:write"] });
    cast.send(&cast.owner, Method::POST, "/grants", grant).await.expect(201);
    let path = cast.path(&format!("/collections/orders/documents/{document}"));
    let change = || Some(json!({ "data": { "a": 1 } }));
    let narrow = of_user(&cast.app, &cast.viewer, json!({ "permissions": ["documents:read"] })).await;
    let wide = of_user(&cast.app, &cast.viewer, json!({})).await;
    ask(&cast, &narrow.key, Method::PATCH, &path, change()).await.problem(403, "forbidden");
    ask(&cast, &wide.key, Method::PATCH, &path, change()).await.expect(200);
    let blind = of_user(&cast.app, &cast.viewer, json!({ "permissions": ["members:read"] })).await;
    ask(&cast, &blind.key, Method::GET, &path, None).await.problem(403, "forbidden");
    ask(&cast, &blind.key, Method::GET, &cast.path("/collections/orders/documents"), None)
        .await
        .problem(403, "forbidden");
}

/// The database decides once more: without the service's own check, a narrowed transaction sees nothing.
#[tokio::test]
async fn the_database_narrows_as_well() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    cast.document("orders", json!({})).await;
    let seen = async |permissions: &str| -> i64 {
        let scope = core_service::database::Scope::user(cast.owner.id.parse().unwrap())
            .in_workspace(cast.workspace.parse().unwrap());
        let mut tx = cast.app.state.database.begin_read(&scope).await.unwrap();
        sqlx::query("SELECT set_config('breakwater.permissions', $1, true)")
            .bind(permissions)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query_scalar("SELECT count(*) FROM documents").fetch_one(&mut *tx).await.unwrap()
    };
    assert_eq!(seen("").await, 1);
    assert_eq!(seen("only,documents:read").await, 1);
    assert_eq!(seen("only,members:read").await, 0);
    assert_eq!(seen("only").await, 0);
}

/// Every operation either takes keys or says that it takes none.
#[tokio::test]
async fn what_is_about_accounts_takes_no_key() {
    let cast = Cast::new().await;
    let made = of_user(&cast.app, &cast.owner, json!({})).await;
    let document = serde_json::to_value(core_service::app::openapi()).unwrap();
    let mut refusing = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let needs = operation["security"].as_array().unwrap().iter().any(|way| way.get("bearer").is_some());
            if !needs {
                continue;
            }
            let id = operation["operationId"].as_str().unwrap();
            let told = operation["responses"].as_object().unwrap().values();
            let refuses = told
                .clone()
                .any(|answer| answer["description"].as_str().unwrap().contains("An API key may not do this"));
            if !refuses {
                assert!(!id.starts_with("identity.") || id == "identity.me.get", "{id} takes keys");
                continue;
            }
            refusing += 1;
            let path = path.split('/').map(|part| match part.starts_with('{') {
                true => uuid::Uuid::now_v7().to_string(),
                false => part.to_owned(),
            });
            let path = path.collect::<Vec<_>>().join("/");
            let method = method.to_uppercase().parse().unwrap();
            ask(&cast, &made.key, method, &path, Some(json!({}))).await.problem(403, "session-required");
        }
    }
    assert!(refusing > 30, "{refusing}");
}

/// A key that may do less is not answered with what its owner was answered.
#[tokio::test]
async fn a_kept_answer_is_for_whom_it_was_made() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let documents = cast.path("/collections/orders/documents");
    let narrow = of_user(&cast.app, &cast.owner, json!({ "permissions": ["documents:read"] })).await;
    let ask = |token: &str| {
        let call = cast.app.post(&documents).bearer(token).header("idempotency-key", "k1");
        call.json(json!({ "data": { "n": 1 } }))
    };
    ask(&cast.owner.access_token).send().await.expect(201);
    ask(&narrow.key).send().await.problem(403, "forbidden");
}

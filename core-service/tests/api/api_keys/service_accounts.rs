//! Service accounts and their keys.

use http::Method;
use serde_json::{Value, json};

use super::{of_account, service_account};
use crate::cast::Cast;

#[tokio::test]
async fn a_service_account_works_with_its_keys_and_nothing_else() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let account = service_account(&cast, "editor").await;
    let made = of_account(&cast, &account, json!({})).await;
    let me = cast.app.get("/api/v1/me").bearer(&made.key).send().await.expect(200).json();
    assert_eq!(
        (&me["id"], &me["role"], &me["workspace_id"]),
        (&json!(account), &json!("editor"), &json!(cast.workspace))
    );
    let call = |method, path: &str| cast.app.call(method, &cast.path(path)).bearer(&made.key);
    let documents = "/collections/orders/documents";
    let new = call(Method::POST, documents).json(json!({ "data": { "n": 1 } })).send().await.expect(201).json();
    assert_eq!(new["created_by"], account);
    call(Method::DELETE, "/collections/orders").send().await.problem(403, "forbidden");
    let elsewhere = format!("/api/v1/workspaces/{}", cast.elsewhere);
    cast.app.get(&elsewhere).bearer(&made.key).send().await.problem(404, "not-found");
    let own = cast.app.get("/api/v1/workspaces").bearer(&made.key).send().await.expect(200).json();
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    let found = json!({ "name": "Mine" });
    let found = cast.app.post("/api/v1/workspaces").bearer(&made.key).json(found).send().await;
    found.problem(403, "session-required");
    // It is no person: no list of people has it, and nothing about people is done to it.
    let members = cast.read(&cast.owner, "/members").await.json();
    assert!(!members.to_string().contains(&account));
    let member = format!("/members/{account}");
    cast.read(&cast.owner, &member).await.problem(404, "not-found");
    cast.send(&cast.owner, Method::PATCH, &member, json!({ "role": "admin" })).await.problem(404, "not-found");
    cast.call(&cast.owner, Method::DELETE, &member).send().await.problem(404, "not-found");
}

#[tokio::test]
async fn it_is_listed_changed_and_deleted() {
    let cast = Cast::new().await;
    let account = service_account(&cast, "viewer").await;
    let made = of_account(&cast, &account, json!({})).await;
    let path = format!("/service-accounts/{account}");
    let list = cast.read(&cast.viewer, "/service-accounts").await.expect(200).json();
    assert_eq!(list["items"][0]["id"], account);
    let got = cast.read(&cast.viewer, &path).await.expect(200);
    let etag = got.header("etag").to_owned();
    let change = json!({ "name": "Nightly", "role": "editor" });
    let changed = cast.send(&cast.admin, Method::PATCH, &path, change.clone()).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["role"]), (&json!("Nightly"), &json!("editor")));
    let late = cast.call(&cast.admin, Method::PATCH, &path).header("if-match", &etag).json(change);
    late.send().await.problem(412, "precondition-failed");
    let taken = json!({ "name": "Nightly", "role": "viewer" });
    cast.send(&cast.admin, Method::POST, "/service-accounts", taken).await.problem(409, "name-taken");
    let keys = cast.read(&cast.admin, format!("{path}/api-keys")).await.expect(200).json();
    assert_eq!(keys["items"][0]["id"], made.id);
    cast.call(&cast.admin, Method::DELETE, &path).send().await.expect(204);
    cast.read(&cast.admin, &path).await.problem(404, "not-found");
    cast.app.get("/api/v1/me").bearer(&made.key).send().await.problem(401, "invalid-token");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE email IS NULL")
        .fetch_one(&mut cast.app.database().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
    let trail = cast.read(&cast.owner, "/audit").await.json();
    let actions: Vec<_> = trail["items"].as_array().unwrap().iter().map(|event| event["action"].clone()).collect();
    for action in ["service-account.created", "api-key.created", "service-account.changed", "service-account.deleted"] {
        assert!(actions.contains(&json!(action)), "{action} is not in {actions:?}");
    }
}

#[tokio::test]
async fn nobody_gets_more_than_they_have_by_one() {
    let cast = Cast::new().await;
    let owner = json!({ "name": "Root", "role": "owner" });
    let refused = cast.send(&cast.owner, Method::POST, "/service-accounts", owner).await;
    assert_eq!(refused.problem(422, "validation-failed")["errors"][0]["pointer"], "/role");
    // Somebody who manages members, and nothing else.
    let role = json!({ "name": "clerk", "permissions": ["members:manage"] });
    cast.send(&cast.owner, Method::POST, "/roles", role).await.expect(201);
    let clerk = cast.app.user().await;
    cast.add(&clerk, "clerk").await;
    let editor = service_account(&cast, "editor").await;
    let path = format!("/service-accounts/{editor}");
    let as_clerk = |method, path: String, body: Value| cast.send(&clerk, method, path, body);
    let own = json!({ "name": "Mine", "role": "admin" });
    as_clerk(Method::POST, "/service-accounts".to_owned(), own).await.problem(403, "forbidden");
    as_clerk(Method::POST, format!("{path}/api-keys"), json!({ "name": "k" })).await.problem(403, "forbidden");
    as_clerk(Method::PATCH, path.clone(), json!({ "role": "clerk" })).await.problem(403, "forbidden");
    cast.call(&clerk, Method::DELETE, &path).send().await.problem(403, "forbidden");
    // What it may do by a team counts as well.
    let own = json!({ "name": "Mine", "role": "clerk" });
    let mine = as_clerk(Method::POST, "/service-accounts".to_owned(), own).await.expect(201).json();
    let mine = mine["id"].as_str().unwrap().to_owned();
    as_clerk(Method::POST, format!("/service-accounts/{mine}/api-keys"), json!({ "name": "k" })).await.expect(201);
    let team = json!({ "name": "Writers", "role": "editor" });
    let team = cast.send(&cast.owner, Method::POST, "/teams", team).await.expect(201).json();
    let place = format!("/teams/{}/members/{mine}", team["id"].as_str().unwrap());
    cast.call(&cast.owner, Method::PUT, place).send().await.expect(204);
    let again = as_clerk(Method::POST, format!("/service-accounts/{mine}/api-keys"), json!({ "name": "k" })).await;
    again.problem(403, "forbidden");
}

#[tokio::test]
async fn it_goes_with_its_workspace() {
    let cast = Cast::new().await;
    let account = service_account(&cast, "viewer").await;
    let made = of_account(&cast, &account, json!({})).await;
    cast.call(&cast.owner, Method::DELETE, "").send().await.expect(204);
    cast.app.get("/api/v1/me").bearer(&made.key).send().await.problem(401, "invalid-token");
}

/// A workspace that demands second factors demands them of people.
#[tokio::test]
async fn a_key_stands_for_the_second_factor_of_its_maker() {
    let cast = Cast::new().await;
    let account = service_account(&cast, "viewer").await;
    let robot = of_account(&cast, &account, json!({})).await;
    let bare = super::of_user(&cast.app, &cast.owner, json!({})).await;
    sqlx::query("UPDATE workspaces SET mfa_required = true").execute(&mut cast.app.database().await).await.unwrap();
    cast.app.get(&cast.path("")).bearer(&robot.key).send().await.expect(200);
    cast.app.get(&cast.path("")).bearer(&bare.key).send().await.problem(403, "mfa-needed");
}

/// Nobody signs in as a service account, so what becomes of its keys is told to the workspace.
#[tokio::test]
async fn its_refused_keys_are_in_the_workspaces_trail() {
    let cast = Cast::new().await;
    let account = service_account(&cast, "viewer").await;
    let made = of_account(&cast, &account, json!({ "addresses": ["203.0.113.0/24"] })).await;
    let body = format!("token={}&address=192.0.2.44", made.key);
    let asked = cast.app.post("/edge/v1/introspect").header("content-type", "application/x-www-form-urlencoded");
    asked.body(body).send().await.expect(200);
    let trail = cast.read(&cast.owner, "/audit?action=api-key.refused").await.expect(200).json();
    assert_eq!(trail["items"][0]["target_id"], made.id);
    assert_eq!(trail["items"][0]["details"], json!({ "because": "address", "from": "192.0.2.44" }));
}

/// A program is no owner, whoever would make it one, and support acts for people.
#[tokio::test]
async fn what_is_for_people_is_not_for_it() {
    let cast = Cast::new().await;
    let account = service_account(&cast, "admin").await;
    let transfer = cast.send(&cast.owner, Method::POST, "/transfer", json!({ "user": account })).await;
    assert_eq!(transfer.problem(422, "validation-failed")["errors"][0]["pointer"], "/user");
    let service = cast.read(&cast.owner, &format!("/service-accounts/{account}")).await.expect(200).json();
    assert_eq!(service["role"], "admin");
}

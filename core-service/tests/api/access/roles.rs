//! Roles of a workspace's own.

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::support::User;

/// A member with a new role of these permissions.
pub async fn member_with(cast: &Cast, role: &str, permissions: Value) -> User {
    let new = json!({ "name": role, "permissions": permissions });
    cast.send(&cast.owner, Method::POST, "/roles", new).await.expect(201);
    let user = cast.app.user().await;
    cast.add(&user, role).await;
    user
}

/// The table of built-in roles as people think of it. Change both, on purpose.
#[tokio::test]
async fn built_in_roles_allow_what_they_should() {
    let cast = Cast::new().await;
    let viewer = "workspace:read members:read collections:read documents:read files:read";
    let table = [
        ("viewer", viewer.to_owned()),
        ("editor", viewer.replace("files:read", "documents:write files:read files:write")),
        (
            "admin",
            "workspace:read workspace:update members:read members:manage roles:manage teams:manage grants:manage \
             collections:read collections:manage documents:read documents:write files:read files:write files:hold audit:read"
                .to_owned(),
        ),
        (
            "owner",
            "workspace:read workspace:update workspace:delete members:read members:manage owners:manage roles:manage \
             teams:manage grants:manage collections:read collections:manage documents:read documents:write files:read files:write files:hold audit:read"
                .to_owned(),
        ),
    ];
    for (name, expected) in table {
        let role = cast.read(&cast.viewer, format!("/roles/{name}")).await.expect(200).json();
        let names: Vec<_> = role["permissions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(names.join(" "), expected, "{name}");
        assert_eq!(role["built_in"], true);
        let path = format!("/roles/{name}");
        cast.send(&cast.owner, Method::PATCH, &path, json!({ "permissions": [] })).await.problem(409, "conflict");
        cast.call(&cast.owner, Method::DELETE, &path).send().await.problem(409, "conflict");
        let new = json!({ "name": name, "permissions": [] });
        cast.send(&cast.owner, Method::POST, "/roles", new).await.problem(409, "name-taken");
    }
}

#[tokio::test]
async fn a_role_is_made_given_changed_and_deleted() {
    let cast = Cast::new().await;
    let new = json!({ "name": "auditor", "description": "Looks", "permissions": ["audit:read", "documents:read"] });
    let answer = cast.send(&cast.admin, Method::POST, "/roles", new.clone()).await.expect(201);
    assert_eq!(answer.header("location"), cast.path("/roles/auditor"));
    let implied = json!(["workspace:read", "collections:read", "documents:read", "audit:read"]);
    assert_eq!(answer.json()["permissions"], implied, "with all that follows");
    cast.send(&cast.admin, Method::POST, "/roles", new).await.problem(409, "name-taken");
    let listed = cast.read(&cast.viewer, "/roles").await.expect(200).json();
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["admin", "auditor", "editor", "owner", "viewer"]);
    let second = cast.read(&cast.viewer, "/roles?limit=2").await.expect(200).json();
    let cursor = second["next_cursor"].as_str().unwrap();
    let rest = cast.read(&cast.viewer, format!("/roles?cursor={cursor}")).await.expect(200).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 3);

    let auditor = cast.app.user().await;
    cast.add(&auditor, "auditor").await;
    cast.read(&auditor, "/audit").await.expect(200);
    cast.read(&auditor, "/members").await.problem(403, "forbidden");
    let mine = cast.app.get("/api/v1/workspaces").bearer(&auditor.access_token).send().await.expect(200).json();
    assert_eq!(mine["items"][0]["role"], "auditor");
    cast.call(&cast.admin, Method::DELETE, "/roles/auditor").send().await.problem(409, "role-in-use");

    let patch = json!({ "permissions": ["members:read"], "description": null });
    let changed = cast.call(&cast.admin, Method::PATCH, "/roles/auditor").header("if-match", "\"v1\"").json(patch);
    assert_eq!(changed.send().await.expect(200).json()["description"], Value::Null);
    cast.read(&auditor, "/members").await.expect(200);
    cast.read(&auditor, "/audit").await.problem(403, "forbidden");
    let stale = cast.call(&cast.admin, Method::DELETE, "/roles/auditor").header("if-match", "\"v1\"");
    stale.send().await.problem(412, "precondition-failed");
    let path = format!("/members/{}", auditor.id);
    cast.send(&cast.admin, Method::PATCH, &path, json!({ "role": "viewer" })).await.expect(200);
    cast.call(&cast.admin, Method::DELETE, "/roles/auditor").send().await.expect(204);
    cast.read(&cast.admin, "/roles/auditor").await.problem(404, "not-found");
}

/// By every way that there is.
#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let cast = Cast::new().await;
    let permissions = json!(["members:manage", "roles:manage", "teams:manage", "grants:manage"]);
    let clerk = member_with(&cast, "clerk", permissions).await;
    cast.collection("orders", json!({})).await;
    let other = cast.app.user().await;
    let denied = async |method: Method, path: &str, body: Value, missing: &str| {
        let problem = cast.send(&clerk, method, path, body).await.problem(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains(missing), "{path}: {problem}");
    };
    denied(Method::POST, "/roles", json!({ "name": "x", "permissions": ["documents:read"] }), "collections:read").await;
    denied(Method::POST, "/members", json!({ "email": other.email, "role": "viewer" }), "collections:read").await;
    denied(Method::POST, "/members", json!({ "email": other.email, "role": "owner" }), "owners:manage").await;
    denied(Method::PATCH, &format!("/members/{}", clerk.id), json!({ "role": "admin" }), "workspace:update").await;
    denied(Method::PATCH, &format!("/members/{}", cast.viewer.id), json!({ "role": "clerk" }), "collections:read")
        .await;
    denied(Method::DELETE, &format!("/members/{}", cast.admin.id), json!({}), "workspace:update").await;
    denied(Method::PATCH, "/roles/clerk", json!({ "permissions": ["audit:read"] }), "audit:read").await;
    denied(Method::POST, "/teams", json!({ "name": "x", "role": "viewer" }), "collections:read").await;
    let grant =
        json!({ "on": { "collection": "orders" }, "to": { "user": clerk.id }, "permissions": ["documents:read"] });
    denied(Method::POST, "/grants", grant, "collections:read").await;
    let team =
        cast.send(&cast.owner, Method::POST, "/teams", json!({ "name": "t", "role": "editor" })).await.expect(201);
    let team = team.json()["id"].as_str().unwrap().to_owned();
    denied(Method::PUT, &format!("/teams/{team}/members/{}", clerk.id), json!({}), "collections:read").await;
    // And what they have, they may give.
    cast.send(&clerk, Method::POST, "/members", json!({ "email": other.email, "role": "clerk" })).await.expect(201);
    cast.send(&clerk, Method::POST, "/roles", json!({ "name": "y", "permissions": ["members:read"] }))
        .await
        .expect(201);
}

#[tokio::test]
async fn nonsense_is_refused() {
    let cast = Cast::new().await;
    for (body, pointer) in [
        (json!({ "name": "Auditor", "permissions": [] }), "/name"),
        (json!({ "name": "a", "permissions": ["documents:fly"] }), "/permissions/0"),
        (json!({ "name": "a" }), "/permissions"),
    ] {
        let problem = cast.send(&cast.owner, Method::POST, "/roles", body).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let body = json!({ "email": cast.stranger.email, "role": "nobody" });
    let problem = cast.send(&cast.owner, Method::POST, "/members", body).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], "/role");
}

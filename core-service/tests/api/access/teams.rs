//! Teams.

use http::Method;
use serde_json::{Value, json};

use super::roles::member_with;
use crate::cast::Cast;
use crate::support::User;

/// A new team's path.
pub async fn team(cast: &Cast, name: &str, role: Value) -> String {
    let made = cast.send(&cast.owner, Method::POST, "/teams", json!({ "name": name, "role": role })).await.expect(201);
    format!("/teams/{}", made.json()["id"].as_str().unwrap())
}

pub fn place(team: &str, user: &User) -> String {
    format!("{team}/members/{}", user.id)
}

#[tokio::test]
async fn a_team_gives_its_role_to_whoever_is_in_it() {
    let cast = Cast::new().await;
    cast.collection("orders", json!({})).await;
    let path = "/collections/orders/documents";
    let guest = member_with(&cast, "guest", json!([])).await;
    let team = team(&cast, "Pilots", json!("viewer")).await;
    cast.read(&guest, path).await.problem(403, "forbidden");
    cast.call(&cast.admin, Method::PUT, place(&team, &guest)).send().await.expect(204);
    cast.call(&cast.admin, Method::PUT, place(&team, &guest)).send().await.expect(204);
    cast.read(&guest, path).await.expect(200);
    let document = json!({ "data": {} });
    cast.send(&guest, Method::POST, path, document.clone()).await.problem(403, "forbidden");
    cast.send(&cast.admin, Method::PATCH, &team, json!({ "role": "editor" })).await.expect(200);
    cast.send(&guest, Method::POST, path, document).await.expect(201);
    let listed = cast.read(&guest, format!("{team}/members")).await.expect(200).json();
    assert_eq!(listed["items"][0]["user_id"], guest.id.as_str());
    cast.send(&cast.admin, Method::PATCH, &team, json!({ "role": null })).await.expect(200);
    cast.read(&guest, path).await.problem(403, "forbidden");
}

#[tokio::test]
async fn who_leaves_the_workspace_leaves_its_teams() {
    let cast = Cast::new().await;
    let team = team(&cast, "Pilots", json!("admin")).await;
    cast.call(&cast.owner, Method::PUT, place(&team, &cast.viewer)).send().await.expect(204);
    let member = format!("/members/{}", cast.viewer.id);
    cast.call(&cast.owner, Method::DELETE, &member).send().await.expect(204);
    cast.read(&cast.viewer, "").await.problem(404, "not-found");
    cast.add(&cast.viewer, "viewer").await;
    cast.read(&cast.viewer, "/audit").await.problem(403, "forbidden");
}

#[tokio::test]
async fn teams_are_for_members_and_never_owners() {
    let cast = Cast::new().await;
    let team = team(&cast, "Pilots", Value::Null).await;
    cast.call(&cast.owner, Method::PUT, place(&team, &cast.stranger)).send().await.problem(404, "not-found");
    let new = json!({ "name": "Kings", "role": "owner" });
    cast.send(&cast.owner, Method::POST, "/teams", new).await.problem(422, "validation-failed");
    let new = json!({ "name": "Pilots" });
    cast.send(&cast.owner, Method::POST, "/teams", new).await.problem(409, "name-taken");
    cast.call(&cast.viewer, Method::DELETE, &team).send().await.problem(403, "forbidden");
    cast.call(&cast.owner, Method::PUT, place(&team, &cast.viewer)).send().await.expect(204);
    cast.call(&cast.viewer, Method::DELETE, place(&team, &cast.viewer)).send().await.expect(204);
    cast.call(&cast.admin, Method::DELETE, &team).send().await.expect(204);
    cast.read(&cast.admin, &team).await.problem(404, "not-found");
}

//! The transfer of ownership.

use http::Method;
use serde_json::json;

use crate::cast::Cast;
use crate::support::{Answer, User};

async fn transfer(cast: &Cast, by: &User, to: &User) -> Answer {
    cast.send(by, Method::POST, "/transfer", json!({ "user": to.id })).await
}

#[tokio::test]
async fn ownership_goes_to_another_member_or_stays() {
    let cast = Cast::new().await;
    transfer(&cast, &cast.admin, &cast.admin).await.problem(403, "forbidden");
    transfer(&cast, &cast.owner, &cast.stranger).await.problem(422, "validation-failed");
    transfer(&cast, &cast.owner, &cast.owner).await.problem(422, "validation-failed");
    let role =
        async |user: &User| cast.read(user, format!("/members/{}", user.id)).await.expect(200).json()["role"].clone();
    assert_eq!((role(&cast.viewer).await, role(&cast.owner).await), (json!("viewer"), json!("owner")));
    transfer(&cast, &cast.owner, &cast.viewer).await.expect(204);
    assert_eq!((role(&cast.viewer).await, role(&cast.owner).await), (json!("owner"), json!("admin")));
    transfer(&cast, &cast.owner, &cast.owner).await.problem(403, "forbidden");
    let history = cast.read(&cast.viewer, "/audit?action=workspace.transferred").await.expect(200).json();
    assert_eq!(history["items"][0]["target_id"], cast.viewer.id);
    // The one before may leave now, the new one may not.
    let leave = async |user: &User| cast.call(user, Method::DELETE, format!("/members/{}", user.id)).send().await;
    leave(&cast.viewer).await.problem(409, "last-owner");
    leave(&cast.owner).await.expect(204);
}

#[tokio::test]
async fn it_needs_a_recent_proof_of_who_asks() {
    let cast = Cast::new().await;
    let long_ago = "UPDATE sessions SET authenticated_at = now() - interval '1 day'";
    sqlx::query(long_ago).execute(&mut cast.app.database().await).await.unwrap();
    transfer(&cast, &cast.owner, &cast.admin).await.problem(401, "step-up-required");
    let proof = json!({ "password": cast.owner.password });
    let prove = cast.app.post("/api/v1/auth/step-up").bearer(&cast.owner.access_token).json(proof);
    prove.send().await.expect(204);
    transfer(&cast, &cast.owner, &cast.admin).await.expect(204);
}

/// Two owners who hand over at the same moment leave owners behind.
#[tokio::test]
async fn owners_who_hand_over_together_leave_an_owner() {
    let cast = Cast::new().await;
    let path = format!("/members/{}", cast.admin.id);
    cast.send(&cast.owner, Method::PATCH, &path, json!({ "role": "owner" })).await.expect(200);
    let (one, other) =
        tokio::join!(transfer(&cast, &cast.owner, &cast.viewer), transfer(&cast, &cast.admin, &cast.editor));
    one.expect(204);
    other.expect(204);
    let members = cast.read(&cast.viewer, "/members").await.expect(200).json();
    let owners = members["items"].as_array().unwrap().iter().filter(|member| member["role"] == "owner");
    assert_eq!(owners.count(), 2);
}

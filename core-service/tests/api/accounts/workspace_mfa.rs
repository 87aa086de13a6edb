//! Workspaces that want a second factor of their members.

use http::Method;
use serde_json::json;

use super::mfa;
use crate::cast::Cast;
use crate::support::{TestApp, User};

async fn refreshed(app: &TestApp, user: &User) -> User {
    let body = json!({ "refresh_token": user.refresh_token });
    let tokens = app.post("/api/v1/auth/refresh").json(body).send().await.expect(200).json();
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    User { access_token: text("access_token"), refresh_token: text("refresh_token"), ..user.clone() }
}

#[tokio::test]
async fn whoever_has_given_none_does_nothing_there() {
    let cast = Cast::new().await;
    let (admin, _) = mfa::with_app(&cast.app).await;
    cast.add(&admin, "admin").await;
    let demand = async |user: &User| cast.send(user, Method::PATCH, "", json!({ "mfa_required": true })).await;
    demand(&cast.owner).await.problem(403, "mfa-needed");
    demand(&admin).await.problem(403, "mfa-needed");
    // Confirming the app was giving a factor; the next token says so.
    let admin = refreshed(&cast.app, &admin).await;
    assert_eq!(demand(&admin).await.expect(200).json()["mfa_required"], true);

    cast.read(&admin, "/members").await.expect(200);
    for member in [&cast.owner, &cast.editor, &cast.viewer] {
        for rest in ["", "/members", "/collections"] {
            cast.read(member, rest).await.problem(403, "mfa-needed");
        }
    }
    cast.read(&cast.stranger, "").await.problem(404, "not-found");
    // Other workspaces are not touched, and the list tells which one wants it.
    let listed = cast.app.get("/api/v1/workspaces").bearer(&cast.viewer.access_token).send().await.expect(200).json();
    assert_eq!(listed["items"][0]["mfa_required"], true);
    cast.app
        .get(&format!("/api/v1/workspaces/{}", cast.elsewhere))
        .bearer(&cast.stranger.access_token)
        .send()
        .await
        .expect(200);
    cast.send(&admin, Method::PATCH, "", json!({ "mfa_required": false })).await.expect(200);
    cast.read(&cast.viewer, "/members").await.expect(200);
}

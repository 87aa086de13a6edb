//! API keys: what they allow, and when they end.

mod edge;
mod own;
mod scope;
mod service_accounts;

use http::Method;
use serde_json::{Value, json};

use crate::cast::Cast;
use crate::support::{Answer, TestApp, User};

/// A key that was made.
pub struct Made {
    pub id: String,
    pub key: String,
}

impl Made {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self { id: text("id"), key: text("key") }
    }
}

/// A key of `user`'s.
pub async fn of_user(app: &TestApp, user: &User, more: Value) -> Made {
    Made::of(&ask(app, user, more).await.expect(201))
}

/// Asks for a key of `user`'s.
pub async fn ask(app: &TestApp, user: &User, more: Value) -> Answer {
    let mut body = json!({ "name": "Nightly import" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post("/api/v1/me/api-keys").bearer(&user.access_token).json(body).send().await
}

/// A service account of the cast's workspace, made by the owner; its id.
pub async fn service_account(cast: &Cast, role: &str) -> String {
    let name = format!("{role} {}", uuid::Uuid::now_v7().simple());
    let body = json!({ "name": name, "role": role });
    let made = cast.send(&cast.owner, Method::POST, "/service-accounts", body).await.expect(201);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// A key of a service account, made by the owner.
pub async fn of_account(cast: &Cast, account: &str, more: Value) -> Made {
    let mut body = json!({ "name": "Nightly import" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/service-accounts/{account}/api-keys");
    Made::of(&cast.send(&cast.owner, Method::POST, path, body).await.expect(201))
}

//! Accounts: addresses that are verified, passwords that are changed and forgotten, addresses that change.

mod deletion;
mod email_change;
mod enumeration;
mod guesses;
pub mod mfa;
pub mod passkeys;
mod password_reset;
mod passwords;
mod verification;
mod workspace_mfa;

use crate::support::{Answer, TestApp, User};
use serde_json::{Value, json};

/// Whether the session of `user` still lives.
async fn is_signed_in(app: &TestApp, user: &User) -> bool {
    match app.get("/api/v1/me").bearer(&user.access_token).send().await.status.as_u16() {
        200 => true,
        401 => false,
        status => panic!("{status}"),
    }
}

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/api/v1/auth/login").json(json!({ "email": email, "password": password })).send().await
}

async fn me(app: &TestApp, user: &User) -> Value {
    app.get("/api/v1/me").bearer(&user.access_token).send().await.expect(200).json()
}

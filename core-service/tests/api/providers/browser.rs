//! A browser, as far as signing in with a provider needs one: it keeps one cookie and goes where it is sent.

use serde_json::{Value, json};
use url::Url;

use super::played::{Account, Played};
use crate::support::{Answer, TestApp, User};

/// Somebody's browser.
#[derive(Default)]
pub struct Browser {
    pub cookie: String,
}

impl Browser {
    /// Begins to sign in: where the provider is.
    pub async fn depart(&mut self, app: &TestApp, provider: &str) -> Url {
        let begun = app.post(&format!("/api/v1/auth/providers/{provider}")).json(json!({})).send().await.expect(200);
        self.went_out(&begun)
    }

    /// Begins to link.
    pub async fn depart_to_link(&mut self, app: &TestApp, user: &User, provider: &str) -> Url {
        let new = json!({ "provider": provider });
        let begun = app.post("/api/v1/me/identities").bearer(&user.access_token).json(new).send().await.expect(200);
        self.went_out(&begun)
    }

    fn went_out(&mut self, begun: &Answer) -> Url {
        let cookie = begun.header("set-cookie");
        assert!(cookie.ends_with("; Path=/; Max-Age=900; HttpOnly; SameSite=Lax"), "{cookie}");
        assert_eq!(begun.header("cache-control"), "no-store");
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        begun.json()["authorization_url"].as_str().unwrap().parse().unwrap()
    }

    /// Comes back from a provider with what it answered: what stands behind the `#` of the page that it is sent on to.
    pub async fn return_with(&self, app: &TestApp, provider: &str, query: &str) -> (String, String) {
        let path = format!("/api/v1/auth/providers/{provider}/callback?{query}");
        let onward = app.get(&path).header("cookie", &self.cookie).send().await.expect(303);
        let (page, fragment) = onward.header("location").split_once('#').unwrap();
        assert_eq!(page, super::HOME);
        let (name, value) = fragment.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    }

    /// The ticket that the way over a provider ends with.
    pub async fn ticket(&mut self, app: &TestApp, played: &Played, account: &Account) -> String {
        let out = self.depart(app, &played.name).await;
        self.ticket_of(app, &played.name, &played.approve(&out, account)).await
    }

    /// The ticket for what a provider answered.
    pub async fn ticket_of(&self, app: &TestApp, provider: &str, query: &str) -> String {
        let (name, value) = self.return_with(app, provider, query).await;
        assert_eq!(name, "ticket", "{value}");
        value
    }

    /// Signs in with a ticket.
    pub async fn sign_in(&self, app: &TestApp, ticket: &str) -> Answer {
        let call = app.post("/api/v1/auth/provider-sign-in").header("cookie", &self.cookie);
        call.json(json!({ "ticket": ticket })).send().await
    }

    /// Links with a ticket.
    pub async fn link(&self, app: &TestApp, user: &User, ticket: &str) -> Answer {
        let call = app.post("/api/v1/me/identities/confirm").header("cookie", &self.cookie);
        call.bearer(&user.access_token).json(json!({ "ticket": ticket })).send().await
    }
}

/// The whole way, in a new browser.
pub async fn sign_in(app: &TestApp, played: &Played, account: &Account) -> Answer {
    let mut browser = Browser::default();
    let ticket = browser.ticket(app, played, account).await;
    browser.sign_in(app, &ticket).await
}

/// Links, in a new browser.
pub async fn link(app: &TestApp, user: &User, played: &Played, account: &Account) -> Answer {
    let mut browser = Browser::default();
    let out = browser.depart_to_link(app, user, &played.name).await;
    let ticket = browser.ticket_of(app, &played.name, &played.approve(&out, account)).await;
    browser.link(app, user, &ticket).await
}

/// Whom a user is linked with.
pub async fn identities(app: &TestApp, token: &str) -> Vec<Value> {
    let list = app.get("/api/v1/me/identities").bearer(token).send().await.expect(200).json();
    list["items"].as_array().unwrap().clone()
}

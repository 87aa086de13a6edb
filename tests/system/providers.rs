//! Signing in with another provider, through the front door: the certified one that `cargo xtask test` starts.

use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

const HOME: &str = "https://app.example/home";

/// A system that knows the provider.
async fn start(cluster: &Cluster) -> System {
    let issuer = std::env::var("BREAKWATER_TEST_OIDC").expect("run `cargo xtask test`, which starts a provider");
    // Few, small, and as long as the tests live.
    let issuer: &'static str = issuer.leak();
    let settings: &'static [_] = Vec::leak(vec![
        ("BREAKWATER_IDENTITY__PROVIDERS__CERTIFIED__ISSUER", issuer),
        ("BREAKWATER_IDENTITY__PROVIDERS__CERTIFIED__CLIENT_ID", "breakwater"),
        ("BREAKWATER_IDENTITY__PROVIDERS__CERTIFIED__CLIENT_SECRET", "a secret of the tests: +/&="),
        ("BREAKWATER_IDENTITY__PROVIDERS__CERTIFIED__TRUST_EMAIL", "true"),
        ("BREAKWATER_IDENTITY__RETURN_URLS", HOME),
    ]);
    System::start_with(&cluster.url(), settings).await
}

/// A browser: it keeps cookies and is sent nowhere without our seeing it.
fn browser() -> reqwest::Client {
    let client = breakwater_tests::http::client().cookie_store(true);
    client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Goes to the provider, signs in there, agrees, and follows it back as far as the app's page.
async fn walk(browser: &reqwest::Client, mut url: Url) -> Url {
    while !url.as_str().starts_with(HOME) {
        let mut answer = browser.get(url.clone()).send().await.unwrap();
        if answer.status() == StatusCode::OK {
            let page = answer.text().await.unwrap();
            let prompt = if page.contains("value=\"login\"") { "login" } else { "consent" };
            let form = format!("prompt={prompt}&login=lovelace&password=any");
            let post = browser.post(url.clone()).header("content-type", "application/x-www-form-urlencoded");
            answer = post.body(form).send().await.unwrap();
        }
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{url}");
        url = url.join(answer.headers()["location"].to_str().unwrap()).unwrap();
    }
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_provider_to_a_session() {
    let cluster = Cluster::start_new();
    let system = start(&cluster).await;
    let browser = browser();
    let post = |path: &str, body: Value| browser.post(system.url(path)).json(&body).send();
    let begun = post("/api/v1/auth/providers/certified", json!({ "return_to": HOME })).await.unwrap();
    assert_eq!(begun.status(), StatusCode::OK);
    let begun: Value = begun.json().await.unwrap();
    let home = walk(&browser, begun["authorization_url"].as_str().unwrap().parse().unwrap()).await;
    let ticket = home.fragment().and_then(|fragment| fragment.strip_prefix("ticket=")).unwrap_or_else(|| {
        panic!("{home}\n{}", system.core.output());
    });
    // The ticket alone is not enough: the browser has to be the one.
    let elsewhere = system.http.post(system.url("/api/v1/auth/provider-sign-in"));
    let elsewhere = elsewhere.json(&json!({ "ticket": ticket })).send().await.unwrap();
    crate::fixture::edge::problem(elsewhere, 400, "invalid-code").await;
    let session: Value =
        post("/api/v1/auth/provider-sign-in", json!({ "ticket": ticket })).await.unwrap().json().await.unwrap();
    assert_eq!(session["user"]["email"], "lovelace@example.com");
    let token = session["access_token"].as_str().unwrap();
    let list = browser.get(system.url("/api/v1/me/identities")).bearer_auth(token).send().await.unwrap();
    let list: Value = list.json().await.unwrap();
    assert_eq!(list["items"][0]["provider"], "certified");
}

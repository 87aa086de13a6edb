//! The way over a certified provider (npm's `oidc-provider`), which `cargo xtask test` starts.

use reqwest::StatusCode;
use url::Url;

use super::browser::{Browser, identities};
use super::{app, provider};
use crate::accounts::mfa;
use crate::support::{Settings, TestApp};

fn issuer() -> String {
    std::env::var("BREAKWATER_TEST_OIDC").expect("BREAKWATER_TEST_OIDC names no provider: run `cargo xtask test`")
}

fn certified() -> Settings {
    let own = [("ISSUER", issuer()), ("CLIENT_SECRET", "a secret of the tests: +/&=".to_owned())];
    let own: Vec<(&str, &str)> = own.iter().map(|(key, value)| (*key, value.as_str())).collect();
    provider("certified", &[own.as_slice(), &[("TRUST_EMAIL", "true")]].concat())
}

/// Signs in at the provider as `name` and agrees: the query of the way back.
async fn approve(out: Url, name: &str) -> Result<String, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let policy = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().cookie_store(true).redirect(policy).build().unwrap();
    let mut url = out;
    loop {
        let mut answer = http.get(url.clone()).send().await.unwrap();
        if answer.status() == StatusCode::OK {
            // A page that asks for something: who one is, and then whether one agrees.
            let page = answer.text().await.unwrap();
            let prompt = if page.contains("value=\"login\"") { "login" } else { "consent" };
            let form = format!("prompt={prompt}&login={name}&password=any");
            let post = http.post(url.clone()).header("content-type", "application/x-www-form-urlencoded");
            answer = post.body(form).send().await.unwrap();
        }
        if answer.status() != StatusCode::SEE_OTHER {
            return Err(answer.text().await.unwrap());
        }
        url = url.join(answer.headers()["location"].to_str().unwrap()).unwrap();
        if url.path().ends_with("/callback") {
            return Ok(url.query().unwrap().to_owned());
        }
    }
}

async fn sign_in(app: &TestApp, name: &str) -> crate::support::Answer {
    let mut browser = Browser::default();
    let out = browser.depart(app, "certified").await;
    let ticket = browser.ticket_of(app, "certified", &approve(out, name).await.unwrap()).await;
    browser.sign_in(app, &ticket).await
}

#[tokio::test]
async fn signing_in_registers_and_is_known_again() {
    let app = app(vec![certified()]).await;
    let first = sign_in(&app, "ada").await.expect(200).json();
    assert_eq!(first["user"]["email"], "ada@example.com", "from userinfo: the ID token has none");
    assert_eq!(first["user"]["display_name"], "ada");
    let again = sign_in(&app, "ada").await.expect(200).json();
    assert_eq!(again["user"]["id"], first["user"]["id"]);
    assert_eq!(identities(&app, again["access_token"].as_str().unwrap()).await.len(), 1);
    sign_in(&app, "careless-eve").await.problem(403, "provider-email-unverified");
}

#[tokio::test]
async fn linking_to_an_account_that_is_signed_in_to() {
    let app = app(vec![certified()]).await;
    let user = mfa::verified(&app).await;
    let mut browser = Browser::default();
    let out = browser.depart_to_link(&app, &user, "certified").await;
    let ticket = browser.ticket_of(&app, "certified", &approve(out, "careless-grace").await.unwrap()).await;
    browser.link(&app, &user, &ticket).await.expect(201);
    assert_eq!(sign_in(&app, "careless-grace").await.expect(200).json()["user"]["id"], user.id);
}

#[tokio::test]
async fn the_provider_wants_what_we_send() {
    let app = app(vec![certified()]).await;
    let mut browser = Browser::default();
    let out = browser.depart(&app, "certified").await;
    // Without the challenge it would not even ask who one is.
    let mut without = out.clone();
    without.query_pairs_mut().clear();
    for (name, value) in out.query_pairs().filter(|(name, _)| !name.starts_with("code_challenge")) {
        without.query_pairs_mut().append_pair(&name, &value);
    }
    let refused = approve(without, "ada").await.unwrap();
    assert!(refused.contains("error=invalid_request") && refused.contains("PKCE"), "{refused}");
    // Its error comes back as ours; the code of another flow is refused by it.
    let mut other = Browser::default();
    let stolen = approve(other.depart(&app, "certified").await, "ada").await.unwrap();
    let code = url::form_urlencoded::parse(stolen.as_bytes()).find(|(name, _)| name == "code").unwrap().1;
    let state = out.query_pairs().find(|(name, _)| name == "state").unwrap().1;
    let issuer: String = url::form_urlencoded::byte_serialize(issuer().as_bytes()).collect();
    let injected = format!("code={code}&state={state}&iss={issuer}");
    let back = browser.return_with(&app, "certified", &injected).await;
    assert_eq!(back, ("error".to_owned(), "provider_failed".to_owned()));
}

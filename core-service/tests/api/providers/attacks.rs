//! Attacks on the way over a provider. docs/security/sign-in.md has the table; each row names its test here.

use serde_json::json;
use url::Url;

use super::browser::{Browser, identities};
use super::played::{Account, Played};
use super::{app, app_with, provider};
use crate::accounts::mfa;

fn over() -> (String, String) {
    ("error".to_owned(), "flow_over".to_owned())
}

fn failed() -> (String, String) {
    ("error".to_owned(), "provider_failed".to_owned())
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

/// The same query with another value.
fn altered(query: &str, name: &str, value: Option<&str>) -> String {
    let mut new = url::form_urlencoded::Serializer::new(String::new());
    for (key, old) in url::form_urlencoded::parse(query.as_bytes()) {
        let kept = if key == name { value } else { Some(&*old) };
        if let Some(kept) = kept {
            new.append_pair(&key, kept);
        }
    }
    new.finish()
}

#[tokio::test]
async fn login_csrf_an_answer_from_another_browser() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let mut attacker = Browser::default();
    let out = attacker.depart(&app, "played").await;
    let answer = played.approve(&out, &Account::of("eve@example.org"));
    // The victim follows the attacker's link: without a cookie, with one of a flow of their own, with a made-up one.
    assert_eq!(Browser::default().return_with(&app, "played", &answer).await, over());
    let mut victim = Browser::default();
    victim.depart(&app, "played").await;
    assert_eq!(victim.return_with(&app, "played", &answer).await, over());
    let forged = Browser { cookie: "breakwater-flow=AAAA".to_owned() };
    assert_eq!(forged.return_with(&app, "played", &answer).await, over());
    assert!(played.asked().is_empty(), "the code went nowhere");
    // It did not cost the attacker's own browser its flow either.
    attacker.ticket_of(&app, "played", &answer).await;
}

#[tokio::test]
async fn login_csrf_a_ticket_from_another_browser() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let mut attacker = Browser::default();
    let ticket = attacker.ticket(&app, &played, &Account::of("eve@example.org")).await;
    let mut victim = Browser::default();
    victim.sign_in(&app, &ticket).await.problem(400, "invalid-code");
    victim.depart(&app, "played").await;
    victim.sign_in(&app, &ticket).await.problem(400, "invalid-code");
    attacker.sign_in(&app, &ticket).await.expect(200);
}

#[tokio::test]
async fn cookie_tossing_of_two_cookies_none_counts() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (mut attacker, mut victim) = (Browser::default(), Browser::default());
    let out = attacker.depart(&app, "played").await;
    victim.depart(&app, "played").await;
    let both = Browser { cookie: format!("{}; {}", attacker.cookie, victim.cookie) };
    assert_eq!(both.return_with(&app, "played", &played.approve(&out, &Account::of("eve@example.org"))).await, over());
}

#[tokio::test]
async fn state_fixation_a_state_that_is_not_ours() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let mut browser = Browser::default();
    let out = browser.depart(&app, "played").await;
    let answer = played.approve(&out, &Account::of("ada@example.org"));
    let chosen = "A".repeat(43);
    for state in [Some(chosen.as_str()), Some(""), Some("x"), None] {
        assert_eq!(browser.return_with(&app, "played", &altered(&answer, "state", state)).await, over(), "{state:?}");
    }
    let twice = format!("{answer}&state={}", parameter(&out, "state"));
    assert_eq!(browser.return_with(&app, "played", &twice).await, over());
}

#[tokio::test]
async fn replay_an_answer_and_a_ticket_are_good_once() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let mut browser = Browser::default();
    let out = browser.depart(&app, "played").await;
    let answer = played.approve(&out, &Account::of("ada@example.org"));
    let ticket = browser.ticket_of(&app, "played", &answer).await;
    assert_eq!(browser.return_with(&app, "played", &answer).await, over());
    assert_eq!(played.asked().len(), 1);
    browser.sign_in(&app, &ticket).await.expect(200);
    browser.sign_in(&app, &ticket).await.problem(400, "invalid-code");
}

#[tokio::test]
async fn replay_what_is_too_old_is_over() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let mut browser = Browser::default();
    let out = browser.depart(&app, "played").await;
    let answer = played.approve(&out, &Account::of("ada@example.org"));
    let mut database = app.database().await;
    sqlx::query("UPDATE provider_flows SET expires_at = now()").execute(&mut database).await.unwrap();
    assert_eq!(browser.return_with(&app, "played", &answer).await, over());
    let ticket = browser.ticket(&app, &played, &Account::of("ada@example.org")).await;
    sqlx::query("UPDATE provider_tickets SET expires_at = now()").execute(&mut database).await.unwrap();
    browser.sign_in(&app, &ticket).await.problem(400, "invalid-code");
}

#[tokio::test]
async fn code_injection_another_flows_code_is_refused() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    // The attacker has seen the victim's code, and brings it back in a flow of their own.
    let stolen = played.approve(&victim.depart(&app, "played").await, &Account::of("ada@example.org"));
    let own = attacker.depart(&app, "played").await;
    let injected = altered(&stolen, "state", Some(&parameter(&own, "state")));
    assert_eq!(attacker.return_with(&app, "played", &injected).await, failed());
    assert_eq!(played.asked().len(), 1, "it was the provider who refused: the verifier is not the code's");
}

#[tokio::test]
async fn nonce_replay_a_stolen_id_token_is_of_another_flow() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (mut one, mut other) = (Browser::default(), Browser::default());
    let (first, second) = (one.depart(&app, "played").await, other.depart(&app, "played").await);
    for name in ["nonce", "state", "code_challenge"] {
        assert_ne!(parameter(&first, name), parameter(&second, name), "{name}");
    }
    // A provider that does not look at PKCE, and answers the second flow with the first one's token.
    played.write(|mut claims, keys| {
        claims["nonce"] = json!("the first flow's");
        super::played::honest(claims, keys)
    });
    let answer = played.approve(&second, &Account::of("ada@example.org"));
    assert_eq!(other.return_with(&app, "played", &answer).await, failed());
}

#[tokio::test]
async fn mix_up_an_answer_that_names_another_issuer() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    for issuer in [Some("https://evil.example"), Some(""), None] {
        let mut browser = Browser::default();
        let out = browser.depart(&app, "played").await;
        let answer = altered(&played.approve(&out, &Account::of("ada@example.org")), "iss", issuer);
        assert_eq!(browser.return_with(&app, "played", &answer).await, failed(), "{issuer:?}");
    }
    assert!(played.asked().is_empty(), "the code went nowhere");
}

#[tokio::test]
async fn mix_up_an_answer_at_another_providers_path() {
    let (honest, evil) = (Played::named("honest").await, Played::named("evil").await);
    // Neither says who answers, so the paths alone tell them apart.
    for provider in [&honest, &evil] {
        provider.describe("authorization_response_iss_parameter_supported", json!(false));
    }
    let both = vec![provider("honest", &[("ISSUER", &honest.issuer)]), provider("evil", &[("ISSUER", &evil.issuer)])];
    let app = app(both).await;
    let mut victim = Browser::default();
    let out = victim.depart(&app, "evil").await;
    assert!(parameter(&out, "redirect_uri").ends_with("/providers/evil/callback"));
    // The evil provider sends the victim on to the honest one, which knows its own redirect URI only.
    let mut to_honest = out.clone();
    let redirect = parameter(&out, "redirect_uri").replace("/evil/", "/honest/");
    to_honest.set_query(Some(&altered(out.query().unwrap(), "redirect_uri", Some(&redirect))));
    let answer = altered(&honest.approve(&to_honest, &Account::of("ada@example.org")), "iss", None);
    assert_eq!(victim.return_with(&app, "honest", &answer).await, over());
    assert!(evil.asked().is_empty() && honest.asked().is_empty(), "the code went nowhere");
}

#[tokio::test]
async fn downgrade_of_pkce_a_provider_without_s256_is_not_used() {
    for methods in [json!(["plain"]), json!([])] {
        let played = Played::start().await;
        played.describe("code_challenge_methods_supported", methods);
        let app = app_with(&played).await;
        let begun = app.post("/api/v1/auth/providers/played").json(json!({})).send().await;
        begun.problem(503, "provider-unavailable");
    }
}

#[tokio::test]
async fn a_description_of_another_issuer_or_without_tls_is_not_used() {
    for (name, value) in [
        ("issuer", "https://evil.example"),
        ("token_endpoint", "http://evil.example/token"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("jwks_uri", "file:///etc/passwd"),
    ] {
        let played = Played::start().await;
        played.describe(name, json!(value));
        let app = app_with(&played).await;
        let begun = app.post("/api/v1/auth/providers/played").json(json!({})).send().await;
        begun.problem(503, "provider-unavailable");
    }
}

#[tokio::test]
async fn open_redirect_only_listed_pages() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let begin = |page: &str| {
        let body = json!({ "return_to": page });
        app.post("/api/v1/auth/providers/played").json(body).send()
    };
    for page in [
        "https://evil.example/home",
        "https://app.example/home/",
        "https://app.example/home?x",
        "https://app.example/home#x",
        "https://app.example/home/../evil",
        "https://app.example@evil.example/home",
        "https://app.example.evil.example/home",
        "https://APP.example/home",
        "http://app.example/home",
        "//evil.example",
        "/home",
        "javascript:alert(1)",
        "",
        " https://app.example/home",
        "https://app.example/home\r\nset-cookie: a=b",
    ] {
        begin(page).await.problem(422, "validation-failed");
    }
    begin("https://app.example/settings").await.expect(200);
}

#[tokio::test]
async fn link_csrf_a_ticket_is_for_what_it_was_asked_for() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (victim, eve) = (mfa::verified(&app).await, app.user().await);
    let account = Account::of("eve@example.org");
    // One to sign in with does not link, not even in the same browser.
    let mut browser = Browser::default();
    let ticket = browser.ticket(&app, &played, &account).await;
    browser.link(&app, &victim, &ticket).await.problem(400, "invalid-code");
    // One that Eve asked for does not link to the victim's account, and signs nobody in.
    let out = browser.depart_to_link(&app, &eve, "played").await;
    let ticket = browser.ticket_of(&app, "played", &played.approve(&out, &account)).await;
    browser.link(&app, &victim, &ticket).await.problem(400, "invalid-code");
    browser.sign_in(&app, &ticket).await.problem(400, "invalid-code");
    assert!(identities(&app, &victim.access_token).await.is_empty());
    browser.link(&app, &eve, &ticket).await.expect(201);
}

#[tokio::test]
async fn nothing_in_the_database_finishes_a_flow() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let mut browser = Browser::default();
    let out = browser.depart(&app, "played").await;
    let mut database = app.database().await;
    let row: String =
        sqlx::query_scalar("SELECT provider_flows::text FROM provider_flows").fetch_one(&mut database).await.unwrap();
    let (_, cookie) = browser.cookie.split_once('=').unwrap();
    for secret in [parameter(&out, "state"), parameter(&out, "nonce"), cookie.to_owned()] {
        assert!(!row.contains(&secret));
    }
}

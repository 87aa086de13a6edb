//! Whose account a provider's word leads to, and how accounts elsewhere come and go.

use serde_json::json;

use super::app_with;
use super::browser::{Browser, identities, link, sign_in};
use super::played::{Account, Played};
use super::{app, provider};
use crate::accounts::{mfa, passkeys};
use crate::support::TestApp;

#[tokio::test]
async fn a_new_address_is_registered_and_known_again() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let account = Account::of("Ada@Example.org");
    let first = sign_in(&app, &played, &account).await.expect(200).json();
    assert_eq!(first["user"]["email"], "ada@example.org");
    assert_eq!(first["user"]["email_verified"], true);
    let again = sign_in(&app, &played, &account).await.expect(200).json();
    assert_eq!(again["user"]["id"], first["user"]["id"]);
    let list = identities(&app, again["access_token"].as_str().unwrap()).await;
    assert_eq!((list.len(), &list[0]["provider"], &list[0]["email"]), (1, &json!("played"), &json!("ada@example.org")));
    assert!(list[0]["used_at"].is_string());
    // There is no password to guess.
    let login = json!({ "email": "ada@example.org", "password": "correct horse battery" });
    app.post("/api/v1/auth/login").json(login).send().await.problem(401, "invalid-credentials");
    assert_eq!(app.mailed("ada@example.org").await.len(), 1, "one mail says that it was linked");
}

/// An address may change, or be given to somebody else: the provider's `sub` says who it is.
#[tokio::test]
async fn who_has_another_address_there_is_the_same_user_here() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let account = Account::of("ada@example.org");
    let first = sign_in(&app, &played, &account).await.expect(200).json();
    let moved = Account { subject: account.subject, ..Account::of("lovelace@example.net") };
    let again = sign_in(&app, &played, &moved).await.expect(200).json();
    assert_eq!(again["user"], first["user"]);
}

#[tokio::test]
async fn a_verified_address_on_both_sides_links() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let user = mfa::verified(&app).await;
    let back = sign_in(&app, &played, &Account::of(&user.email)).await.expect(200).json();
    assert_eq!(back["user"]["id"], user.id);
    let subjects: Vec<String> =
        app.mailed(&user.email).await.iter().map(|mail| mail.header("subject").to_owned()).collect();
    assert!(subjects.iter().any(|subject| subject.contains("played")), "{subjects:?}");
    let trail = app.get("/api/v1/me/audit").bearer(&user.access_token).send().await.expect(200).json();
    let linked = trail["items"].as_array().unwrap().iter().find(|event| event["action"] == "identity.linked");
    assert_eq!(linked.unwrap()["details"]["provider"], "played");
}

#[tokio::test]
async fn an_address_that_the_provider_never_verified_leads_nowhere() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let victim = mfa::verified(&app).await;
    // The answer does not tell that there is an account.
    for email in [victim.email.as_str(), "nobody@example.org"] {
        sign_in(&app, &played, &Account::unverified(email)).await.problem(403, "provider-email-unverified");
    }
    assert!(identities(&app, &victim.access_token).await.is_empty());
}

#[tokio::test]
async fn the_word_of_a_provider_that_is_not_trusted_counts_for_nothing() {
    let played = Played::start().await;
    let app = app(vec![provider("played", &[("ISSUER", &played.issuer)])]).await;
    let victim = mfa::verified(&app).await;
    sign_in(&app, &played, &Account::of(&victim.email)).await.problem(403, "provider-email-unverified");
}

#[tokio::test]
async fn an_account_that_was_registered_in_advance_is_not_shared_with_the_owner_of_the_address() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    // Whoever registered it knows its password and never saw the mailbox.
    let squatter = app.user().await;
    let owner = Account::of(&squatter.email);
    sign_in(&app, &played, &owner).await.problem(409, "link-required");
    assert!(identities(&app, &squatter.access_token).await.is_empty());
    // The owner resets the password, which ends the squatter's sessions and verifies the address.
    let ask = app.post("/api/v1/auth/password-reset").json(json!({ "email": squatter.email }));
    ask.send().await.expect(202);
    let reset = json!({ "code": app.mailed_code(&squatter.email).await, "new_password": "another long password" });
    app.post("/api/v1/auth/password-reset/confirm").json(reset).send().await.expect(204);
    sign_in(&app, &played, &owner).await.expect(200);
    app.get("/api/v1/me").bearer(&squatter.access_token).send().await.problem(401, "invalid-token");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_all_the_same() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (user, secret) = mfa::with_app(&app).await;
    let demanded = sign_in(&app, &played, &Account::of(&user.email)).await.problem(401, "mfa-required");
    let answer = json!({ "challenge": demanded["mfa"]["challenge"], "method": "totp", "code": mfa::code(&secret, 1) });
    let signed_in = app.post("/api/v1/auth/mfa").json(answer).send().await.expect(200).json();
    assert_eq!(signed_in["user"]["id"], user.id);
}

#[tokio::test]
async fn who_is_signed_in_links_lists_and_unlinks() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let user = app.user().await;
    // Any address will do: the user has proved who they are, here and there.
    let account = Account::unverified("other@example.net");
    let linked = link(&app, &user, &played, &account).await.expect(201).json();
    assert_eq!(linked["email"], "other@example.net");
    let back = sign_in(&app, &played, &account).await.expect(200).json();
    assert_eq!(back["user"]["id"], user.id);
    let stranger = app.user().await;
    link(&app, &stranger, &played, &account).await.problem(409, "identity-taken");
    let path = format!("/api/v1/me/identities/{}", linked["id"].as_str().unwrap());
    app.delete(&path).bearer(&stranger.access_token).send().await.problem(404, "not-found");
    app.delete(&path).bearer(&user.access_token).send().await.expect(204);
    assert!(identities(&app, &user.access_token).await.is_empty());
    sign_in(&app, &played, &account).await.problem(403, "provider-email-unverified");
    let subjects = app.mailed(&user.email).await;
    assert!(subjects.last().unwrap().header("subject").contains("does not sign you in"));
}

#[tokio::test]
async fn linking_and_unlinking_need_a_recent_proof() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let user = app.user().await;
    let linked = link(&app, &user, &played, &Account::of("a@example.net")).await.expect(201).json();
    let mut database = app.database().await;
    sqlx::query("UPDATE sessions SET authenticated_at = now() - interval '1 day'")
        .execute(&mut database)
        .await
        .unwrap();
    let begin = app.post("/api/v1/me/identities").bearer(&user.access_token).json(json!({ "provider": "played" }));
    begin.send().await.problem(401, "step-up-required");
    let path = format!("/api/v1/me/identities/{}", linked["id"].as_str().unwrap());
    app.delete(&path).bearer(&user.access_token).send().await.problem(401, "step-up-required");
}

/// Whoever came by a provider, with what was answered.
async fn newcomer(app: &TestApp, played: &Played) -> (String, String) {
    let back = sign_in(app, played, &Account::of("ada@example.org")).await.expect(200).json();
    let token = back["access_token"].as_str().unwrap().to_owned();
    let id = identities(app, &token).await[0]["id"].as_str().unwrap().to_owned();
    (token, format!("/api/v1/me/identities/{id}"))
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (token, path) = newcomer(&app, &played).await;
    app.delete(&path).bearer(&token).send().await.problem(409, "last-way-in");
    assert_eq!(identities(&app, &token).await.len(), 1, "nothing was removed");
    // A password is another way; a reset sets one where there was none.
    app.post("/api/v1/auth/password-reset").json(json!({ "email": "ada@example.org" })).send().await.expect(202);
    let code = app.mailed_code("ada@example.org").await;
    let reset = json!({ "code": code, "new_password": "another long password" });
    app.post("/api/v1/auth/password-reset/confirm").json(reset).send().await.expect(204);
    let login = json!({ "email": "ada@example.org", "password": "another long password" });
    let session = app.post("/api/v1/auth/login").json(login).send().await.expect(200).json();
    app.delete(&path).bearer(session["access_token"].as_str().unwrap()).send().await.expect(204);
}

#[tokio::test]
async fn a_passkey_stays_when_it_is_the_last_way_in() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (token, path) = newcomer(&app, &played).await;
    let me = app.get("/api/v1/me").bearer(&token).send().await.expect(200).json();
    let user = crate::support::User {
        id: me["id"].as_str().unwrap().to_owned(),
        email: "ada@example.org".to_owned(),
        password: String::new(),
        access_token: token.clone(),
        refresh_token: String::new(),
    };
    let mut authenticator = passkeys::Authenticator::new("http://127.0.0.1:3000");
    passkeys::register(&app, &user, &mut authenticator).await;
    app.delete(&path).bearer(&token).send().await.expect(204);
    let list = app.get("/api/v1/me/passkeys").bearer(&token).send().await.expect(200).json();
    let passkey = format!("/api/v1/me/passkeys/{}", list["items"][0]["id"].as_str().unwrap());
    app.delete(&passkey).bearer(&token).send().await.problem(409, "last-way-in");
}

#[tokio::test]
async fn two_who_unlink_at_once_leave_one_way_in() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (token, first) = newcomer(&app, &played).await;
    let user = crate::support::User {
        id: String::new(),
        email: String::new(),
        password: String::new(),
        access_token: token.clone(),
        refresh_token: String::new(),
    };
    let second = link(&app, &user, &played, &Account::of("b@example.org")).await.expect(201).json();
    let second = format!("/api/v1/me/identities/{}", second["id"].as_str().unwrap());
    let remove = |path: String| app.delete(&path).bearer(&token).send();
    let (one, other) = tokio::join!(remove(first), remove(second));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

#[tokio::test]
async fn the_export_has_accounts_elsewhere() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let (token, _) = newcomer(&app, &played).await;
    let export = app.get("/api/v1/me/export").bearer(&token).send().await.expect(200).json();
    assert_eq!(export["identities"][0]["provider"], "played");
}

#[tokio::test]
async fn providers_are_listed_and_an_away_one_is_told() {
    let app = app(vec![provider("gone", &[("ISSUER", "http://127.0.0.1:9"), ("TITLE", "Gone Ltd")])]).await;
    let list = app.get("/api/v1/auth/providers").send().await.expect(200).json();
    assert_eq!(list["providers"], json!([{ "name": "gone", "title": "Gone Ltd" }]));
    app.post("/api/v1/auth/providers/gone").json(json!({})).send().await.problem(503, "provider-unavailable");
    app.post("/api/v1/auth/providers/other").json(json!({})).send().await.problem(404, "not-found");
}

#[tokio::test]
async fn who_declines_comes_back_with_the_reason_and_it_is_on_record() {
    let played = Played::start().await;
    let app = app_with(&played).await;
    let mut browser = Browser::default();
    let out = browser.depart(&app, "played").await;
    let state = out.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let issuer: String = url::form_urlencoded::byte_serialize(played.issuer.as_bytes()).collect();
    let query = format!("error=access_denied&state={state}&iss={issuer}");
    let back = browser.return_with(&app, "played", &query).await;
    assert_eq!(back, ("error".to_owned(), "access_denied".to_owned()));
    let mut database = app.database().await;
    let details: serde_json::Value = sqlx::query_scalar(
        "SELECT details FROM audit_events WHERE action = 'login.failed' AND outcome = 'failure' ORDER BY id DESC LIMIT 1",
    )
    .fetch_one(&mut database)
    .await
    .unwrap();
    assert_eq!(details, json!({ "factor": "provider", "provider": "played", "because": "access_denied" }));
}

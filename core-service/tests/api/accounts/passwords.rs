//! Changing a password, which ones are refused, and how they are kept.

use core_service::identity::passwords::build_breached;
use serde_json::{Value, json};

use super::{is_signed_in, log_in};
use crate::support::{Answer, TestApp, User, settings};

async fn change(app: &TestApp, user: &User, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    app.post("/api/v1/me/password").bearer(&user.access_token).json(body).send().await
}

fn codes(problem: &Value) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value| value.as_str().map(ToOwned::to_owned).unwrap_or_default();
    let errors = problem["errors"].as_array().unwrap();
    let leaked = errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"])));
    leaked.map(|(pointer, code)| (&*pointer.leak(), &*code.leak())).collect()
}

#[tokio::test]
async fn a_change_ends_all_other_sessions_and_codes_that_are_under_way() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let other = app.sign_in(&user).await;
    app.post("/api/v1/auth/password-reset").json(json!({ "email": user.email })).send().await.expect(202);
    let reset = app.mailed_code(&user.email).await;
    change(&app, &user, &user.password, "another long password").await.expect(204);
    assert!(is_signed_in(&app, &user).await, "whoever changed it stays");
    assert!(!is_signed_in(&app, &other).await);
    let body = json!({ "code": reset, "new_password": "yet another password" });
    app.post("/api/v1/auth/password-reset/confirm").json(body).send().await.problem(400, "invalid-code");
    log_in(&app, &user.email, &user.password).await.problem(401, "invalid-credentials");
    log_in(&app, &user.email, "another long password").await.expect(200);
    let mails = app.mailed(&user.email).await;
    let mail = mails.last().unwrap();
    assert_eq!(mail.header("subject"), "Your password for Breakwater was changed");
    assert!(mail.text.contains("http://127.0.0.1:3000/forgot-password\n"), "{}", mail.text);
    let because: String = sqlx::query_scalar("SELECT ended_because FROM sessions WHERE ended_at IS NOT NULL")
        .fetch_one(&mut app.database().await)
        .await
        .unwrap();
    assert_eq!(because, "password");
}

#[tokio::test]
async fn a_change_needs_the_present_password() {
    let app = TestApp::start().await;
    let user = app.user().await;
    let problem = change(&app, &user, "not the password", "another long password").await;
    let problem = problem.problem(422, "validation-failed");
    assert_eq!(codes(&problem), [("/current_password", "wrong")]);
    log_in(&app, &user.email, &user.password).await.expect(200);
}

#[tokio::test]
async fn what_everybody_uses_and_what_others_know_is_refused_everywhere() {
    let app = TestApp::start().await;
    let user = app.user().await;
    for (password, code) in [("iloveyou", "common"), ("PassWord1", "common"), ("1234567", "minLength")] {
        let new = json!({ "email": "ada@example.org", "password": password });
        let problem = app.post("/api/v1/auth/register").json(new).send().await.problem(422, "validation-failed");
        assert_eq!(codes(&problem), [("/password", code)]);
        let problem = change(&app, &user, &user.password, password).await.problem(422, "validation-failed");
        assert_eq!(codes(&problem), [("/new_password", code)]);
    }
    let new = json!({ "email": "ada.lovelace@example.org", "password": "ada.lovelace" });
    let problem = app.post("/api/v1/auth/register").json(new).send().await.problem(422, "validation-failed");
    assert_eq!(codes(&problem), [("/password", "personal")]);
}

/// No rule about kinds of characters; characters are counted, not bytes.
#[tokio::test]
async fn eight_characters_of_any_kind_will_do_and_so_will_256() {
    let app = TestApp::start().await;
    let passwords = ["öäüßöäüß".to_owned(), "        x".to_owned(), "𝄞".repeat(8), "long ".repeat(51) + "!"];
    for (n, password) in passwords.iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let new = json!({ "email": email, "password": password });
        app.post("/api/v1/auth/register").json(new).send().await.expect(201);
        log_in(&app, &email, password).await.expect(200);
    }
    let new = json!({ "email": "b@example.org", "password": "ö".repeat(7) });
    app.post("/api/v1/auth/register").json(new).send().await.problem(422, "validation-failed");
    let new = json!({ "email": "b@example.org", "password": "ö".repeat(257) });
    app.post("/api/v1/auth/register").json(new).send().await.problem(422, "validation-failed");
}

#[tokio::test]
async fn passwords_of_breaches_are_refused_where_a_filter_is_configured() {
    let breached = "an unusual one, but breached";
    let folder = tempfile::tempdir().unwrap();
    let (list, filter) = (folder.path().join("list"), folder.path().join("filter"));
    std::fs::write(&list, format!("{}:7\n", sha1_smol::Sha1::from(breached).digest())).unwrap();
    build_breached(&list, &filter, 1).unwrap();
    let own = settings([("IDENTITY__BREACHED_PASSWORDS_FILE", filter.to_str().unwrap())]);
    let app = TestApp::start_with(own).await;
    let new = json!({ "email": "ada@example.org", "password": breached });
    let problem = app.post("/api/v1/auth/register").json(new).send().await.problem(422, "validation-failed");
    assert_eq!(codes(&problem), [("/password", "breached")]);
    app.user().await;
}

#[tokio::test]
async fn a_weaker_hash_is_replaced_at_the_next_sign_in() {
    let app = TestApp::start_with(settings([("IDENTITY__HASHING_MEMORY_KIB", "1024")])).await;
    let user = app.user().await;
    let hash = async || -> String {
        sqlx::query_scalar("SELECT hash FROM passwords").fetch_one(&mut app.database().await).await.unwrap()
    };
    assert!(hash().await.starts_with("$argon2id$v=19$m=1024,t=2,p=1$"));
    let mut config = app.config.clone();
    config.identity.hashing_memory_kib = 2048;
    let (_, stronger) = core_service::app::build(config).unwrap();
    let log_in = async |password: &str| {
        let body = json!({ "email": user.email, "password": password });
        crate::support::Call::new(stronger.clone(), http::Method::POST, "/api/v1/auth/login").json(body).send().await
    };
    log_in("not the password").await.problem(401, "invalid-credentials");
    assert!(hash().await.contains("m=1024"), "only who knows the password can have it hashed anew");
    log_in(&user.password).await.expect(200);
    let upgraded = hash().await;
    assert!(upgraded.starts_with("$argon2id$v=19$m=2048,t=2,p=1$"), "{upgraded}");
    log_in(&user.password).await.expect(200);
    assert_eq!(hash().await, upgraded, "and then it stays");
}

#[tokio::test]
async fn a_password_is_rated_while_it_is_chosen() {
    let app = TestApp::start().await;
    let rate = async |body: Value| {
        let answer = app.post("/api/v1/auth/password-strength").json(body).send().await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.json()
    };
    let weak = rate(json!({ "password": "password" })).await;
    assert_eq!((&weak["score"], &weak["refused"]), (&json!(0), &json!("common")));
    assert!(weak["warning"].is_string() && !weak["suggestions"].as_array().unwrap().is_empty(), "{weak}");
    let strong = rate(json!({ "password": "purple walrus hums 77 tidy sonatas" })).await;
    assert_eq!((&strong["score"], &strong["refused"]), (&json!(4), &Value::Null));
    assert_eq!(rate(json!({ "password": "" })).await["refused"], "short");
    let name = json!({ "password": "ada lovelace", "email": "a@example.org", "display_name": "Ada Lovelace" });
    let personal = rate(name).await;
    assert_eq!(personal["refused"], "personal");
    assert!(personal["score"].as_u64().unwrap() < 2, "{personal}");
}

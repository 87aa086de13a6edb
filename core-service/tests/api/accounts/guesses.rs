//! Guesses are few, and no stranger can use up an owner's.

use serde_json::json;

use crate::support::{Answer, TestApp, User, settings};

const HOME: &str = "192.0.2.1";

async fn log_in_from(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    let call = app.post("/api/v1/auth/login").from(address);
    call.json(json!({ "email": email, "password": password })).send().await
}

/// Wrong guesses until one is refused to be looked at: how many were looked at, and how long to wait.
async fn guess(app: &TestApp, email: &str, mut from: impl FnMut(usize) -> String) -> (usize, u64) {
    for count in 0..1000 {
        let answer = log_in_from(app, &from(count), email, "not the password").await;
        if answer.status == 429 {
            let wait = answer.header("retry-after").parse().unwrap();
            answer.problem(429, "too-many-attempts");
            return (count, wait);
        }
        answer.problem(401, "invalid-credentials");
    }
    panic!("nobody stops it")
}

async fn app() -> TestApp {
    TestApp::start_with(settings([("IDENTITY__HASHING_MEMORY_KIB", "64")])).await
}

#[tokio::test]
async fn one_network_has_few_guesses_at_an_account_known_or_not() {
    let app = app().await;
    let user = app.user().await;
    let (known, wait) = guess(&app, &user.email, |_| "198.51.100.7".to_owned()).await;
    assert_eq!(known, 10);
    assert!((1..=120).contains(&wait), "{wait}");
    let (unknown, _) = guess(&app, "nobody@example.org", |_| "198.51.100.7".to_owned()).await;
    assert_eq!(unknown, known, "the limit does not tell who has an account");
    // The right password is not looked at either, or guessing would go on.
    log_in_from(&app, "198.51.100.7", &user.email, &user.password).await.problem(429, "too-many-attempts");
    log_in_from(&app, HOME, &user.email, &user.password).await.expect(200);
}

#[tokio::test]
async fn many_networks_have_few_guesses_together_and_the_owner_still_comes_in() {
    let app = app().await;
    let user = app.user().await;
    let (count, _) = guess(&app, &user.email, |n| format!("2001:db8:{n:x}::1")).await;
    assert_eq!(count, 20);
    let (count, _) = guess(&app, "nobody@example.org", |n| format!("2001:db8:{n:x}::1")).await;
    assert_eq!(count, 20);
    // From where the owner signed in before, nothing has happened.
    log_in_from(&app, HOME, &user.email, "mistyped password").await.problem(401, "invalid-credentials");
    log_in_from(&app, HOME, &user.email, &user.password).await.expect(200);
    // From anywhere else the owner has to wait, or to reset the password, which makes the place known.
    log_in_from(&app, "203.0.113.5", &user.email, &user.password).await.problem(429, "too-many-attempts");
    app.post("/api/v1/auth/password-reset").json(json!({ "email": user.email })).send().await.expect(202);
    let code = app.mailed_code(&user.email).await;
    let reset = json!({ "code": code, "new_password": "a new long password" });
    app.post("/api/v1/auth/password-reset/confirm").from("203.0.113.5").json(reset).send().await.expect(204);
    log_in_from(&app, "203.0.113.5", &user.email, "a new long password").await.expect(200);
}

#[tokio::test]
async fn one_network_has_few_guesses_at_all_accounts() {
    let app = app().await;
    let user = app.user().await;
    let mut count = 0;
    let refused = loop {
        let email = format!("somebody-{count}@example.org");
        let answer = log_in_from(&app, "198.51.100.7", &email, "not the password").await;
        if answer.status == 429 {
            break answer;
        }
        count += 1;
    };
    refused.problem(429, "too-many-attempts");
    assert_eq!(count, 50);
    // Whoever signs in from there every day does not suffer from a neighbour behind the same address.
    for n in 0..60 {
        let email = format!("other-{n}@example.org");
        log_in_from(&app, HOME, &email, "not the password").await;
    }
    log_in_from(&app, HOME, &user.email, &user.password).await.expect(200);
}

#[tokio::test]
async fn what_was_right_was_no_guess() {
    let app = app().await;
    let user = app.user().await;
    for _ in 0..15 {
        log_in_from(&app, "198.51.100.7", &user.email, &user.password).await.expect(200);
    }
    let (count, _) = guess(&app, &user.email, |_| "198.51.100.7".to_owned()).await;
    assert_eq!(count, 10);
}

#[tokio::test]
async fn guesses_beside_each_other_count_as_well() {
    let app = app().await;
    let user = app.user().await;
    let racing = (0..30).map(|_| log_in_from(&app, "198.51.100.7", &user.email, "not the password"));
    let answers = futures_util::future::join_all(racing).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(looked_at, 10, "{:?}", answers.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>());
}

#[tokio::test]
async fn time_gives_guesses_back() {
    let app = app().await;
    let user = app.user().await;
    guess(&app, &user.email, |_| HOME.to_owned()).await;
    let mut database = app.database().await;
    sqlx::query("UPDATE guesses SET full_at = full_at - interval '4 minutes'").execute(&mut database).await.unwrap();
    let (count, _) = guess(&app, &user.email, |_| HOME.to_owned()).await;
    assert_eq!(count, 2, "one every two minutes");
    sqlx::query("UPDATE guesses SET full_at = now()").execute(&mut database).await.unwrap();
    core_service::operations::upkeep::once(&app.state).await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM guesses").fetch_one(&mut database).await.unwrap();
    assert_eq!(left, 0, "a full bucket is none");
}

#[tokio::test]
async fn a_stolen_session_has_few_guesses_at_the_password() {
    let app = app().await;
    let user = app.user().await;
    let step_up = async |password: &str| {
        let call = app.post("/api/v1/auth/step-up").bearer(&user.access_token);
        call.json(json!({ "password": password })).send().await
    };
    let change = async |password: &str| {
        let call = app.post("/api/v1/me/password").bearer(&user.access_token);
        call.json(json!({ "current_password": password, "new_password": "another long password" })).send().await
    };
    for n in 0..5 {
        let answer = if n % 2 == 0 { step_up("not the password").await } else { change("not the password").await };
        answer.problem(422, "validation-failed");
    }
    step_up(&user.password).await.problem(429, "too-many-attempts");
    change(&user.password).await.problem(429, "too-many-attempts");
    // Its owner can still sign in.
    log_in_from(&app, HOME, &user.email, &user.password).await.expect(200);
}

/// What the table says about accounts to somebody who reads it: nothing.
#[tokio::test]
async fn buckets_do_not_name_accounts() {
    let app = app().await;
    let user: User = app.user().await;
    guess(&app, &user.email, |_| HOME.to_owned()).await;
    let rows: Vec<serde_json::Value> =
        sqlx::query_scalar("SELECT to_jsonb(g) FROM guesses g").fetch_all(&mut app.database().await).await.unwrap();
    let hex: String = user.email.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!format!("{rows:?}").contains(&hex));
}

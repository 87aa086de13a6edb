//! Accounts as their owners meet them: through the front door, with mails in between.

use std::time::{Duration, Instant};

use breakwater_tests::postgres::Cluster;
use breakwater_tests::system::System;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::edge::problem;

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "difference engine no. 2";

async fn post(system: &System, path: &str, body: Value) -> reqwest::Response {
    system.http.post(system.url(path)).json(&body).send().await.unwrap()
}

/// The code in the newest mail with these words in its subject: the worker writes it when it comes to it.
async fn code(system: &System, subject: &str) -> String {
    let start = Instant::now();
    loop {
        let mails = system.mails();
        let mail = mails.iter().rev().find(|mail| {
            mail.lines().any(|line| line == format!("Subject: {subject}\r") || line == format!("Subject: {subject}"))
        });
        if let Some(mail) = mail {
            let line = mail.lines().map(str::trim).find(|line| line.len() == 29 && line.matches('-').count() == 4);
            return line.unwrap_or_else(|| panic!("no code in {mail}")).to_owned();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "no mail `{subject}`\n{}", system.core.output());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_registration_over_a_forgotten_password_to_the_end() {
    let cluster = Cluster::start_new();
    let strict = &[("BREAKWATER_IDENTITY__EMAIL_VERIFICATION", "required")];
    let system = System::start_with(&cluster.url(), strict).await;
    let login =
        |password: &'static str| post(&system, "/api/v1/auth/login", json!({ "email": ADA, "password": password }));

    let new = json!({ "email": ADA, "password": PASSWORD });
    assert_eq!(post(&system, "/api/v1/auth/register", new).await.status(), StatusCode::ACCEPTED);
    problem(login(PASSWORD).await, 401, "invalid-credentials").await;
    let verification = code(&system, "Confirm your e-mail address for Breakwater").await;
    let proof = json!({ "code": verification, "password": PASSWORD });
    assert_eq!(post(&system, "/api/v1/auth/verify-email", proof).await.status(), StatusCode::OK);
    let session: Value = login(PASSWORD).await.json().await.unwrap();
    let token = session["access_token"].as_str().unwrap().to_owned();
    let ask = |method: Method, path: &str| system.http.request(method, system.url(path)).bearer_auth(&token);
    assert_eq!(ask(Method::GET, "/api/v1/me").send().await.unwrap().status(), StatusCode::OK);

    let asked = post(&system, "/api/v1/auth/password-reset", json!({ "email": ADA })).await;
    assert_eq!(asked.status(), StatusCode::ACCEPTED);
    let reset = code(&system, "Choose a new password for Breakwater").await;
    let confirm = json!({ "code": reset, "new_password": "analytical engine no. 1" });
    let confirmed = post(&system, "/api/v1/auth/password-reset/confirm", confirm).await;
    assert_eq!(confirmed.status(), StatusCode::NO_CONTENT);
    problem(login(PASSWORD).await, 401, "invalid-credentials").await;
    // The edge knows within a second that the session is over; the core knows at once.
    let me = ask(Method::GET, "/api/v1/me").send().await.unwrap();
    problem(me, 401, "invalid-token").await;

    let session: Value = login("analytical engine no. 1").await.json().await.unwrap();
    let token = session["access_token"].as_str().unwrap().to_owned();
    let export = system.http.get(system.url("/api/v1/me/export")).bearer_auth(&token).send().await.unwrap();
    let export: Value = export.json().await.unwrap();
    assert_eq!(export["user"]["email"], ADA);
    let gone = system.http.delete(system.url("/api/v1/me")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    problem(login("analytical engine no. 1").await, 401, "invalid-credentials").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_with_a_second_factor() {
    let cluster = Cluster::start_new();
    let system = System::start(&cluster.url()).await;
    let new = json!({ "email": ADA, "password": PASSWORD });
    assert_eq!(post(&system, "/api/v1/auth/register", new.clone()).await.status(), StatusCode::CREATED);
    let verification = code(&system, "Confirm your e-mail address for Breakwater").await;
    let proof = json!({ "code": verification, "password": PASSWORD });
    let session: Value = post(&system, "/api/v1/auth/verify-email", proof).await.json().await.unwrap();
    let token = session["access_token"].as_str().unwrap().to_owned();
    let ask = |method: Method, path: &str| system.http.request(method, system.url(path)).bearer_auth(&token);
    let enrolled = ask(Method::PUT, "/api/v1/me/mfa/email").send().await.unwrap();
    assert_eq!(enrolled.status(), StatusCode::OK);
    let recovery: Value = enrolled.json().await.unwrap();

    let demanded = problem(post(&system, "/api/v1/auth/login", new.clone()).await, 401, "mfa-required").await;
    assert_eq!(demanded["mfa"]["methods"], json!(["email", "recovery-code"]));
    let challenge = demanded["mfa"]["challenge"].clone();
    let asked = post(&system, "/api/v1/auth/mfa/email-code", json!({ "challenge": challenge })).await;
    assert_eq!(asked.status(), StatusCode::ACCEPTED);
    let mailed = short_code(&system).await;
    let answer = |method: &'static str, code: Value| {
        let body = json!({ "challenge": challenge, "method": method, "code": code });
        post(&system, "/api/v1/auth/mfa", body)
    };
    problem(answer("recovery-code", json!("00000-00000-00000-00000-00000")).await, 400, "invalid-code").await;
    assert_eq!(answer("email", json!(mailed)).await.status(), StatusCode::OK);
    problem(answer("recovery-code", recovery["recovery_codes"][0].clone()).await, 401, "invalid-challenge").await;

    let ended = ask(Method::DELETE, "/api/v1/auth/sessions").send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    let sessions: Value = ask(Method::GET, "/api/v1/auth/sessions").send().await.unwrap().json().await.unwrap();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1);
}

/// The eight digits of the newest sign-in code.
async fn short_code(system: &System) -> String {
    let start = Instant::now();
    loop {
        let mails = system.mails();
        let subject =
            mails.iter().rev().flat_map(|mail| mail.lines()).find(|line| line.contains("is your sign-in code"));
        if let Some(subject) = subject {
            return subject.trim_start_matches("Subject: ")[..8].to_owned();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "no sign-in code\n{}", system.core.output());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

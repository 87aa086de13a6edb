//! Mail: asked for in a transaction, handed over once, by each of the ways.

pub mod parts;
mod sendgrid;
mod sendgrid_events;
mod smtp;

use core_service::database::Scope;
use core_service::mail::{self, Letter, Template};
use core_service::{app, events};
use serde_json::{Value, json};

use crate::support::{TestApp, settings};

/// Asks for a mail that lets somebody choose a new password.
async fn ask(app: &TestApp, to: &str, reason: &str) -> bool {
    let data = json!({ "link": "https://app.example/reset#token=s3cr3t", "code": "s3cr3t", "minutes": "60" });
    let letter = Letter { to, language: "en", template: Template::ResetPassword, reason, data };
    let mut tx = app.state.database.begin(&Scope::nobody()).await.unwrap();
    let asked = mail::send(&mut tx, &app.state, letter).await.unwrap();
    tx.commit().await.unwrap();
    asked
}

async fn work(app: &TestApp) {
    events::run_due(&app.state, &app::handlers()).await.unwrap();
}

/// Every job's state and error.
async fn jobs(app: &TestApp) -> Vec<(String, Option<String>)> {
    let jobs = sqlx::query_as("SELECT state, last_error FROM jobs ORDER BY id");
    jobs.fetch_all(&mut app.database().await).await.unwrap()
}

#[tokio::test]
async fn a_mail_becomes_a_file_for_one_reason_once() {
    let app = TestApp::start().await;
    assert!(ask(&app, "ada@example.org", "reset 1").await);
    assert!(!ask(&app, "ada@example.org", "reset 1").await, "one reason, one mail");
    work(&app).await;
    assert!(!ask(&app, "ada@example.org", "reset 1").await, "also after it went out");
    work(&app).await;
    let mails = app.mails();
    assert_eq!(mails.len(), 1);
    let mail = parts::read(&mails[0]);
    assert_eq!(mail.header("to"), "ada@example.org");
    assert_eq!(mail.header("from"), "Breakwater <no-reply@localhost>");
    assert_eq!(mail.header("subject"), "Choose a new password for Breakwater");
    assert_eq!(mail.header("auto-submitted"), "auto-generated");
    assert!(mail.text.contains("https://app.example/reset#token=s3cr3t"), "{}", mail.text);
    assert!(mail.html.contains("href=\"https://app.example/reset#token=s3cr3t\""), "{}", mail.html);
}

#[tokio::test]
async fn what_a_waiting_mail_says_is_encrypted() {
    let app = TestApp::start().await;
    ask(&app, "ada@example.org", "reset 1").await;
    let payload: Value =
        sqlx::query_scalar("SELECT payload FROM jobs").fetch_one(&mut app.database().await).await.unwrap();
    assert_eq!(payload["template"], "reset-password");
    let sealed = payload["data"].as_str().unwrap();
    let sealed = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, sealed).unwrap();
    assert!(!sealed.windows(6).any(|window| window == b"s3cr3t"));
    // What was sealed for one mail cannot be put into another.
    let moved = "UPDATE jobs SET payload = jsonb_set(payload, '{reason}', '\"reset 2\"')";
    sqlx::query(moved).execute(&mut app.database().await).await.unwrap();
    work(&app).await;
    assert!(app.mails().is_empty());
}

#[tokio::test]
async fn a_mail_that_cannot_be_written_waits_and_is_the_same_mail_later() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("mail");
    std::fs::write(&blocked, "a file where the folder should be").unwrap();
    let app = TestApp::start_with(settings([("MAIL__FOLDER", blocked.to_str().unwrap())])).await;
    ask(&app, "ada@example.org", "reset 1").await;
    work(&app).await;
    let (state, error) = jobs(&app).await.remove(0);
    assert_eq!(state, "waiting");
    assert!(error.unwrap().starts_with("mail.folder: "));
    std::fs::remove_file(&blocked).unwrap();
    sqlx::query("UPDATE jobs SET run_at = now()").execute(&mut app.database().await).await.unwrap();
    work(&app).await;
    assert_eq!(jobs(&app).await, [("done".to_owned(), None)]);
    assert_eq!(std::fs::read_dir(&blocked).unwrap().count(), 1);
}

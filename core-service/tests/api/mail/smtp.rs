//! SMTP, to the real server that `BREAKWATER_TEST_SMTP` names, and to nobody.

use std::path::PathBuf;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{ask, jobs, parts, work};
use crate::support::{TestApp, settings};

async fn app(url: &str) -> TestApp {
    TestApp::start_with(settings([
        ("MAIL__TRANSPORT", "smtp"),
        ("MAIL__SMTP_URL", url),
        ("MAIL__FROM", "Häfen <post@harbour.example>"),
    ]))
    .await
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo xtask test`"))
}

/// What arrived for `to`.
fn arrived(to: &str) -> Vec<String> {
    let mails = PathBuf::from(variable("BREAKWATER_TEST_SMTP_MAILS")).join("new");
    let files = std::fs::read_dir(mails).into_iter().flatten().map(|file| file.unwrap().path());
    let mails = files.map(|file| std::fs::read_to_string(file).unwrap());
    mails.filter(|mail| mail.contains(&format!("\nTo: {to}\n"))).collect()
}

#[tokio::test]
async fn a_mail_arrives_whole_and_once() {
    let app = app(&variable("BREAKWATER_TEST_SMTP")).await;
    let to = format!("{}@example.org", Uuid::now_v7().simple());
    ask(&app, &to, "reset 1").await;
    work(&app).await;
    ask(&app, &to, "reset 1").await;
    work(&app).await;
    assert_eq!(jobs(&app).await, [("done".to_owned(), None)]);
    let mails = arrived(&to);
    assert_eq!(mails.len(), 1);
    let mail = parts::read(&mails[0]);
    assert_eq!(mail.header("subject"), "Choose a new password for Breakwater");
    assert_eq!(mail.header("from"), "=?utf-8?b?SMOkZmVu?= <post@harbour.example>");
    assert_eq!(mail.header("x-mailfrom"), "post@harbour.example");
    assert_eq!(mail.header("x-rcptto"), to);
    assert!(mail.header("message-id").ends_with("@harbour.example>"));
    assert!(mail.text.contains("https://app.example/reset#token=s3cr3t\n"), "{}", mail.text);
    assert!(mail.html.contains("href=\"https://app.example/reset#token=s3cr3t\""), "{}", mail.html);
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let app = app(&format!("smtp://{nobody}")).await;
    ask(&app, "ada@example.org", "reset 1").await;
    work(&app).await;
    let (state, error) = jobs(&app).await.remove(0);
    assert_eq!(state, "waiting", "{error:?}");
    assert!(error.is_some());
}

/// What the server says decides: 4yz passes, 5yz is final (RFC 5321 section 4.2.1).
#[tokio::test]
async fn the_servers_refusal_decides_whether_it_is_tried_again() {
    for (answer, state) in [("450 4.2.1 later", "waiting"), ("550 5.1.1 no such user", "dead")] {
        let app = app(&refusing(answer).await).await;
        ask(&app, "ada@example.org", "reset 1").await;
        work(&app).await;
        let (is, error) = jobs(&app).await.remove(0);
        assert_eq!(is, state, "{error:?}");
        assert!(error.unwrap().contains(&answer[4..]));
    }
}

#[tokio::test]
async fn a_password_is_never_told() {
    let app = app("smtp://post:hunter2@127.0.0.1:9").await;
    ask(&app, "ada@example.org", "reset 1").await;
    work(&app).await;
    let (_, error) = jobs(&app).await.remove(0);
    assert!(!error.unwrap().contains("hunter2"));
    assert!(!format!("{:?}", app.config.mail).contains("hunter2"));
}

/// A server that refuses every receiver in the same words.
async fn refusing(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (reading, mut writing) = stream.into_split();
                let mut lines = BufReader::new(reading).lines();
                writing.write_all(b"220 here\r\n").await.unwrap();
                while let Ok(Some(line)) = lines.next_line().await {
                    let said = if line.starts_with("RCPT") { answer } else { "250 yes" };
                    if writing.write_all(format!("{said}\r\n").as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    format!("smtp://{address}")
}

//! SendGrid's API, played by a server that holds requests to its published description.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{ask, jobs, work};
use crate::support::{TestApp, settings};

const KEY: &str = "SG.test-key";

/// What SendGrid's published description says of the body, and beyond it: no members that it does not name.
fn published() -> Value {
    let mut schema = serde_json::from_str(include_str!("sendgrid_mail_send.json")).unwrap();
    close(&mut schema);
    schema
}

/// Has every object refuse the members that its schema does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object) {
                members.insert("additionalProperties".into(), json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What only the prose of the description says.
fn told() -> Value {
    json!({
        "properties": {
            "personalizations": {
                "minItems": 1,
                "items": {
                    "properties": {
                        "to": { "minItems": 1, "maxItems": 1000 },
                        "custom_args": { "additionalProperties": { "type": "string" } },
                    },
                },
            },
            "content": {
                "minItems": 1,
                // Plain text comes first, then HTML.
                "prefixItems": [
                    { "properties": { "type": { "const": "text/plain" } } },
                    { "properties": { "type": { "const": "text/html" } } },
                ],
            },
            "headers": {
                "additionalProperties": { "type": "string" },
                // Those that it refuses.
                "propertyNames": { "not": { "pattern":
                    "(?i)^(x-sg-id|x-sg-eid|received|dkim-signature|content-type|content-transfer-encoding|to|from|subject|reply-to|cc|bcc)$" } },
            },
        },
        // Unless a template has them.
        "required": ["subject", "content"],
    })
}

/// What is wrong with a body.
fn wrong(body: &Value) -> Vec<String> {
    let errors = |schema: &Value| -> Vec<String> {
        let schema = jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap();
        schema.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect()
    };
    [errors(&published()), errors(&told())].concat()
}

/// A status and what `Retry-After` says.
type Told = (u16, Option<&'static str>);

/// The server: what it was asked, and what it will answer instead of judging.
#[derive(Clone, Default)]
struct Played {
    asked: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<VecDeque<Told>>>,
}

impl Played {
    async fn start(&self) -> String {
        let router = Router::new().route("/v3/mail/send", post(send)).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}")
    }

    fn answer(&self, status: u16, retry_after: Option<&'static str>) {
        self.answers.lock().unwrap().push_back((status, retry_after));
    }
}

async fn send(State(played): State<Played>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some((status, retry_after)) = played.answers.lock().unwrap().pop_front() {
        let mut answer = (http::StatusCode::from_u16(status).unwrap(), "{\"errors\":[]}").into_response();
        if let Some(seconds) = retry_after {
            answer.headers_mut().insert("retry-after", seconds.parse().unwrap());
        }
        return answer;
    }
    let json = headers["content-type"] == "application/json";
    if headers["authorization"] != format!("Bearer {KEY}") {
        return (http::StatusCode::UNAUTHORIZED, "{\"errors\":[{\"message\":\"unauthorized\"}]}").into_response();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let wrong = wrong(&body);
    if !json || !wrong.is_empty() {
        return (http::StatusCode::BAD_REQUEST, wrong.join("; ")).into_response();
    }
    played.asked.lock().unwrap().push(body);
    (http::StatusCode::ACCEPTED, [("x-message-id", "14c5d75ce93")]).into_response()
}

async fn app(url: &str, key: &str) -> TestApp {
    TestApp::start_with(settings([
        ("MAIL__TRANSPORT", "sendgrid"),
        ("MAIL__SENDGRID_URL", url),
        ("MAIL__SENDGRID_API_KEY", key),
        ("EVENTS__FIRST_RETRY_MS", "3600000"),
    ]))
    .await
}

#[tokio::test]
async fn a_request_is_what_the_reference_wants() {
    let played = Played::default();
    let app = app(&played.start().await, KEY).await;
    ask(&app, "ada@example.org", "reset 1").await;
    work(&app).await;
    assert_eq!(jobs(&app).await, [("done".to_owned(), None)]);
    let asked = played.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["personalizations"][0]["to"], json!([{ "email": "ada@example.org" }]));
    assert_eq!(asked[0]["from"], json!({ "email": "no-reply@localhost", "name": "Breakwater" }));
    assert_eq!(asked[0]["tracking_settings"]["click_tracking"]["enable"], false, "links that let in stay as they are");
    assert!(asked[0]["content"][0]["value"].as_str().unwrap().contains("#token=s3cr3t"));
}

/// The server would notice.
#[test]
fn the_description_refuses_what_is_no_mail() {
    let mail = json!({
        "personalizations": [{ "to": [{ "email": "ada@example.org" }] }],
        "from": { "email": "no-reply@example.org" },
        "subject": "Hello",
        "content": [{ "type": "text/plain", "value": "Hello" }],
    });
    assert_eq!(wrong(&mail), Vec::<String>::new());
    for (pointer, bad) in [
        ("/personalizations/0/to/0/email", json!("nobody")),
        ("/personalizations/0/to/0", json!({ "email": "ada@example.org", "surname": "Lovelace" })),
        ("/personalizations/0/to", json!([])),
        ("/personalizations", json!({})),
        ("/from", json!({ "name": "Breakwater" })),
        ("/subject", json!("")),
        ("/content/0/value", json!(7)),
        ("/content/0/type", json!("text/html")),
    ] {
        let mut other = mail.clone();
        *other.pointer_mut(pointer).unwrap() = bad.clone();
        assert_eq!(wrong(&other).len(), 1, "{pointer} {bad}: {:?}", wrong(&other));
    }
}

#[tokio::test]
async fn its_answer_decides_whether_it_is_tried_again() {
    for (status, state) in [(429, "waiting"), (500, "waiting"), (503, "waiting"), (400, "dead"), (413, "dead")] {
        let played = Played::default();
        let app = app(&played.start().await, KEY).await;
        played.answer(status, None);
        ask(&app, "ada@example.org", "reset 1").await;
        work(&app).await;
        let (is, error) = jobs(&app).await.remove(0);
        assert_eq!(is, state, "{status}");
        assert!(error.unwrap().contains(&status.to_string()));
    }
}

#[tokio::test]
async fn its_wish_to_be_left_alone_is_honoured() {
    let played = Played::default();
    let app = app(&played.start().await, KEY).await;
    played.answer(429, Some("3599"));
    ask(&app, "ada@example.org", "reset 1").await;
    work(&app).await;
    let waits: f64 = sqlx::query_scalar("SELECT extract(epoch FROM run_at - now())::float8 FROM jobs")
        .fetch_one(&mut app.database().await)
        .await
        .unwrap();
    assert!(waits > 3000.0, "{waits}");
}

/// The operator may have set a wrong key: mails wait until it is put right, and the key is in no error.
#[tokio::test]
async fn a_refused_key_loses_no_mail() {
    let played = Played::default();
    let app = app(&played.start().await, "SG.wrong-key").await;
    ask(&app, "ada@example.org", "reset 1").await;
    work(&app).await;
    let (state, error) = jobs(&app).await.remove(0);
    assert_eq!(state, "waiting");
    assert!(!error.unwrap().contains("wrong-key"));
}

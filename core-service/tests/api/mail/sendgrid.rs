//! SendGrid's API, played by a server that holds requests to its published reference.

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

/// What the reference of `POST /v3/mail/send` demands of the members that it names, as a schema.
fn reference() -> Value {
    let address = json!({
        "type": "object",
        "required": ["email"],
        "additionalProperties": false,
        "properties": { "email": { "type": "string", "format": "email" }, "name": { "type": "string" } },
    });
    let toggle = |more: &[&str]| {
        let names = more.iter().chain(&["enable"]).map(|name| ((*name).to_owned(), json!({ "type": "boolean" })));
        let properties: serde_json::Map<String, Value> = names.collect();
        json!({ "type": "object", "additionalProperties": false, "properties": properties })
    };
    json!({
        "type": "object",
        "required": ["personalizations", "from", "subject", "content"],
        "additionalProperties": false,
        "properties": {
            "personalizations": {
                "type": "array", "minItems": 1, "maxItems": 1000,
                "items": {
                    "type": "object",
                    "required": ["to"],
                    "additionalProperties": false,
                    "properties": {
                        "to": { "type": "array", "minItems": 1, "maxItems": 1000, "items": address },
                        "custom_args": { "type": "object", "additionalProperties": { "type": "string" } },
                    },
                },
            },
            "from": address,
            "subject": { "type": "string", "minLength": 1 },
            "content": {
                "type": "array", "minItems": 1,
                // Plain text comes first, then HTML.
                "prefixItems": [
                    { "properties": { "type": { "const": "text/plain" } } },
                    { "properties": { "type": { "const": "text/html" } } },
                ],
                "items": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": { "type": { "type": "string" }, "value": { "type": "string", "minLength": 1 } },
                },
            },
            "headers": {
                "type": "object",
                "additionalProperties": { "type": "string" },
                // Those that it refuses.
                "propertyNames": { "not": { "pattern":
                    "(?i)^(x-sg-id|x-sg-eid|received|dkim-signature|content-type|content-transfer-encoding|to|from|subject|reply-to|cc|bcc)$" } },
            },
            "tracking_settings": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "click_tracking": toggle(&["enable_text"]),
                    "open_tracking": toggle(&[]),
                },
            },
        },
    })
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
    let schema = jsonschema::draft202012::options().should_validate_formats(true).build(&reference()).unwrap();
    let wrong: Vec<String> = schema.iter_errors(&body).map(|error| error.to_string()).collect();
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

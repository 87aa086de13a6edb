//! Clients that know what they should get.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::tally::Tally;
use crate::api::Account;
use crate::system::System;

/// Who gets no answer for longer hangs. The slowest refusal is the edge's, when the core says nothing for 16 seconds.
const PATIENCE: Duration = Duration::from_secs(40);

/// What refusals may say while something is broken.
const REFUSALS: [&str; 7] = [
    "upstream-unavailable",
    "upstream-timeout",
    "overloaded",
    "database-unavailable",
    "not-ready",
    // The first try with the same key is still on its way.
    "request-in-progress",
    // A body that did not come whole, because the edge stopped.
    "request-timeout",
];

/// The front door, and what became of the requests at it.
pub struct Front {
    http: reqwest::Client,
    base: String,
    pub stop: AtomicBool,
    /// Whether a server is killed now: requests may be lost.
    pub killed: AtomicBool,
    tally: Mutex<Tally>,
}

/// A user who asks, and writes documents with numbers.
pub struct Client {
    tasks: [JoinHandle<Vec<i64>>; 2],
    user: Arc<Account>,
}

/// What a user was told that is there.
pub struct Confirmed {
    pub user: Arc<Account>,
    pub numbers: Vec<i64>,
}

impl Front {
    pub fn new(system: &System) -> Self {
        // Connections are made anew each time: one that broke with a server would say nothing about the next.
        let http = crate::http::client().timeout(PATIENCE).pool_max_idle_per_host(0).build().unwrap();
        Self {
            http,
            base: system.url(""),
            stop: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            tally: Mutex::default(),
        }
    }

    /// What was counted since the last time.
    pub fn take(&self) -> Tally {
        std::mem::take(&mut self.tally.lock().unwrap())
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends it and counts what comes: the body, if the status is the one that it has to be.
    async fn ask(&self, request: RequestBuilder, wanted: StatusCode) -> Option<Value> {
        let killed = self.killed.load(Ordering::Relaxed);
        let answer = async {
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
        };
        let answer = answer.await;
        let mut tally = self.tally.lock().unwrap();
        match answer {
            Ok((status, body)) if status == wanted => match serde_json::from_str(&body) {
                Ok(body) => return Some(body),
                Err(_) => tally.wrong.push(format!("{status} with what is no JSON: {body:?}")),
            },
            Ok((status, body)) => {
                let slug = serde_json::from_str::<Value>(&body).ok().and_then(|problem| {
                    problem["type"].as_str()?.strip_prefix("urn:breakwater:problem:").map(str::to_owned)
                });
                match slug {
                    Some(slug) if REFUSALS.contains(&slug.as_str()) => *tally.refused.entry(slug).or_default() += 1,
                    _ => tally.wrong.push(format!("{status} in place of {wanted}: {body}")),
                }
            }
            Err(error) if error.is_timeout() => tally.wrong.push(format!("no answer within {PATIENCE:?}")),
            Err(_) if killed || self.killed.load(Ordering::Relaxed) => tally.lost += 1,
            Err(error) => tally.wrong.push(format!("lost, although nobody was killed: {error:?}")),
        }
        None
    }

    fn judge(&self, good: bool, wrong: impl FnOnce() -> String) {
        let mut tally = self.tally.lock().unwrap();
        if good {
            tally.good += 1;
        } else {
            tally.wrong.push(wrong());
        }
    }
}

impl Client {
    /// Starts to ask.
    pub fn start(front: &Arc<Front>, user: Account) -> Self {
        let user = Arc::new(user);
        let writing = tokio::spawn(write(front.clone(), user.clone()));
        let reading = tokio::spawn(read(front.clone(), user.clone()));
        Self { tasks: [writing, reading], user }
    }

    /// Waits for its last answers.
    pub async fn end(self) -> Confirmed {
        let mut numbers = Vec::new();
        for task in self.tasks {
            numbers.extend(task.await.unwrap());
        }
        Confirmed { user: self.user, numbers }
    }
}

/// Writes documents. One that is not confirmed is sent again with its key, as a client would.
async fn write(front: Arc<Front>, user: Arc<Account>) -> Vec<i64> {
    let mut confirmed = Vec::new();
    let mut number = 0;
    while !front.stop.load(Ordering::Relaxed) {
        let request = front
            .request(Method::POST, &user.documents())
            .bearer_auth(&user.access_token)
            .header("idempotency-key", format!("number-{number}"))
            .json(&json!({ "data": { "n": number } }));
        match front.ask(request, StatusCode::CREATED).await {
            Some(document) => {
                front.judge(document["data"] == json!({ "n": number }), || format!("{number} became {document}"));
                confirmed.push(number);
                number += 1;
            }
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    confirmed
}

/// Reads what is the user's own, what is everybody's, and what is nobody's.
async fn read(front: Arc<Front>, user: Arc<Account>) -> Vec<i64> {
    let get = |path: &str| front.request(Method::GET, path);
    while !front.stop.load(Ordering::Relaxed) {
        let mut answered = false;
        if let Some(me) = front.ask(get("/api/v1/me").bearer_auth(&user.access_token), StatusCode::OK).await {
            front.judge(me["email"] == user.email, || format!("{} was told to be {me}", user.email));
            answered = true;
        }
        let workspaces = get("/api/v1/workspaces").bearer_auth(&user.access_token);
        if let Some(list) = front.ask(workspaces, StatusCode::OK).await {
            let ids: Vec<_> = list["items"].as_array().into_iter().flatten().map(|item| &item["id"]).collect();
            front.judge(ids == [&json!(user.workspace)], || format!("{} sees {list}", user.email));
        }
        if let Some(problem) = front.ask(get("/api/v1/me"), StatusCode::UNAUTHORIZED).await {
            front.judge(problem["status"] == 401, || problem.to_string());
        }
        if let Some(problem) = front.ask(get(&user.documents()), StatusCode::UNAUTHORIZED).await {
            front.judge(problem.get("items").is_none(), || format!("a stranger sees {problem}"));
        }
        if let Some(keys) = front.ask(get("/.well-known/jwks.json"), StatusCode::OK).await {
            front.judge(keys["keys"].is_array(), || keys.to_string());
        }
        if !answered {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Vec::new()
}

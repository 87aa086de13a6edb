//! Plain HTTP to servers on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::Agent;

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// A status and a body, which is JSON or nothing.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Client {
    /// A client of the server at an address.
    pub fn new(address: SocketAddr) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            // What the environment says of proxies is not meant for this machine's own servers.
            .proxy(None)
            .build();
        Self { agent: config.into(), base: format!("http://{address}"), token: None }
    }

    /// Sends this access token from here on.
    pub fn authorize(&mut self, token: &str) {
        self.token = Some(format!("Bearer {token}"));
    }

    /// Whether the server says that it is ready.
    pub fn is_ready(&self) -> bool {
        self.agent.get(format!("{}/readyz", self.base)).call().is_ok_and(|answer| answer.status() == 200)
    }

    /// Asks for a resource.
    pub fn get(&self, path: &str) -> Result<Answer> {
        let token = self.token.as_ref().map(|token| ("authorization".to_owned(), token.clone()));
        self.get_with(path, token.as_slice())
    }

    /// Asks for a resource with these headers.
    pub fn get_with(&self, path: &str, headers: &[(String, String)]) -> Result<Answer> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        answer(request.call(), path)
    }

    /// Sends JSON.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(self.token.as_ref().map(|token| ("authorization".to_owned(), token.clone())));
        self.post_with(path, &headers, body)
    }

    /// Sends JSON with these headers.
    pub fn post_with(&self, path: &str, headers: &[(String, String)], body: &Value) -> Result<Answer> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        answer(request.send(body.to_string()), path)
    }
}

impl Answer {
    /// The body, if all went well.
    pub fn success(self, what: &str) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("{what}: the server answered {}: {}", self.status, self.body);
        }
        Ok(self.body)
    }
}

fn answer(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>, path: &str) -> Result<Answer> {
    let mut answer = answer.with_context(|| format!("no answer to {path}"))?;
    let text = answer.body_mut().read_to_string()?;
    let body = if text.is_empty() {
        Value::Null
    } else {
        // What is not JSON is some gateway's page, worth showing.
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    };
    Ok(Answer { status: answer.status().as_u16(), body })
}

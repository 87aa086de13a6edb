//! Tokens that only their authorization server can read (RFC 7662).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use breakwater_kit::types::{Caller, Field, Introspection, Opinion};
use serde::Deserialize;
use serde_json::Value;

use crate::token::Audience;

/// A token that is not active is not asked about again for so long, at the most.
const MOST_INACTIVE_SECONDS: u64 = 10;

/// An authorization server, as the section names it.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Server {
    pub issuer: String,
    endpoint: String,
    client_id: String,
    client_secret: String,
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(default = "a_minute")]
    cache_seconds: u64,
    #[serde(default = "two_seconds")]
    timeout_ms: u32,
}

/// What the server says of a token.
pub enum Said {
    /// Whose it is, the whole answer, and until when that may be remembered.
    Active(Box<Caller>, Value, u64),
    /// It is good for nothing, until then.
    Inactive(u64),
}

fn a_minute() -> u64 {
    60
}

fn two_seconds() -> u32 {
    2_000
}

#[derive(Deserialize)]
struct Answer {
    active: bool,
    scope: Option<String>,
    client_id: Option<String>,
    username: Option<String>,
    sub: Option<String>,
    sid: Option<String>,
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<u64>,
    nbf: Option<u64>,
}

impl Server {
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.issuer.is_empty() || self.client_id.is_empty() {
            return Err("introspection: issuer and client_id are needed".into());
        }
        if !(1..=3_600).contains(&self.cache_seconds) || !(1..=30_000).contains(&self.timeout_ms) {
            return Err("introspection: cache_seconds is from 1 to 3600, timeout_ms from 1 to 30000".into());
        }
        self.parts().map(drop).ok_or_else(|| "introspection: the endpoint is no http:// or https:// address".into())
    }

    fn parts(&self) -> Option<(&str, &str)> {
        let scheme = ["https://", "http://"].into_iter().find(|scheme| self.endpoint.starts_with(scheme))?;
        let authority = &self.endpoint[scheme.len()..];
        let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
        let (origin, path) = self.endpoint.split_at(scheme.len() + end);
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        (end > 0 && plain && (path.is_empty() || path.starts_with('/'))).then_some((origin, path))
    }

    /// The question about a token (section 2.1), with the edge's own credentials (RFC 6749, section 2.3.1).
    pub fn question(&self, token: &str) -> Introspection {
        let (origin, path) = self.parts().unwrap_or_default();
        let credentials = format!("{}:{}", form(&self.client_id), form(&self.client_secret));
        Introspection {
            origin: Some(origin.into()),
            path_and_query: if path.is_empty() { "/".into() } else { path.into() },
            headers: vec![
                Field::new("accept", "application/json"),
                Field::new("authorization", format!("Basic {}", STANDARD.encode(credentials))),
                Field::new("content-type", "application/x-www-form-urlencoded"),
            ],
            body: format!("token={}&token_type_hint=access_token", form(token)).into_bytes(),
            timeout: self.timeout_ms,
        }
    }

    /// What the server said.
    pub fn read(&self, answer: &Opinion, now: u64) -> Option<Said> {
        self.terms().read(answer, now)
    }

    fn terms(&self) -> Terms<'_> {
        Terms { issuer: &self.issuer, audiences: &self.audiences, cache_seconds: self.cache_seconds }
    }
}

/// What an answer is judged by.
pub struct Terms<'a> {
    pub issuer: &'a str,
    /// None: whomever a token is for, it is for us.
    pub audiences: &'a [String],
    pub cache_seconds: u64,
}

impl Terms<'_> {
    /// What the server said (section 2.2); nothing if it said nothing that can be understood.
    pub fn read(&self, answer: &Opinion, now: u64) -> Option<Said> {
        if answer.status != 200 {
            return None;
        }
        let whole: Value = serde_json::from_slice(&answer.body).ok()?;
        let inactive = Said::Inactive(now + self.cache_seconds.min(MOST_INACTIVE_SECONDS));
        // A server that says of a token what cannot be understood does not say that it is good.
        if whole.get("active") == Some(&Value::Bool(false)) {
            return Some(inactive);
        }
        let answer = Answer::deserialize(&whole).ok()?;
        let for_us = self.audiences.is_empty() || answer.aud.is_some_and(|aud| aud.is_one_of(self.audiences));
        let by_them = answer.iss.is_none_or(|issuer| issuer == self.issuer);
        let in_time = answer.nbf.is_none_or(|begin| begin <= now) && answer.exp.is_none_or(|end| now < end);
        let subject = answer.sub.or(answer.username).or(answer.client_id).filter(|subject| !subject.is_empty());
        let (true, Some(subject)) = (answer.active && for_us && by_them && in_time, subject) else {
            return Some(inactive);
        };
        let until = (now + self.cache_seconds).min(answer.exp.unwrap_or(u64::MAX));
        let scopes = answer.scope.as_deref().unwrap_or_default().split(' ').filter(|scope| !scope.is_empty());
        let caller = Caller {
            issuer: self.issuer.to_owned(),
            subject,
            session: answer.sid,
            scopes: scopes.map(Into::into).collect(),
            expires_at: answer.exp.unwrap_or(until),
            ..Caller::default()
        };
        Some(Said::Active(Box::new(caller), whole, until))
    }
}

/// `application/x-www-form-urlencoded`
pub fn form(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

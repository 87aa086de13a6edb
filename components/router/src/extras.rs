//! What a route changes in requests and answers, as it was published (the members `request`, `response`, `notices`, `cors`
//! and `mirror`).

use breakwater_kit::headers;
use breakwater_kit::types::{BodyEdit, CorsRule, Extras, Field, HeaderEdit, Mirror};
use serde::Deserialize;
use serde_json::Value;

/// Edits of one kind that a route may have.
const MAX_EDITS: usize = 100;

/// Headers that belong to the body's framing or to the gateway itself, as those of the connection do.
const NOT_EDITABLE: [&str; 7] =
    ["content-length", "expect", "forwarded", "host", "traceparent", "trailer", "x-request-id"];

/// The members of a route that are read here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Raw {
    request: RawEdits,
    response: RawEdits,
    notices: Vec<(String, String)>,
    cors: Option<RawCors>,
    mirror: Option<RawMirror>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawEdits {
    headers: Vec<RawHeaderEdit>,
    body: Vec<RawBodyEdit>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawHeaderEdit {
    Set(String, String),
    Add(String, String),
    Remove(String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawBodyEdit {
    Add(String, Value),
    Set(String, Value),
    Remove(String),
    Rename(String, String),
    Map(String, Vec<(Value, Value)>),
}

#[derive(Debug, Deserialize)]
struct RawCors {
    allowed_origins: Vec<String>,
    #[serde(default)]
    methods: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    exposed: Vec<String>,
    #[serde(default)]
    credentials: bool,
    #[serde(default)]
    max_age_seconds: u32,
}

#[derive(Debug, Deserialize)]
struct RawMirror {
    upstream: String,
    /// Of 10,000 requests.
    share: u32,
}

impl Raw {
    /// Checks all of it; nothing if there is nothing.
    pub fn read(self) -> Result<Option<Extras>, String> {
        let extras = Extras {
            request_headers: headers(self.request.headers)?,
            request_body: bodies(self.request.body)?,
            response_headers: headers(self.response.headers)?,
            response_body: bodies(self.response.body)?,
            notices: self.notices.into_iter().map(|(name, value)| field(name, value)).collect::<Result<_, _>>()?,
            varies: Vec::new(),
            cors: self.cors.map(RawCors::read).transpose()?,
            mirror: self.mirror.map(RawMirror::read).transpose()?,
        };
        Ok(Some(extras).filter(|extras| *extras != Extras::default()))
    }
}

fn headers(raw: Vec<RawHeaderEdit>) -> Result<Vec<HeaderEdit>, String> {
    few(raw.len())?;
    let edits = raw.into_iter().map(|edit| match edit {
        RawHeaderEdit::Set(name, value) => field(name, value).map(HeaderEdit::Set),
        RawHeaderEdit::Add(name, value) => field(name, value).map(HeaderEdit::Add),
        RawHeaderEdit::Remove(name) => editable(name).map(HeaderEdit::Remove),
    });
    edits.collect()
}

fn bodies(raw: Vec<RawBodyEdit>) -> Result<Vec<BodyEdit>, String> {
    few(raw.len())?;
    let edits = raw.into_iter().map(|edit| {
        Ok(match edit {
            RawBodyEdit::Add(at, value) => BodyEdit::Add((pointer(at)?, value.to_string())),
            RawBodyEdit::Set(at, value) => BodyEdit::Set((pointer(at)?, value.to_string())),
            RawBodyEdit::Remove(at) => BodyEdit::Remove(pointer(at)?),
            RawBodyEdit::Rename(at, name) => BodyEdit::Rename((pointer(at)?, name)),
            RawBodyEdit::Map(at, pairs) => {
                few(pairs.len())?;
                let pairs = pairs.into_iter().map(|(from, to)| (from.to_string(), to.to_string()));
                BodyEdit::Translate((pointer(at)?, pairs.collect()))
            }
        })
    });
    edits.collect()
}

fn few(count: usize) -> Result<(), String> {
    if count > MAX_EDITS { Err(format!("more than {MAX_EDITS} edits of one kind")) } else { Ok(()) }
}

fn field(name: String, value: String) -> Result<Field, String> {
    // RFC 9110, section 5.5.
    if value.bytes().any(|byte| byte.is_ascii_control()) || value.trim() != value {
        return Err(format!("{value:?} is no value of a header"));
    }
    Ok(Field::new(editable(name)?, value))
}

fn editable(name: String) -> Result<String, String> {
    if !is_header_name(&name) {
        return Err(format!("{name:?} is no lower-case header name"));
    }
    let own = name.starts_with("breakwater-") || name.starts_with("x-forwarded-");
    if own || headers::is_hop_by_hop(&name) || NOT_EDITABLE.contains(&name.as_str()) {
        return Err(format!("the header {name} is the gateway's own affair"));
    }
    Ok(name)
}

/// A token (RFC 9110, section 5.6.2) in lower case.
pub fn is_header_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

/// RFC 6901, section 3; the whole document cannot be edited away.
fn pointer(text: String) -> Result<String, String> {
    let escapes = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    if text.starts_with('/') && escapes { Ok(text) } else { Err(format!("{text:?} is no JSON Pointer to a part")) }
}

impl RawCors {
    fn read(self) -> Result<CorsRule, String> {
        if self.credentials && self.allowed_origins.iter().any(|origin| origin == "*") {
            return Err("cors: credentials are not for every origin".into());
        }
        Ok(CorsRule {
            origins: self.allowed_origins,
            methods: self.methods,
            headers: self.headers,
            exposed: self.exposed,
            credentials: self.credentials,
            max_age: self.max_age_seconds,
        })
    }
}

impl RawMirror {
    fn read(self) -> Result<Mirror, String> {
        if self.upstream.is_empty() || !(1..=10_000).contains(&self.share) {
            return Err("mirror: an upstream and 1 to 10,000 of 10,000 requests".into());
        }
        Ok(Mirror { upstream: self.upstream, share: self.share })
    }
}

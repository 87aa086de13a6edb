//! Under which key a response is found (RFC 9111, sections 2 and 4.1).

use std::fmt::Write;

use breakwater_kit::headers;
use breakwater_kit::types::{Caller, Field, RequestHead};
use sha2::{Digest, Sha256};

use crate::reason;

/// A response that varies by more headers is not kept.
const MAX_NAMES: usize = 16;

/// Where a response belongs.
pub struct Place {
    pub key: String,
    /// The plain key and the names that it has to lead by, if the response varies.
    pub varies: Option<(String, Vec<String>)>,
}

/// The key of the target itself. `GET` and `HEAD` share it.
pub fn plain(generation: u64, request: &RequestHead) -> String {
    of_target(generation, request, &request.path, request.query.as_deref())
}

/// The key of another target at the same origin.
pub fn of_target(generation: u64, request: &RequestHead, path: &str, query: Option<&str>) -> String {
    let mut digest = Sha256::new();
    part(&mut digest, request.scheme.as_bytes());
    part(&mut digest, request.authority.to_ascii_lowercase().as_bytes());
    part(&mut digest, path.as_bytes());
    if let Some(query) = query {
        part(&mut digest, query.as_bytes());
    }
    format!("cache:{generation}:{}", hex(digest))
}

/// Among the names that responses vary by: for whom it is, and under which permissions. No header has such a name.
pub const CALLER: &str = ":caller";

/// For whom a personal response is, and under which permissions it was made.
#[derive(Clone, Copy)]
pub struct Personal<'a> {
    pub caller: &'a Caller,
    pub permissions: &'a str,
}

/// The key of the variant that these headers of the request choose; none for a stranger to personal responses.
pub fn varied(plain: &str, request: &RequestHead, names: &[String], personal: Option<Personal<'_>>) -> Option<String> {
    let mut digest = Sha256::new();
    for name in names {
        part(&mut digest, name.as_bytes());
        if name == CALLER {
            let Personal { caller, permissions } = personal?;
            for text in [&caller.issuer, &caller.subject, permissions, &caller.scopes.join(" ")] {
                part(&mut digest, text.as_bytes());
            }
            continue;
        }
        // Lines are one list (RFC 9110, section 5.3), and a header that is missing is not an empty one (section 4.1).
        digest.update([u8::from(headers::has(&request.headers, name))]);
        let lines: Vec<&[u8]> = headers::values(&request.headers, name).collect();
        part(&mut digest, &normalised(name, lines.join(b", ".as_slice())));
    }
    Some(format!("{plain}:{}", hex(digest)))
}

/// Lists in which neither order nor case nor blanks mean anything (section 4.1; RFC 9110, sections 12.5.3 and 12.5.4).
fn normalised(name: &str, value: Vec<u8>) -> Vec<u8> {
    if !matches!(name, "accept-encoding" | "accept-language") {
        return value;
    }
    let Ok(text) = std::str::from_utf8(&value) else { return value };
    let bare = |member: &str| member.to_ascii_lowercase().replace([' ', '\t'], "");
    let mut members: Vec<String> = headers::members(text).map(bare).collect();
    members.sort_unstable();
    members.join(",").into_bytes()
}

/// The key of a response to this request, or why it has none.
pub fn of_response(
    generation: u64,
    request: &RequestHead,
    response: &[Field],
    personal: Option<Personal<'_>>,
) -> Result<Place, &'static str> {
    let plain = plain(generation, request);
    let mut names = names(response)?;
    if personal.is_some() {
        names.push(CALLER.to_owned());
    }
    if names.is_empty() {
        return Ok(Place { key: plain, varies: None });
    }
    let key = varied(&plain, request, &names, personal).ok_or(reason::CALLER)?;
    Ok(Place { key, varies: Some((plain, names)) })
}

/// Whether a response that was found under `key` belongs there.
pub fn is_own(key: &str, request: &RequestHead, response: &[Field], personal: Option<Personal<'_>>) -> bool {
    // `cache`, generation and target; a variant has one part more.
    let plain_end = key.match_indices(':').nth(2).map(|(at, _)| at);
    let (Ok(mut names), Some(end)) = (names(response), plain_end) else {
        return plain_end.is_none() && names(response).is_ok_and(|names| names.is_empty()) && personal.is_none();
    };
    if personal.is_some() {
        names.push(CALLER.to_owned());
    }
    !names.is_empty() && varied(&key[..end], request, &names, personal).is_some_and(|own| own == key)
}

/// The names in `Vary`: lower-case, sorted, each once.
fn names(response: &[Field]) -> Result<Vec<String>, &'static str> {
    if headers::values(response, "vary").any(|line| !line.is_ascii()) {
        return Err(reason::VARY);
    }
    let mut names: Vec<String> = headers::list(response, "vary").map(str::to_ascii_lowercase).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > MAX_NAMES || names.iter().any(|name| name == "*") {
        return Err(reason::VARY);
    }
    Ok(names)
}

/// With its length, so that no two lists of parts read the same.
fn part(digest: &mut Sha256, bytes: &[u8]) {
    digest.update((bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

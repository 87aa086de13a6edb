//! Under which key a response is found (RFC 9111, sections 2 and 4.1).

use std::fmt::Write;

use breakwater_kit::headers;
use breakwater_kit::types::{Field, RequestHead};
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
    let mut digest = Sha256::new();
    part(&mut digest, request.scheme.as_bytes());
    part(&mut digest, request.authority.to_ascii_lowercase().as_bytes());
    part(&mut digest, request.path.as_bytes());
    if let Some(query) = &request.query {
        part(&mut digest, query.as_bytes());
    }
    format!("cache:{generation}:{}", hex(digest))
}

/// The key of the variant that these headers of the request choose.
pub fn varied(plain: &str, request: &RequestHead, names: &[String]) -> String {
    let mut digest = Sha256::new();
    for name in names {
        part(&mut digest, name.as_bytes());
        // Lines are one list, and a header that is missing is not an empty one (section 4.1).
        digest.update([u8::from(headers::has(&request.headers, name))]);
        let lines: Vec<&[u8]> = headers::values(&request.headers, name).collect();
        part(&mut digest, &lines.join(b",".as_slice()));
    }
    format!("{plain}:{}", hex(digest))
}

/// The key of a response to this request, or why it has none.
pub fn of_response(generation: u64, request: &RequestHead, response: &[Field]) -> Result<Place, &'static str> {
    let plain = plain(generation, request);
    let names = names(response)?;
    if names.is_empty() {
        return Ok(Place { key: plain, varies: None });
    }
    Ok(Place { key: varied(&plain, request, &names), varies: Some((plain, names)) })
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

//! What reads bytes that a stranger can choose, as plain functions: each takes any bytes, and panics if something is
//! wrong with what the code under test made of them.
//!
//! `fuzz_targets/` makes targets of them for cargo-fuzz; `tests/corpus.rs` runs them over `corpus/` and over what it
//! changes in there. Panics are what a fuzzer reads, so they are allowed here.

#![allow(clippy::unwrap_used)]

mod cache_key;
mod gateway_file;
mod headers;
mod routes;
mod tokens;

use breakwater_kit::types::{Field, RequestHead};

pub use cache_key::cache_key;
pub use gateway_file::gateway_file;
pub use headers::headers;
pub use routes::routes;
pub use tokens::tokens;

/// A request from lines of text: the method, the target, then a header each. Bytes that are no UTF-8 stay as they are in
/// headers.
fn request(data: &[u8]) -> RequestHead {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, target) = (text(), text());
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target, None),
    };
    RequestHead {
        method,
        scheme: "https".to_owned(),
        authority: "edge.example".to_owned(),
        path,
        query,
        headers: fields(lines),
        client_address: "192.0.2.1".to_owned(),
    }
}

/// `name: value`, a line each. As HTTP parsers give them: the name in lower case, the value without space around it.
fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<Field> {
    let field = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = std::str::from_utf8(&line[..colon]).ok()?.trim().to_ascii_lowercase();
        Some(Field::new(name, line[colon + 1..].trim_ascii()))
    };
    lines.filter_map(field).collect()
}

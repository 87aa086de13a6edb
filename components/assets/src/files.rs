//! What is embedded.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// A file's content and what is said about it.
pub struct Content {
    pub kind: &'static str,
    pub cache_control: &'static str,
    pub bytes: &'static [u8],
}

/// Pages are asked for each time: they say which other files there are.
const PAGE: &str = "no-cache";
/// The names of other files do not change with their content, so they are kept for a short while only.
const PART: &str = "public, max-age=300";

/// By path.
pub const FILES: &[(&str, Content)] = &[
    (
        "/",
        Content { kind: "text/html; charset=utf-8", cache_control: PAGE, bytes: include_bytes!("../files/index.html") },
    ),
    (
        "/style.css",
        Content { kind: "text/css; charset=utf-8", cache_control: PART, bytes: include_bytes!("../files/style.css") },
    ),
    (
        "/favicon.svg",
        Content { kind: "image/svg+xml", cache_control: PART, bytes: include_bytes!("../files/favicon.svg") },
    ),
];

/// For people who ask for what is not there.
pub const NOT_FOUND: &[u8] = include_bytes!("../files/404.html");

impl Content {
    /// A strong entity tag (RFC 9110, section 8.8.3): another content has another.
    pub fn tag(&self) -> String {
        let digest = Sha256::digest(self.bytes);
        let hex = digest[..16].iter().fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        format!("\"{hex}\"")
    }
}

//! Policy `static-files`: the files of the start page, embedded when it was built.
//!
//! - Files are found by the one form of their path (`breakwater_kit::path`), `GET` and `HEAD` only. A `HEAD` gets the
//!   file as well: the gateway says its length and leaves it out.
//! - Every file has a strong entity tag, made of its content; `If-None-Match` is answered with 304 (RFC 9110, section
//!   13.1.2).
//! - What is not there is a page for those who accept HTML, and a problem for the others.

mod files;
#[cfg(target_arch = "wasm32")]
mod guest;
mod refusal;

use std::collections::BTreeMap;

use breakwater_kit::types::*;
use breakwater_kit::{entity_tag, path};
use files::{Content, FILES};
use serde::de::IgnoredAny;

/// The policy.
pub struct Assets {
    /// The entity tags of [`FILES`], in their order.
    tags: Vec<String>,
}

impl Default for Assets {
    fn default() -> Self {
        Self { tags: FILES.iter().map(|(_, content)| content.tag()).collect() }
    }
}

impl Assets {
    /// Takes the section `static_files` of the snapshot, in which nothing is said yet.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(section)
            .map(|_| ())
            .map_err(|error| format!("static_files: {error}"))
    }

    /// The request headers that the policy reads.
    pub fn reads(&self) -> Vec<String> {
        ["accept", "if-none-match"].map(str::to_owned).into()
    }

    /// The file for this request, or why there is none.
    pub fn find(&self, request: &RequestHead) -> File {
        let Some((content, tag)) = self.content(&request.path) else {
            return refusal::not_found(&request.headers);
        };
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return refusal::method_not_allowed();
        }
        let mut headers = vec![
            Field::new("etag", tag),
            Field::new("cache-control", content.cache_control),
            Field::new("x-content-type-options", "nosniff"),
        ];
        if entity_tag::none_match_hit(&request.headers, Some(tag)) == Some(true) {
            return File { head: ResponseHead { status: 304, headers }, body: Vec::new() };
        }
        headers.push(Field::new("content-type", content.kind));
        File { head: ResponseHead { status: 200, headers }, body: content.bytes.to_vec() }
    }

    fn content(&self, path: &str) -> Option<(&'static Content, &str)> {
        let path = path::normalise(path).ok()?;
        let index = FILES.iter().position(|(own, _)| *own == path)?;
        Some((&FILES[index].1, &self.tags[index]))
    }
}

#[cfg(test)]
mod tests;

//! What somebody wants purged.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::{FieldError, Problem, Result};

/// What edges are to forget: the answers of one URL, the answers with one tag, or everything.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    /// Path and query (`/shop/tea.txt?size=2`), at every host; with scheme and host before them, at that one.
    #[serde(default)]
    #[schema(max_length = 8192)]
    #[arg(long, conflicts_with = "tag")]
    pub url: Option<String>,
    /// A tag that answers name in `Surrogate-Key` or `Cache-Tag`.
    #[serde(default)]
    #[schema(max_length = 1024)]
    #[arg(long)]
    pub tag: Option<String>,
    /// Everything that is kept.
    #[serde(default)]
    #[arg(long, conflicts_with_all = ["url", "tag", "soft"])]
    pub everything: bool,
    /// Answers become stale instead of gone: they are validated, and may be used while they are being renewed.
    #[serde(default)]
    #[arg(long)]
    pub soft: bool,
}

impl Purge {
    /// Checks that it says one thing, and brings a URL into the form that edges compare.
    pub fn checked(mut self) -> Result<Self> {
        let wrong = |at: &str, text: &str| Err(Problem::validation(vec![FieldError::new(at, "purge", text)]));
        let said = usize::from(self.url.is_some()) + usize::from(self.tag.is_some()) + usize::from(self.everything);
        if said != 1 {
            return wrong("", "must say one of url, tag and everything");
        }
        if self.everything && self.soft {
            return wrong("/soft", "is not for everything");
        }
        if let Some(tag) = &self.tag
            && (tag.is_empty() || tag.len() > 1024 || tag.contains([' ', '\t', ',']))
        {
            return wrong("/tag", "must be one tag");
        }
        if let Some(url) = &self.url {
            match compared(url) {
                Some(url) => self.url = Some(url),
                None => return wrong("/url", "must be a path, or an http:// or https:// URL"),
            }
        }
        Ok(self)
    }
}

/// As edges have it: the fragment never reaches them, and hosts are in lower case.
fn compared(url: &str) -> Option<String> {
    let url = url.split('#').next().unwrap_or_default();
    if url.len() > 8192 || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    if url.starts_with('/') && !url.starts_with("//") {
        return Some(url.to_owned());
    }
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let slash = if target.starts_with('/') { "" } else { "/" };
    (!authority.is_empty()).then(|| format!("{scheme}://{}{slash}{target}", authority.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_brought_into_the_form_that_edges_compare() {
        for (given, expected) in [
            ("/a?b=c", Some("/a?b=c")),
            ("/a#b", Some("/a")),
            ("https://API.example:8443/A?b", Some("https://api.example:8443/A?b")),
            ("http://api.example", Some("http://api.example/")),
            ("http://api.example?x", Some("http://api.example/?x")),
            ("//evil", None),
            ("a", None),
            ("", None),
            ("ftp://a/b", None),
            ("https:///b", None),
            ("/a b", None),
        ] {
            assert_eq!(compared(given).as_deref(), expected, "{given}");
        }
    }
}

//! Who answers a route, and what they are asked for.

use breakwater_kit::types::{Field, RequestHead, ResponseHead, Split, Sticky, Target, Weighted};
use serde::Deserialize;

use crate::pattern::Pattern;
use crate::query::Edits;
use crate::template::Template;

/// The member `target` of a route: one of these.
#[derive(Debug, Deserialize)]
pub struct Raw {
    upstream: Option<String>,
    #[serde(default)]
    static_files: bool,
    split: Option<RawSplit>,
    redirect: Option<RawRedirect>,
}

#[derive(Debug, Deserialize)]
struct RawSplit {
    upstreams: Vec<RawWeighted>,
    #[serde(default)]
    sticky: RawSticky,
}

#[derive(Debug, Deserialize)]
struct RawWeighted {
    upstream: String,
    weight: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawSticky {
    #[default]
    Caller,
    Address,
    Cookie(String),
    Nobody,
}

#[derive(Debug, Deserialize)]
struct RawRedirect {
    to: String,
    status: u16,
    keep_query: bool,
}

/// A redirect's `Location`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Before the path: nothing, or scheme and authority.
    origin: String,
    path: Template,
    /// After the path, with its `?`.
    query: String,
    keep_query: bool,
}

impl Raw {
    /// The target, and what it says for each request if it is a redirect.
    pub fn read(self, pattern: &Pattern) -> Result<(Target, Option<Redirect>), String> {
        Ok(match (self.upstream, self.static_files, self.split, self.redirect) {
            (Some(upstream), false, None, None) if !upstream.is_empty() => (Target::Upstream(upstream), None),
            (None, true, None, None) => (Target::StaticFiles, None),
            (None, false, Some(split), None) => (Target::Split(split.read()?), None),
            (None, false, None, Some(redirect)) => {
                if !matches!(redirect.status, 301 | 302 | 303 | 307 | 308) {
                    return Err(format!("{} is no status of a redirect", redirect.status));
                }
                let head = ResponseHead { status: redirect.status, headers: Vec::new() };
                (Target::Answer(head), Some(redirect.read(pattern)?))
            }
            _ => return Err("the target is either an upstream, static files, a split or a redirect".into()),
        })
    }
}

impl RawSplit {
    fn read(self) -> Result<Split, String> {
        let sum: u64 = self.upstreams.iter().map(|one| u64::from(one.weight)).sum();
        if sum == 0 || sum > u64::from(u32::MAX) || self.upstreams.iter().any(|one| one.upstream.is_empty()) {
            return Err("a split needs upstreams, and weights of which one is not 0".into());
        }
        Ok(Split {
            upstreams: self
                .upstreams
                .into_iter()
                .map(|RawWeighted { upstream, weight }| Weighted { upstream, weight })
                .collect(),
            sticky: match self.sticky {
                RawSticky::Caller => Sticky::Caller,
                RawSticky::Address => Sticky::Address,
                RawSticky::Cookie(name) => Sticky::Cookie(name),
                RawSticky::Nobody => Sticky::Nobody,
            },
        })
    }
}

impl RawRedirect {
    fn read(self, pattern: &Pattern) -> Result<Redirect, String> {
        let wrong = |reason: &str| format!("redirect to {:?}: {reason}", self.to);
        let after_scheme =
            ["https://", "http://"].iter().find_map(|scheme| Some((scheme, self.to.strip_prefix(scheme)?)));
        let (origin, path) = match after_scheme {
            None => (String::new(), self.to.as_str()),
            Some((scheme, rest)) => {
                let (authority, _) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
                if authority != "{host}" && (authority.is_empty() || !authority.bytes().all(plain)) {
                    return Err(wrong("the host is a name or {host}"));
                }
                (format!("{scheme}{authority}"), &rest[authority.len()..])
            }
        };
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        if !query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(wrong("the query has a character that is not allowed"));
        }
        let path = Template::parse(if path.is_empty() && !origin.is_empty() { "/" } else { path }, pattern)?;
        Ok(Redirect { origin, path, query: query.into(), keep_query: self.keep_query })
    }
}

impl Redirect {
    /// The header for a request. The authority was admitted, path and query are in a form without line breaks.
    pub fn location(&self, request: &RequestHead, matched: &str) -> Field {
        let mut location = self.origin.replace("{host}", &request.authority);
        location.push_str(&self.path.fill(matched));
        location.push_str(&self.query);
        if let Some(query) = request.query.as_deref().filter(|_| self.keep_query) {
            location.push(if self.query.is_empty() { '?' } else { '&' });
            location.push_str(query);
        }
        Field::new("location", location)
    }
}

/// What a route makes of path and query before they go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    pub rewrite: Option<Template>,
    pub query: Edits,
    pub redirect: Option<Redirect>,
}

impl Shape {
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

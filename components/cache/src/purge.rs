//! What operators no longer want served: purges by URL and by tag, from the snapshot.
//!
//! Purges are numbered. A response carries the number of the last purge that was known when its request was sent
//! (`epoch`), and every purge with a higher number hits it. So no clocks are compared.

use std::collections::HashMap;

use breakwater_kit::headers;
use breakwater_kit::types::{Field, RequestHead};
use serde::Deserialize;

/// Tags that are looked at, of one response.
const MAX_TAGS: usize = 128;

/// What a purge does to a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purged {
    /// It is stale: it may be validated, and answer where stale responses may.
    Soft,
    /// It is gone.
    Hard,
}

/// The purges that are known.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Purges {
    /// The last purge there was.
    #[serde(default)]
    epoch: u64,
    /// Everything older is gone, whatever it is.
    #[serde(default)]
    everything_before: u64,
    #[serde(default, rename = "purges")]
    given: Vec<Purge>,
    #[serde(skip)]
    by_url: HashMap<String, Marks>,
    #[serde(skip)]
    by_tag: HashMap<String, Marks>,
}

#[derive(Debug, Clone, Deserialize)]
struct Purge {
    number: u64,
    url: Option<String>,
    tag: Option<String>,
    #[serde(default)]
    soft: bool,
}

/// The highest numbers of both kinds.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    soft: u64,
    hard: u64,
}

impl Purges {
    /// Makes them ready to be looked up.
    pub fn prepare(&mut self) -> Result<(), String> {
        for purge in std::mem::take(&mut self.given) {
            let marks = match (purge.url, purge.tag) {
                (Some(url), None) => self.by_url.entry(url).or_default(),
                (None, Some(tag)) => self.by_tag.entry(tag).or_default(),
                _ => return Err(format!("caching: purge {} has to name a URL or a tag", purge.number)),
            };
            let mark = if purge.soft { &mut marks.soft } else { &mut marks.hard };
            *mark = purge.number.max(*mark);
            self.epoch = self.epoch.max(purge.number);
        }
        Ok(())
    }

    /// What became of a response with these headers, to this request.
    pub fn look_up(&self, request: &RequestHead, headers: &[Field], epoch: u64) -> Option<Purged> {
        if epoch >= self.epoch {
            return None;
        }
        if epoch < self.everything_before {
            return Some(Purged::Hard);
        }
        let mut soft = false;
        let mut is_hit = |marks: Option<&Marks>| {
            let marks = marks.copied().unwrap_or_default();
            soft |= marks.soft > epoch;
            marks.hard > epoch
        };
        if !self.by_url.is_empty() {
            let target = target(request);
            let absolute = format!("{}://{}{target}", request.scheme, request.authority.to_ascii_lowercase());
            if is_hit(self.by_url.get(&target)) || is_hit(self.by_url.get(&absolute)) {
                return Some(Purged::Hard);
            }
        }
        if !self.by_tag.is_empty() && tags(headers).take(MAX_TAGS).any(|tag| is_hit(self.by_tag.get(tag))) {
            return Some(Purged::Hard);
        }
        soft.then_some(Purged::Soft)
    }
}

fn target(request: &RequestHead) -> String {
    match &request.query {
        Some(query) => format!("{}?{query}", request.path),
        None => request.path.clone(),
    }
}

/// `Surrogate-Key` is a list with spaces, `Cache-Tag` one with commas; either may have both.
fn tags(headers: &[Field]) -> impl Iterator<Item = &str> {
    ["surrogate-key", "cache-tag"]
        .into_iter()
        .flat_map(|name| headers::values(headers, name))
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split([' ', '\t', ',']))
        .filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{fields, get};

    fn purges(json: &str) -> Purges {
        let mut purges: Purges = serde_json::from_str(json).unwrap();
        purges.prepare().unwrap();
        purges
    }

    #[test]
    fn what_a_purge_hits() {
        for (purge, expected) in [
            (r#"{"number": 5, "url": "https://edge.example/a?b=c"}"#, Some(Purged::Hard)),
            (r#"{"number": 5, "url": "/a?b=c"}"#, Some(Purged::Hard)),
            (r#"{"number": 5, "url": "/a?b=c", "soft": true}"#, Some(Purged::Soft)),
            (r#"{"number": 5, "tag": "two"}"#, Some(Purged::Hard)),
            (r#"{"number": 5, "tag": "three", "soft": true}"#, Some(Purged::Soft)),
            (r#"{"number": 5, "tag": "two"}, {"number": 5, "tag": "one", "soft": true}"#, Some(Purged::Hard)),
            (r#"{"number": 4, "tag": "two"}"#, None),
            (r#"{"number": 5, "tag": "tw"}"#, None),
            (r#"{"number": 5, "url": "/a"}"#, None),
            (r#"{"number": 5, "url": "http://edge.example/a?b=c"}"#, None),
        ] {
            let purges = purges(&format!(r#"{{"epoch": 5, "purges": [{purge}]}}"#));
            let tagged = fields(&[("surrogate-key", "one two"), ("cache-tag", "three, four")]);
            assert_eq!(purges.look_up(&get(&[]), &tagged, 4), expected, "{purge}");
            assert_eq!(purges.look_up(&get(&[]), &tagged, 5), None, "{purge}");
        }
        let all = purges(r#"{"epoch": 9, "everything_before": 7}"#);
        assert_eq!(all.look_up(&get(&[]), &[], 6), Some(Purged::Hard));
        assert_eq!(all.look_up(&get(&[]), &[], 7), None);
    }
}

//! `Cache-Control` (RFC 9111, section 5.2).
//!
//! Names are case-insensitive and values may be quoted. Unknown directives are ignored. A list that cannot be
//! read (a quoted string that never ends) counts as `no-store`: what it hides might have said so.

use breakwater_kit::headers;
use breakwater_kit::types::Field;

/// Larger numbers count as this (section 1.2.2).
const FOREVER: u64 = 1 << 31;

/// What a response says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    pub no_store: bool,
    pub no_cache: bool,
    pub private: bool,
    pub public: bool,
    pub must_revalidate: bool,
    pub proxy_revalidate: bool,
    pub max_age: Option<u64>,
    pub s_maxage: Option<u64>,
}

/// What a request says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    pub no_store: bool,
    pub no_cache: bool,
    pub only_if_cached: bool,
    pub max_age: Option<u64>,
    pub min_fresh: u64,
    /// How stale a response may be.
    pub max_stale: u64,
}

impl ResponseDirectives {
    pub fn read(response: &[Field]) -> Self {
        let mut found = Self::default();
        let readable = each(response, |name, value| match name {
            "no-store" => found.no_store = true,
            "no-cache" => found.no_cache = true,
            "private" => found.private = true,
            "public" => found.public = true,
            "must-revalidate" => found.must_revalidate = true,
            "proxy-revalidate" => found.proxy_revalidate = true,
            // Said twice or unreadably: the most careful reading (section 4.2.1).
            "max-age" => found.max_age = Some(found.max_age.unwrap_or(FOREVER).min(seconds(value).unwrap_or(0))),
            "s-maxage" => found.s_maxage = Some(found.s_maxage.unwrap_or(FOREVER).min(seconds(value).unwrap_or(0))),
            _ => {}
        });
        found.no_store |= !readable;
        found
    }

    /// Whether a shared cache may keep it although the request had `Authorization` (section 3.5).
    pub fn allows_authorized(&self) -> bool {
        self.public || self.must_revalidate || self.s_maxage.is_some()
    }

    /// Whether it may never be used stale (section 4.2.4).
    pub fn forbids_stale(&self) -> bool {
        self.no_cache || self.must_revalidate || self.proxy_revalidate || self.s_maxage.is_some()
    }
}

impl RequestDirectives {
    pub fn read(request: &[Field]) -> Self {
        let mut found = Self::default();
        let mut stale: Option<u64> = None;
        let readable = each(request, |name, value| match name {
            "no-store" => found.no_store = true,
            "no-cache" => found.no_cache = true,
            "only-if-cached" => found.only_if_cached = true,
            "max-age" => found.max_age = Some(found.max_age.unwrap_or(FOREVER).min(seconds(value).unwrap_or(0))),
            "min-fresh" => found.min_fresh = found.min_fresh.max(seconds(value).unwrap_or(0)),
            "max-stale" => {
                // Without a value, anything goes (section 5.2.1.2).
                let limit = if value.is_none() { FOREVER } else { seconds(value).unwrap_or(0) };
                stale = Some(stale.unwrap_or(FOREVER).min(limit));
            }
            _ => {}
        });
        found.max_stale = stale.unwrap_or(0);
        found.no_store |= !readable;
        found
    }
}

/// Hands over each directive, its name in lower case; answers whether all could be read.
fn each(fields: &[Field], mut take: impl FnMut(&str, Option<&str>)) -> bool {
    let mut readable = true;
    for line in headers::values(fields, "cache-control") {
        // Octets that are no text must not hide the rest of the line.
        let line = String::from_utf8_lossy(line);
        for member in headers::members(&line) {
            let (name, value) = match member.split_once('=') {
                Some((name, value)) => (name, Some(value.trim_matches([' ', '\t']))),
                None => (member, None),
            };
            readable &= !member.contains('"') || value.is_some_and(is_quoted);
            take(&name.trim_matches([' ', '\t']).to_ascii_lowercase(), value.map(|value| value.trim_matches('"')));
        }
    }
    readable
}

fn is_quoted(value: &str) -> bool {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| !inner.contains(['"', '\\']))
}

/// `delta-seconds` (section 1.2.2).
fn seconds(value: Option<&str>) -> Option<u64> {
    let digits = value.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))?;
    // Only too many digits can fail.
    Some(digits.parse().unwrap_or(FOREVER).min(FOREVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(value: &str) -> ResponseDirectives {
        ResponseDirectives::read(&[Field::new("cache-control", value)])
    }

    #[test]
    fn section_5_2_2_responses() {
        let none = ResponseDirectives::default;
        for (value, expected) in [
            ("", none()),
            ("unknown, other=1", none()),
            ("max-age=60", ResponseDirectives { max_age: Some(60), ..none() }),
            ("MAX-AGE=\"60\" , Public", ResponseDirectives { max_age: Some(60), public: true, ..none() }),
            ("max-age=60, max-age=30", ResponseDirectives { max_age: Some(30), ..none() }),
            ("max-age=x", ResponseDirectives { max_age: Some(0), ..none() }),
            ("max-age", ResponseDirectives { max_age: Some(0), ..none() }),
            ("max-age=-1", ResponseDirectives { max_age: Some(0), ..none() }),
            ("max-age=1.5", ResponseDirectives { max_age: Some(0), ..none() }),
            ("max-age=99999999999999999999999", ResponseDirectives { max_age: Some(FOREVER), ..none() }),
            ("s-maxage=5", ResponseDirectives { s_maxage: Some(5), ..none() }),
            ("private=\"set-cookie, x\"", ResponseDirectives { private: true, ..none() }),
            ("no-cache=\"a\", no-store", ResponseDirectives { no_cache: true, no_store: true, ..none() }),
            (
                "must-revalidate,proxy-revalidate",
                ResponseDirectives { must_revalidate: true, proxy_revalidate: true, ..none() },
            ),
            // What might be hidden in there counts.
            ("a=\"b, public", ResponseDirectives { no_store: true, ..none() }),
            ("\"a", ResponseDirectives { no_store: true, ..none() }),
        ] {
            assert_eq!(response(value), expected, "{value}");
        }
        let binary = [Field::new("cache-control", b"\xff, no-store".to_vec())];
        assert!(ResponseDirectives::read(&binary).no_store);
    }

    #[test]
    fn section_5_2_1_requests() {
        let none = RequestDirectives::default;
        for (value, expected) in [
            ("max-age=0", RequestDirectives { max_age: Some(0), ..none() }),
            ("max-stale", RequestDirectives { max_stale: FOREVER, ..none() }),
            ("max-stale=10, max-stale", RequestDirectives { max_stale: 10, ..none() }),
            ("max-stale=x", none()),
            ("min-fresh=5, min-fresh=9", RequestDirectives { min_fresh: 9, ..none() }),
            ("no-cache, no-store", RequestDirectives { no_cache: true, no_store: true, ..none() }),
            ("only-if-cached", RequestDirectives { only_if_cached: true, ..none() }),
        ] {
            assert_eq!(RequestDirectives::read(&[Field::new("cache-control", value)]), expected, "{value}");
        }
    }
}

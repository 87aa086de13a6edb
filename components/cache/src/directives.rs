//! `Cache-Control` (RFC 9111, section 5.2), and `CDN-Cache-Control` in its place (RFC 9213).
//!
//! Names are case-insensitive and values may be quoted. Unknown directives are ignored. A list that cannot be
//! read (a quoted string that never ends) counts as `no-store`: what it hides might have said so.

use breakwater_kit::headers;
use breakwater_kit::types::Field;

use crate::targeted::{self, Value};

/// Larger numbers count as this (section 1.2.2).
pub const FOREVER: u64 = 1 << 31;

/// What a response says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    pub no_store: bool,
    pub no_cache: bool,
    pub private: bool,
    pub public: bool,
    pub must_revalidate: bool,
    pub proxy_revalidate: bool,
    pub must_understand: bool,
    pub max_age: Option<u64>,
    pub s_maxage: Option<u64>,
    /// RFC 5861, sections 3 and 4.
    pub stale_while_revalidate: u64,
    pub stale_if_error: Option<u64>,
    /// Headers that may not be reused: the arguments of `no-cache` and `private` (sections 5.2.2.4 and 5.2.2.7).
    pub withheld: Vec<String>,
    /// They stand in `CDN-Cache-Control`: `Expires` does not count beside it (RFC 9213, section 2.2).
    pub targeted: bool,
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
    /// The same, if the upstream fails (RFC 5861, section 4).
    pub stale_if_error: Option<u64>,
}

impl ResponseDirectives {
    pub fn read(response: &[Field]) -> Self {
        let mut found = Self::default();
        if headers::has(response, "cdn-cache-control")
            && let Some(members) = targeted::read(response)
        {
            for (name, value) in members {
                let number = if let Value::Integer(number) = value { Some(number.to_string()) } else { None };
                let text = if let Value::Text(text) = &value { Some(text.as_str()) } else { number.as_deref() };
                if value != Value::Other {
                    found.take(&name, text);
                }
            }
            found.targeted = true;
            return found;
        }
        let readable = each(response, |name, value| found.take(name, value));
        found.no_store |= !readable;
        found
    }

    fn take(&mut self, name: &str, value: Option<&str>) {
        // Said twice or unreadably: the most careful reading (section 4.2.1).
        let least = |known: Option<u64>| Some(known.unwrap_or(FOREVER).min(seconds(value).unwrap_or(0)));
        match name {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache |= !self.withhold(value),
            "private" => self.private |= !self.withhold(value),
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "max-age" => self.max_age = least(self.max_age),
            "s-maxage" => self.s_maxage = least(self.s_maxage),
            "stale-while-revalidate" => self.stale_while_revalidate = seconds(value).unwrap_or(0),
            "stale-if-error" => self.stale_if_error = least(self.stale_if_error),
            _ => {}
        }
    }

    /// Whether the directive has an argument that names headers, and so is about them alone.
    fn withhold(&mut self, value: Option<&str>) -> bool {
        let names: Vec<String> = headers::members(value.unwrap_or_default()).map(str::to_ascii_lowercase).collect();
        let token = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if names.is_empty() || !names.iter().all(token) {
            return false;
        }
        self.withheld.extend(names);
        true
    }

    /// Whether a shared cache may keep it although the request had `Authorization` (section 3.5).
    pub fn allows_authorized(&self) -> bool {
        self.public || self.must_revalidate || self.s_maxage.is_some()
    }

    /// Whether it may not be used stale at all (section 4.2.4).
    pub fn forbids_stale(&self) -> bool {
        self.no_cache || self.must_revalidate || self.proxy_revalidate
    }

    /// Whether it may not be used stale unless it says so itself: `s-maxage` has that in it (section 5.2.2.10).
    pub fn discourages_stale(&self) -> bool {
        self.forbids_stale() || self.s_maxage.is_some()
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
            "stale-if-error" => found.stale_if_error = seconds(value),
            _ => {}
        });
        found.max_stale = stale.unwrap_or(0);
        found.no_store |= !readable;
        // Section 5.4, for clients that know nothing newer.
        found.no_cache |= !headers::has(request, "cache-control")
            && headers::list(request, "pragma").any(|directive| directive.eq_ignore_ascii_case("no-cache"));
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
pub fn seconds(value: Option<&str>) -> Option<u64> {
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
        let withheld = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
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
            ("max-age='60'", ResponseDirectives { max_age: Some(0), ..none() }),
            ("max-age=99999999999999999999999", ResponseDirectives { max_age: Some(FOREVER), ..none() }),
            ("s-maxage=5", ResponseDirectives { s_maxage: Some(5), ..none() }),
            ("private=\"Set-Cookie, x\"", ResponseDirectives { withheld: withheld(&["set-cookie", "x"]), ..none() }),
            ("private=\"\"", ResponseDirectives { private: true, ..none() }),
            ("private=\"a b\"", ResponseDirectives { private: true, ..none() }),
            ("no-cache=a, no-cache", ResponseDirectives { no_cache: true, withheld: withheld(&["a"]), ..none() }),
            (
                "must-revalidate,proxy-revalidate",
                ResponseDirectives { must_revalidate: true, proxy_revalidate: true, ..none() },
            ),
            (
                "stale-while-revalidate=3, stale-if-error=4",
                ResponseDirectives { stale_while_revalidate: 3, stale_if_error: Some(4), ..none() },
            ),
            ("must-understand", ResponseDirectives { must_understand: true, ..none() }),
            // What might be hidden in there counts.
            ("a=\"b, public", ResponseDirectives { no_store: true, ..none() }),
            ("\"a", ResponseDirectives { no_store: true, ..none() }),
            // What is quoted is no directive.
            ("a=\"b, max-age=1\", max-age=9", ResponseDirectives { max_age: Some(9), ..none() }),
        ] {
            assert_eq!(response(value), expected, "{value}");
        }
        let binary = [Field::new("cache-control", b"\xff, no-store".to_vec())];
        assert!(ResponseDirectives::read(&binary).no_store);
    }

    #[test]
    fn rfc_9213_the_targeted_field_wins() {
        let read = |cdn: &str| {
            let fields = [Field::new("cache-control", "no-store"), Field::new("cdn-cache-control", cdn)];
            ResponseDirectives::read(&fields)
        };
        let found = read("max-age=60, no-cache=\"a\"");
        assert_eq!((found.no_store, found.max_age, found.targeted), (false, Some(60), true));
        assert_eq!(found.withheld, ["a"]);
        for invalid in ["", "max-age=\"60\"", "max-age=60, &&"] {
            let found = read(invalid);
            assert!(found.no_store && !found.targeted, "{invalid}");
        }
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
            ("stale-if-error=7", RequestDirectives { stale_if_error: Some(7), ..none() }),
        ] {
            assert_eq!(RequestDirectives::read(&[Field::new("cache-control", value)]), expected, "{value}");
        }
        let pragma = Field::new("pragma", "x, No-Cache");
        assert!(RequestDirectives::read(std::slice::from_ref(&pragma)).no_cache);
        assert!(!RequestDirectives::read(&[pragma, Field::new("cache-control", "max-age=9")]).no_cache);
    }
}

//! Preconditions over row versions, RFC 9110 section 13. A resource's entity tag is `"v<version>"`.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::problem::{Problem, Result, kinds};

/// The entity tag of a row version, RFC 9110 section 8.8.3.
pub fn etag(version: i64) -> HeaderValue {
    // Digits in quotes are always a valid header value.
    HeaderValue::from_str(&format!("\"v{version}\"")).unwrap_or(HeaderValue::from_static("\"v\""))
}

/// The request's `If-Match`, RFC 9110 section 13.1.1.
#[derive(Debug, Clone, Default)]
pub struct IfMatch(Option<Tags>);

/// The request's `If-None-Match`, RFC 9110 section 13.1.2.
#[derive(Debug, Clone, Default)]
pub struct IfNoneMatch(Option<Tags>);

#[derive(Debug, Clone)]
enum Tags {
    Any,
    List(Vec<Tag>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    weak: bool,
    opaque: String,
}

impl IfMatch {
    /// Lets the change through when the client has seen `version`, or did not say. The comparison is strong
    /// (RFC 9110 section 13.1.1): a weak tag never matches.
    pub fn check(&self, version: i64) -> Result<()> {
        let matches = match &self.0 {
            None | Some(Tags::Any) => true,
            Some(Tags::List(tags)) => {
                let current = format!("v{version}");
                tags.iter().any(|tag| !tag.weak && tag.opaque == current)
            }
        };
        if matches {
            return Ok(());
        }
        Err(Problem::new(&kinds::PRECONDITION_FAILED)
            .detail("The resource was changed since you read it: read it again.")
            .header(header::ETAG, etag(version)))
    }

    /// What the text of an `If-Match` says.
    pub fn of(text: &str) -> Result<Self> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(text);
        headers.insert(header::IF_MATCH, value.map_err(|_| Problem::bad_request("If-Match is malformed."))?);
        read(&headers, &header::IF_MATCH).map(Self)
    }

    /// 428 when the client did not say which version it changes.
    pub fn required(&self) -> Result<&Self> {
        match self.0 {
            Some(_) => Ok(self),
            None => Err(Problem::new(&kinds::PRECONDITION_REQUIRED)),
        }
    }
}

impl IfNoneMatch {
    /// Whether the client already has what `etag` names. The comparison is weak (RFC 9110 section 13.1.2).
    pub fn matches(&self, etag: &HeaderValue) -> bool {
        let Some(current) = etag.to_str().ok().and_then(|text| tags(text).ok()?.pop()) else {
            return false;
        };
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::List(tags)) => tags.iter().any(|tag| tag.opaque == current.opaque),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        read(&parts.headers, &header::IF_MATCH).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        read(&parts.headers, &header::IF_NONE_MATCH).map(Self)
    }
}

fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>> {
    let malformed = || Problem::bad_request(format!("The header {name} is malformed."));
    let mut list = Vec::new();
    let mut any = false;
    let mut present = false;
    for value in headers.get_all(name) {
        present = true;
        let text = value.to_str().map_err(|_| malformed())?.trim();
        match text {
            "*" => any = true,
            _ => list.append(&mut tags(text).map_err(|()| malformed())?),
        }
    }
    match (present, any, list.is_empty()) {
        (false, ..) => Ok(None),
        (_, true, true) => Ok(Some(Tags::Any)),
        (_, false, false) => Ok(Some(Tags::List(list))),
        _ => Err(malformed()),
    }
}

/// `entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE`, separated by commas; the tag itself may hold commas.
fn tags(mut text: &str) -> std::result::Result<Vec<Tag>, ()> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ',']);
        if text.is_empty() {
            return Ok(found);
        }
        let (weak, rest) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (opaque, rest) = rest.strip_prefix('"').and_then(|r| r.split_once('"')).ok_or(())?;
        if !opaque.bytes().all(|b| b == 0x21 || (0x23..=0x7e).contains(&b)) {
            return Err(());
        }
        let rest = rest.trim_start_matches([' ', '\t']);
        if !(rest.is_empty() || rest.starts_with(',')) {
            return Err(());
        }
        found.push(Tag { weak, opaque: opaque.to_owned() });
        text = rest;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn if_match(value: &str) -> Result<IfMatch> {
        IfMatch::of(value)
    }

    #[test]
    fn a_strong_tag_of_the_current_version_matches() {
        assert!(if_match("\"v3\"").unwrap().check(3).is_ok());
        assert!(if_match("\"v2\", \"v3\"").unwrap().check(3).is_ok());
        assert!(if_match("*").unwrap().check(3).is_ok());
        assert!(IfMatch::default().check(3).is_ok());
    }

    #[test]
    fn a_weak_or_older_tag_does_not() {
        for value in ["W/\"v3\"", "\"v2\"", "\"v33\"", "\"v,3\""] {
            let problem = if_match(value).unwrap().check(3).unwrap_err();
            assert_eq!(problem.kind(), &kinds::PRECONDITION_FAILED, "{value}");
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for value in ["v3", "\"v3", "\"v3\" \"v4\"", "*, \"v3\"", "", "\"a b\""] {
            assert!(if_match(value).is_err(), "{value}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("W/\"v3\""));
        let given = IfNoneMatch(read(&headers, &header::IF_NONE_MATCH).unwrap());
        assert!(given.matches(&etag(3)));
        assert!(!given.matches(&etag(4)));
        assert!(!IfNoneMatch::default().matches(&etag(4)));
    }
}

//! What an unsafe request makes untrue (RFC 9111, section 4.4).

use breakwater_kit::headers;
use breakwater_kit::types::{RequestHead, ResponseHead};

use crate::key;

/// The keys to forget: the target's, and those of `Location` and `Content-Location` at the same origin.
pub fn keys(generation: u64, request: &RequestHead, response: &ResponseHead) -> Vec<String> {
    let is_safe = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
    if is_safe || !matches!(response.status, 200..=399) {
        return Vec::new();
    }
    let mut keys = vec![key::plain(generation, request)];
    for name in ["location", "content-location"] {
        let named = headers::first(&response.headers, name).and_then(|reference| resolve(request, reference));
        if let Some((path, query)) = named {
            let other = key::of_target(generation, request, &path, query.as_deref());
            if !keys.contains(&other) {
                keys.push(other);
            }
        }
    }
    keys
}

/// Path and query of a reference, if it stays at the request's origin (RFC 3986, section 5.2).
fn resolve(request: &RequestHead, reference: &str) -> Option<(String, Option<String>)> {
    let reference = reference.split('#').next()?;
    let rest = match reference.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            scheme.eq_ignore_ascii_case(&request.scheme).then_some(Some(rest))?
        }
        _ => reference.strip_prefix("//").map(Some).unwrap_or_default(),
    };
    let local = match rest {
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, local) = rest.split_at(end);
            authority.eq_ignore_ascii_case(&request.authority).then_some(local)?
        }
        None => reference,
    };
    let (path, query) = match local.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (local, None),
    };
    let path = match (path, rest) {
        ("", Some(_)) => "/".to_owned(),
        ("", None) => return Some((request.path.clone(), query.or_else(|| request.query.clone()))),
        (absolute, _) if absolute.starts_with('/') => without_dots(absolute),
        (relative, _) => {
            let folder = request.path.rfind('/').map_or("/", |at| &request.path[..=at]);
            without_dots(&format!("{folder}{relative}"))
        }
    };
    Some((path, query))
}

/// RFC 3986, section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let last = path.rsplit('/').next();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if matches!(last, Some("." | "..")) {
        parts.push("");
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{fields, request};

    #[test]
    fn section_4_4_what_becomes_untrue() {
        let posted = request("POST", &[]);
        let key = |path: &str, query: Option<&str>| key::of_target(1, &posted, path, query);
        let own = key("/a", Some("b=c"));
        for (location, other) in [
            ("/x?y", Some(key("/x", Some("y")))),
            ("x#f", Some(key("/x", None))),
            ("./d/../x", Some(key("/x", None))),
            ("?q", Some(key("/a", Some("q")))),
            ("https://EDGE.example/x", Some(key("/x", None))),
            ("HTTPS://edge.example", Some(key("/", None))),
            ("//edge.example/x/.", Some(key("/x/", None))),
            ("", None),
            ("https://other.example/x", None),
            ("http://edge.example/x", None),
            ("//other.example/x", None),
        ] {
            for name in ["location", "content-location"] {
                let answer = ResponseHead { status: 201, headers: fields(&[(name, location)]) };
                let expected: Vec<String> = [own.clone()].into_iter().chain(other.clone()).collect();
                assert_eq!(keys(1, &posted, &answer), expected, "{location}");
            }
        }
        for status in [199, 400, 404, 500] {
            let failed = ResponseHead { status, headers: Vec::new() };
            assert!(keys(1, &posted, &failed).is_empty(), "{status}");
        }
        for method in ["GET", "HEAD", "OPTIONS"] {
            let answer = ResponseHead { status: 200, headers: Vec::new() };
            assert!(keys(1, &request(method, &[]), &answer).is_empty(), "{method}");
        }
    }
}

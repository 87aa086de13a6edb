//! Which request heads are let in at all, before any policy sees them.

use breakwater_kit::problems;
use breakwater_kit::types::{Field, Problem, RequestHead};

use crate::framing;
use crate::gateway::HeadLimits;

/// What the edge does not refuse for the method alone; RFC 9110, section 15.5.6 wants a list.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Refuses heads that no policy should have to think about.
///
/// What a shell's HTTP parser refuses by itself (control characters, broken framing) never comes here; what is judged
/// here is judged the same under every shell.
pub fn admit(request: &RequestHead, limits: &HeadLimits) -> Result<(), Problem> {
    // TRACE would echo credentials, CONNECT would make a tunnel (RFC 9110, sections 9.3.6 and 9.3.8).
    if matches!(request.method.as_str(), "TRACE" | "CONNECT") {
        return Err(problems::method_not_allowed(METHODS));
    }
    let target = request.path.len() + request.query.as_ref().map_or(0, |query| query.len() + 1);
    if target > limits.target_bytes {
        return Err(problems::uri_too_long());
    }
    let size = |field: &Field| field.name.len() + field.value.len();
    if request.headers.len() > limits.header_count
        || request.headers.iter().map(size).sum::<usize>() > limits.header_bytes
    {
        return Err(problems::headers_too_large());
    }
    framing::check_request(request)?;
    // `OPTIONS *` asks about the server as a whole (RFC 9110, section 9.3.7), which is no resource of ours.
    if !request.path.starts_with('/') {
        return Err(problems::bad_request("The request's target must be a path."));
    }
    check_host(request)
}

/// RFC 9112, section 3.2: exactly one `Host`, and a valid one. RFC 9113, section 8.3.1: no other than `:authority`.
fn check_host(request: &RequestHead) -> Result<(), Problem> {
    let mut hosts = request.headers.iter().filter(|field| field.name == "host");
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(problems::bad_request("The request has more than one Host."));
    }
    if host.is_some_and(|host| !host.value.eq_ignore_ascii_case(request.authority.as_bytes())) {
        return Err(problems::bad_request("The request's Host is not the one that its target names."));
    }
    if request.authority.is_empty() {
        return Err(problems::bad_request("The request has no Host."));
    }
    let valid = |byte: u8| {
        // RFC 3986, section 3.2, without user information.
        byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
    };
    if request.authority.len() > 255 || !request.authority.bytes().all(valid) {
        return Err(problems::bad_request("The request's Host is not valid."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str, authority: &str, headers: &[(&str, &str)]) -> RequestHead {
        RequestHead {
            method: method.into(),
            scheme: "http".into(),
            authority: authority.into(),
            path: path.into(),
            query: None,
            headers: headers
                .iter()
                .map(|(name, value)| Field { name: (*name).into(), value: (*value).into() })
                .collect(),
            client_address: "192.0.2.1".into(),
        }
    }

    #[test]
    fn heads() {
        let limits = HeadLimits { target_bytes: 20, header_count: 3, header_bytes: 60 };
        let long = "x".repeat(60);
        #[rustfmt::skip]
        let cases: &[(&str, RequestHead, Option<u16>)] = &[
            ("plain", request("GET", "/", "a.example", &[("host", "a.example")]), None),
            ("no host header, as in HTTP/2", request("GET", "/", "a.example", &[]), None),
            ("IPv6", request("GET", "/", "[::1]:80", &[]), None),
            ("other case", request("GET", "/", "a.example", &[("host", "A.Example")]), None),
            ("extension method", request("PURGE", "/", "a.example", &[]), None),
            ("trace", request("TRACE", "/", "a.example", &[]), Some(405)),
            ("connect", request("CONNECT", "/", "a.example", &[]), Some(405)),
            ("no host", request("GET", "/", "", &[]), Some(400)),
            ("two hosts", request("GET", "/", "a.example", &[("host", "a.example"), ("host", "a.example")]), Some(400)),
            ("another host", request("GET", "/", "a.example", &[("host", "b.example")]), Some(400)),
            ("user information", request("GET", "/", "me@a.example", &[]), Some(400)),
            ("a path in the host", request("GET", "/", "a.example/x", &[]), Some(400)),
            ("asterisk", request("OPTIONS", "*", "a.example", &[]), Some(400)),
            ("long target", request("GET", "/456789012345678901", "a.example", &[]), None),
            ("longer target", request("GET", "/4567890123456789012", "a.example", &[]), None),
            ("too long target", request("GET", "/45678901234567890123", "a.example", &[]), Some(414)),
            ("too many headers", request("GET", "/", "a.example", &[("a", ""), ("b", ""), ("c", ""), ("d", "")]), Some(431)),
            ("too large headers", request("GET", "/", "a.example", &[("a", &long)]), Some(431)),
        ];
        for (name, head, wanted) in cases {
            let problem = admit(head, &limits).err().map(|problem| problem.status);
            assert_eq!(problem, *wanted, "{name}");
        }
    }

    #[test]
    fn the_query_counts() {
        let limits = HeadLimits { target_bytes: 4, ..HeadLimits::default() };
        let mut head = request("GET", "/a", "a.example", &[]);
        head.query = Some("b".into());
        assert_eq!(admit(&head, &limits), Ok(()));
        head.query = Some("bc".into());
        assert_eq!(admit(&head, &limits), Err(problems::uri_too_long()));
    }
}

//! hyper's request head as the pipeline's.

use breakwater_kit::types::{Field, RequestHead};
use http::header::{COOKIE, HOST};
use http::request::Parts;
use http::{HeaderMap, Version};

use super::connection::Peer;
use crate::upstream::to_fields;

/// The head for the pipeline and its policies.
pub fn head(parts: &Parts, peer: &Peer) -> RequestHead {
    let mut headers = to_fields(&parts.headers);
    if parts.version == Version::HTTP_2 {
        join_cookies(&mut headers);
    }
    let authority = match parts.uri.authority() {
        Some(authority) => authority.as_str().to_owned(),
        None => host(&parts.headers),
    };
    RequestHead {
        method: parts.method.as_str().to_owned(),
        scheme: if peer.https { "https" } else { "http" }.to_owned(),
        authority,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers,
        client_address: peer.address.clone(),
    }
}

/// `Host`, if it is text; else empty, which the pipeline refuses.
fn host(headers: &HeaderMap) -> String {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned()
}

/// HTTP/2 may split `cookie` into several lines, HTTP/1.1 may not (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut Vec<Field>) {
    let is_cookie = |field: &Field| field.name == COOKIE.as_str();
    if headers.iter().filter(|field| is_cookie(field)).count() < 2 {
        return;
    }
    let values: Vec<Vec<u8>> = headers.extract_if(.., |field| is_cookie(field)).map(|field| field.value).collect();
    headers.push(Field::new(COOKIE.as_str(), values.join(&b"; "[..])));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::Request;

    use super::*;

    fn of(request: http::request::Builder) -> RequestHead {
        let peer = Peer {
            address: "192.0.2.1".to_owned(),
            https: true,
            certificate: None,
            asked: Default::default(),
            streams: Default::default(),
        };
        head(&request.body(()).unwrap().into_parts().0, &peer)
    }

    #[test]
    fn heads() {
        let head = of(Request::get("/a%20b?c=d").header("Host", "a.example").header("X-A", "1"));
        assert_eq!((head.authority.as_str(), head.path.as_str()), ("a.example", "/a%20b"));
        assert_eq!((head.query.as_deref(), head.scheme.as_str()), (Some("c=d"), "https"));
        assert_eq!(head.headers[1], Field::new("x-a", "1"));
        assert_eq!(of(Request::get("http://b.example/x")).authority, "b.example");
        assert_eq!(of(Request::get("/")).authority, "");
        assert_eq!(of(Request::options("*")).path, "*");
    }

    #[test]
    fn cookies_are_one_line_again() {
        let head = of(Request::get("https://a.example/")
            .version(Version::HTTP_2)
            .header("cookie", "a=1")
            .header("x", "y")
            .header("cookie", "b=2"));
        assert_eq!(head.headers, [Field::new("x", "y"), Field::new("cookie", "a=1; b=2")]);
    }
}

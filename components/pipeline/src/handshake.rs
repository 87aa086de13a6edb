//! A WebSocket's opening handshake (RFC 6455, section 4), judged before the upstream sees it and when it has answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakwater_kit::headers as kit;
use breakwater_kit::problems;
use breakwater_kit::types::{Field, Problem, RequestHead, ResponseHead};

use crate::headers;

/// Shows that the server has read the key as a WebSocket's (section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The only version there is.
const VERSION: &[u8] = b"13";

/// A handshake that a client wants and that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// What the server has to answer to the key.
    accept: String,
}

/// Whether a client means a WebSocket, for shells that are not shown what stands under `connection`.
pub fn is_meant(request: &RequestHead) -> bool {
    request.method == "GET" && kit::has(&request.headers, "sec-websocket-key")
}

/// The handshake that a client asks for, if it does. Other protocols are not heard of (RFC 9110, section 7.8).
pub fn asked(request: &RequestHead) -> Option<Result<Handshake, Problem>> {
    let lists = |name, wanted| kit::list(&request.headers, name).any(|one| one.eq_ignore_ascii_case(wanted));
    (request.method == "GET" && lists("connection", "upgrade") && lists("upgrade", "websocket"))
        .then(|| check(&request.headers))
}

fn check(fields: &[Field]) -> Result<Handshake, Problem> {
    let mut versions = kit::values(fields, "sec-websocket-version");
    if versions.next() != Some(VERSION) || versions.next().is_some() {
        return Err(problems::upgrade_required().with("sec-websocket-version", VERSION));
    }
    if kit::has(fields, "transfer-encoding") || kit::first(fields, "content-length").is_some_and(|length| length != "0")
    {
        return Err(problems::bad_request("A request that opens a WebSocket has no body."));
    }
    let mut keys = kit::values(fields, "sec-websocket-key");
    let key = keys.next().filter(|key| keys.next().is_none() && is_key(key));
    let key = key.ok_or_else(|| problems::bad_request("Sec-WebSocket-Key must be 16 bytes in base64, said once."))?;
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key);
    hash.update(GUID);
    Ok(Handshake { accept: STANDARD.encode(hash.digest().bytes()) })
}

fn is_key(text: &[u8]) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 16)
}

/// Whether the page that asks may: browsers send cookies with a handshake from any page, and let every page read what comes
/// (section 10.2). What may read the route's answers may also open it, and so may its own site.
pub fn is_of_this_site(request: &RequestHead) -> bool {
    let Some(origin) = headers::get(&request.headers, "origin") else { return true };
    let site = std::str::from_utf8(origin).ok().and_then(|origin| origin.split_once("://"));
    site.is_some_and(|(_, host)| host.eq_ignore_ascii_case(&request.authority))
}

impl Handshake {
    /// Whether a server has agreed, and to this very handshake (section 4.1).
    pub fn is_accepted(&self, answer: &ResponseHead) -> bool {
        let fields = &answer.headers;
        let mut accepts = kit::values(fields, "sec-websocket-accept");
        answer.status == 101
            && kit::list(fields, "connection").any(|one| one.eq_ignore_ascii_case("upgrade"))
            && kit::list(fields, "upgrade").any(|one| one.eq_ignore_ascii_case("websocket"))
            && accepts.next() == Some(self.accept.as_bytes())
            && accepts.next().is_none()
    }
}

/// What asks for a WebSocket, or agrees to one, on a connection: what is stripped from every message otherwise.
pub fn say(fields: &mut Vec<Field>) {
    headers::set(fields, "connection", "Upgrade");
    headers::set(fields, "upgrade", "websocket");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "h2c, WebSocket"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
    ];

    fn request(changes: &[(&str, &str)]) -> RequestHead {
        let mut headers: Vec<_> = GOOD.iter().map(|(name, value)| Field::new(*name, *value)).collect();
        for (name, value) in changes {
            headers::remove(&mut headers, name);
            headers.extend(value.split('|').filter(|value| !value.is_empty()).map(|value| Field::new(*name, value)));
        }
        RequestHead {
            method: "GET".into(),
            scheme: "https".into(),
            authority: "a.example".into(),
            path: "/".into(),
            query: None,
            headers,
            client_address: "192.0.2.1".into(),
        }
    }

    #[test]
    fn as_in_the_rfc() {
        let handshake = asked(&request(&[])).unwrap().unwrap();
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let answer = |status, accept: &str, upgrade: &str, connection: &str| ResponseHead {
            status,
            headers: vec![
                Field::new("sec-websocket-accept", accept),
                Field::new("upgrade", upgrade),
                Field::new("connection", connection),
            ],
        };
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        assert!(handshake.is_accepted(&answer(101, accept, "websocket", "upgrade")));
        for bad in [
            answer(200, accept, "websocket", "upgrade"),
            answer(101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "websocket", "upgrade"),
            answer(101, accept, "h2c", "upgrade"),
            answer(101, accept, "websocket", "close"),
        ] {
            assert!(!handshake.is_accepted(&bad), "{bad:?}");
        }
    }

    #[test]
    fn what_is_none_and_what_is_a_bad_one() {
        let status =
            |changes: &[(&str, &str)]| asked(&request(changes)).map(|asked| asked.map_err(|bad| bad.status).err());
        assert_eq!(status(&[("connection", "keep-alive")]), None);
        assert_eq!(status(&[("upgrade", "h2c")]), None);
        assert_eq!(status(&[]), Some(None));
        assert_eq!(status(&[("content-length", "0")]), Some(None));
        for (name, value, wanted) in [
            ("sec-websocket-version", "8", 426),
            ("sec-websocket-version", "13|13", 426),
            ("sec-websocket-version", "", 426),
            ("sec-websocket-key", "", 400),
            ("sec-websocket-key", "c2hvcnQ=", 400),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==|dGhlIHNhbXBsZSBub25jZQ==", 400),
            ("content-length", "5", 400),
            ("transfer-encoding", "chunked", 400),
        ] {
            assert_eq!(status(&[(name, value)]), Some(Some(wanted)), "{name}: {value}");
        }
    }

    #[test]
    fn other_sites() {
        for (origin, own) in [
            ("", true),
            ("https://a.example", true),
            ("http://A.example", true),
            ("https://b.example", false),
            ("https://a.example.evil", false),
            ("null", false),
        ] {
            assert_eq!(is_of_this_site(&request(&[("origin", origin)])), own, "{origin}");
        }
    }
}

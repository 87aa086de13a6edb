//! Content codings (RFC 9110, section 8.4): which answers are compressed on their way to the client, and how.
//!
//! Last of all, so that the cache keeps what the upstream said: decision 0030 has the reasons for what is left as it is.

use breakwater_kit::headers as kit;
use breakwater_kit::types::{ClientCertificate, Field, RequestHead, ResponseHead};

use crate::{adapt, headers};

/// What is shorter grows or gains nothing.
const MIN_BYTES: u64 = 1024;

/// Kinds that are text, besides `text/*`, `*+json` and `*+xml`.
const TEXTS: [&str; 9] = [
    "application/javascript",
    "application/json",
    "application/x-ndjson",
    "application/xml",
    "application/wasm",
    "application/manifest+json",
    "font/ttf",
    "font/otf",
    "image/vnd.microsoft.icon",
];

/// Of a body before it was coded, or of one that must stay as it is (RFC 9530, and those before it).
const DIGESTS: [&str; 4] = ["content-digest", "repr-digest", "digest", "content-md5"];

/// A coding that the edge can make, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 8878.
    Zstd,
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

impl Coding {
    const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// In `content-encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// What a request says of codings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    best: Option<Coding>,
    /// Whether credentials came along that a browser adds by itself, to whatever page of a stranger's asks.
    ambient: bool,
    /// Whether the client has something that a coding may have weakened the tag of.
    weak: bool,
}

impl Wanted {
    /// Reads a request, before anything is taken from it.
    pub fn of(request: &RequestHead, certificate: Option<&ClientCertificate>) -> Self {
        let fields = &request.headers;
        let sent = kit::first(fields, "authorization").unwrap_or_default();
        let bearer = sent.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        Self {
            best: best(fields),
            ambient: kit::has(fields, "cookie") || certificate.is_some() || !(sent.is_empty() || bearer),
            weak: kit::list(fields, "if-none-match").any(|tag| tag.starts_with("W/")),
        }
    }

    /// Makes the head that of a coded answer, if the answer is one to code: then with which.
    pub fn code(self, head: &mut ResponseHead, head_only: bool) -> Option<Coding> {
        if head.status == 304 && self.weak {
            // What it confirms is what the client has: a response whose tag was weakened here.
            adapt::weaken(&mut head.headers);
        }
        if self.ambient || !may_be_coded(head) {
            return None;
        }
        let fields = &mut head.headers;
        headers::add_to_list(fields, "vary", "accept-encoding");
        let coding = self.best?;
        headers::set(fields, "content-encoding", coding.name());
        for name in ["content-length", "accept-ranges"] {
            headers::remove(fields, name);
        }
        adapt::weaken(fields);
        (!head_only).then_some(coding)
    }
}

fn may_be_coded(head: &ResponseHead) -> bool {
    let fields = &head.headers;
    let whole = head.status >= 200 && !matches!(head.status, 204..=206 | 304);
    let plain = kit::list(fields, "content-encoding").all(|coding| coding.eq_ignore_ascii_case("identity"));
    let kept = kit::list(fields, "cache-control").any(|one| one.eq_ignore_ascii_case("no-transform"))
        || ["content-range", "set-cookie"].iter().chain(&DIGESTS).any(|name| kit::has(fields, name));
    let length = kit::first(fields, "content-length").and_then(|length| length.parse::<u64>().ok());
    whole && plain && !kept && length.is_none_or(|length| length >= MIN_BYTES) && is_text(fields)
}

fn is_text(fields: &[Field]) -> bool {
    let kind = kit::first(fields, "content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // Events are small, and each has to go at once.
    let text = kind.starts_with("text/") && kind != "text/event-stream";
    text || kind.ends_with("+json") || kind.ends_with("+xml") || TEXTS.contains(&kind.as_str())
}

/// The coding that a client likes best; none if it wants none (RFC 9110, section 12.5.3).
fn best(fields: &[Field]) -> Option<Coding> {
    let members: Vec<(&str, u16)> = kit::list(fields, "accept-encoding").filter_map(member).collect();
    let named = |name: &str| members.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, weight)| *weight);
    let others = named("*");
    let weight = |coding: &Coding| {
        let old = if *coding == Coding::Gzip { named("x-gzip") } else { None };
        named(coding.name()).or(old).or(others).unwrap_or(0)
    };
    // The first of the heaviest.
    let best = Coding::ALL.into_iter().rev().max_by_key(weight)?;
    (weight(&best) > 0 && weight(&best) >= named("identity").unwrap_or(0)).then_some(best)
}

/// A coding and its weight, in thousandths. One with a weight that is none is not wanted.
fn member(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = match parts.next() {
        None => 1000,
        Some(parameter) => {
            let value = parameter.strip_prefix("q=").or(parameter.strip_prefix("Q="));
            let value = value.and_then(|value| value.trim().parse::<f32>().ok());
            value.filter(|value| (0.0..=1.0).contains(value)).map_or(0, |value| (value * 1000.0) as u16)
        }
    };
    Some((name, weight))
}

/// Tags that were weakened on their way to the client are strong again for the upstream, which made them and compares
/// strongly (RFC 9110, section 13.1.1).
pub fn strengthen(fields: &mut Vec<Field>) {
    if !kit::list(fields, "if-match").any(|tag| tag.starts_with("W/")) {
        return;
    }
    let tags: Vec<&str> = kit::list(fields, "if-match").map(breakwater_kit::entity_tag::opaque).collect();
    let tags = tags.join(", ");
    headers::set(fields, "if-match", tags);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&str, &str)]) -> Vec<Field> {
        lines.iter().map(|(name, value)| Field::new(*name, *value)).collect()
    }

    fn request(lines: &[(&str, &str)]) -> RequestHead {
        RequestHead {
            method: "GET".into(),
            scheme: "https".into(),
            authority: "a".into(),
            path: "/".into(),
            query: None,
            headers: fields(lines),
            client_address: "192.0.2.1".into(),
        }
    }

    #[test]
    fn the_best_that_is_wanted() {
        use Coding::{Brotli, Gzip, Zstd};
        for (accepted, wanted) in [
            ("", None),
            ("gzip", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            ("GZIP", Some(Gzip)),
            ("gzip, deflate, br, zstd", Some(Zstd)),
            ("gzip, br", Some(Brotli)),
            ("*", Some(Zstd)),
            ("*;q=0", None),
            ("zstd;q=0, *", Some(Brotli)),
            ("gzip;q=1.0, br;q=0.9", Some(Gzip)),
            ("gzip ; q=0.001", Some(Gzip)),
            ("gzip;q=0.000", None),
            ("gzip;q=2", None),
            ("gzip;q=x", None),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip;q=0.5", Some(Gzip)),
            ("identity;q=0", None),
            ("deflate, compress", None),
        ] {
            assert_eq!(best(&fields(&[("accept-encoding", accepted)])), wanted, "{accepted}");
        }
    }

    const JSON: [(&str, &str); 3] =
        [("content-type", "application/json; charset=utf-8"), ("content-length", "5000"), ("etag", "\"v1\"")];

    #[test]
    fn answers_that_are_coded() {
        let wanted = Wanted::of(&request(&[("accept-encoding", "gzip"), ("authorization", "Bearer x")]), None);
        let mut head = ResponseHead { status: 200, headers: fields(&JSON) };
        headers::push(&mut head.headers, "accept-ranges", "bytes");
        assert_eq!(wanted.code(&mut head, false), Some(Coding::Gzip));
        #[rustfmt::skip]
        assert_eq!(head.headers, fields(&[
            ("content-type", "application/json; charset=utf-8"), ("etag", "W/\"v1\""), ("vary", "accept-encoding"),
            ("content-encoding", "gzip"),
        ]));
        // A HEAD is told the same, and has no body to code.
        let mut same = ResponseHead { status: 200, headers: fields(&JSON) };
        assert_eq!(wanted.code(&mut same, true), None);
        assert!(kit::has(&same.headers, "content-encoding"));
        // Who wants nothing is told that others get something else.
        let mut plain = ResponseHead { status: 200, headers: fields(&JSON) };
        assert_eq!(Wanted::of(&request(&[]), None).code(&mut plain, false), None);
        assert_eq!(kit::first(&plain.headers, "vary"), Some("accept-encoding"));
        assert_eq!(kit::first(&plain.headers, "etag"), Some("\"v1\""));
    }

    #[test]
    fn answers_that_stay_as_they_are() {
        let wanted = Wanted::of(&request(&[("accept-encoding", "gzip")]), None);
        for (status, name, value) in [
            (204, "x", ""),
            (206, "x", ""),
            (304, "x", ""),
            (200, "content-encoding", "br"),
            (200, "cache-control", "public, No-Transform"),
            (200, "content-range", "bytes 0-4/5"),
            (200, "content-digest", "sha-256=:x:"),
            (200, "set-cookie", "a=1"),
            (200, "content-length", "1023"),
            (200, "content-type", "image/png"),
            (200, "content-type", "text/event-stream"),
            (200, "content-type", "application/octet-stream"),
        ] {
            let mut headers = fields(&JSON);
            headers::set(&mut headers, name, value);
            let mut head = ResponseHead { status, headers };
            let before = head.clone();
            assert_eq!(wanted.code(&mut head, false), None, "{status} {name}: {value}");
            assert_eq!(head, before, "{status} {name}: {value}");
        }
        for (name, value) in [("cookie", "a=1"), ("authorization", "Basic eDp5"), ("authorization", "bearerx")] {
            let wanted = Wanted::of(&request(&[("accept-encoding", "gzip"), (name, value)]), None);
            let mut head = ResponseHead { status: 200, headers: fields(&JSON) };
            assert_eq!(wanted.code(&mut head, false), None, "{name}: {value}");
        }
    }

    #[test]
    fn weakened_tags_come_back() {
        let mut sent = fields(&[("if-match", "W/\"a\", \"b\""), ("if-match", "W/\"c\""), ("x", "y")]);
        strengthen(&mut sent);
        assert_eq!(sent, fields(&[("x", "y"), ("if-match", "\"a\", \"b\", \"c\"")]));
        let wanted = Wanted::of(&request(&[("if-none-match", "W/\"v1\"")]), None);
        let mut head = ResponseHead { status: 304, headers: fields(&[("etag", "\"v1\"")]) };
        assert_eq!(wanted.code(&mut head, false), None);
        assert_eq!(head.headers, fields(&[("etag", "W/\"v1\"")]));
    }
}

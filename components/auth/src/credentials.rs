//! Credentials in a request head (RFC 6750, section 2; RFC 9110, section 11.6.2): one of one kind, or none.

use breakwater_kit::headers;
use breakwater_kit::types::Presented;

use crate::api_keys::ApiKeys;

/// Longer tokens are not looked at.
pub const MAX_TOKEN: usize = 8 * 1024;

/// What a request brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    None,
    /// Something of the form of a bearer token.
    Token(&'a str),
    /// An API key, in its own header or, known by its prefix, as a bearer token.
    ApiKey(&'a str),
    /// An access token in the cookie for it.
    Cookie(&'a str),
    /// Another scheme, such as Basic.
    OtherScheme,
    /// No credentials that RFC 6750 knows; the text is for the client.
    Malformed(&'static str),
}

/// Reads a request's credentials. Of several, none is chosen: who put the second one there may not be who put the first.
pub fn read<'a>(presented: &'a Presented, keys: &ApiKeys, cookie: Option<&str>) -> Credentials<'a> {
    let in_header = authorization(presented, keys);
    let key = if keys.is_empty() { Credentials::None } else { api_key(presented, keys) };
    let found = match (in_header, key) {
        (found, Credentials::None) | (Credentials::None, found) => found,
        (malformed @ Credentials::Malformed(_), _) | (_, malformed @ Credentials::Malformed(_)) => malformed,
        _ => return Credentials::Malformed("There are both an Authorization header and an API key."),
    };
    let found = match (found, cookie.map_or(Credentials::None, |name| in_cookie(presented, name))) {
        (found, Credentials::None) | (Credentials::None, found) => found,
        (malformed @ Credentials::Malformed(_), _) => malformed,
        _ => return Credentials::Malformed("There are other credentials besides the session's cookie."),
    };
    // RFC 6750, section 2: not more than one method. A token in the query alone is not looked at.
    if found != Credentials::None && presented.query.as_deref().is_some_and(has_token) {
        return Credentials::Malformed("There is a second access token in the query.");
    }
    found
}

fn has_token(query: &str) -> bool {
    query.split('&').any(|parameter| parameter.split('=').next() == Some("access_token"))
}

fn api_key<'a>(presented: &'a Presented, keys: &ApiKeys) -> Credentials<'a> {
    let mut values = presented.headers.iter().filter(|field| field.name == keys.header()).map(|field| &field.value);
    let Some(value) = values.next() else { return Credentials::None };
    if values.next().is_some() {
        return Credentials::Malformed("There is more than one API key.");
    }
    match std::str::from_utf8(value.trim_ascii()) {
        Ok(key) if !key.is_empty() && key.len() <= MAX_TOKEN => Credentials::ApiKey(key),
        _ => Credentials::Malformed("The API key is empty, too long or not text."),
    }
}

/// Of two cookies of the name, one was planted: by a sibling domain, perhaps (RFC 6265, section 8.6).
fn in_cookie<'a>(presented: &'a Presented, name: &str) -> Credentials<'a> {
    let mut values = headers::cookies(&presented.headers, name);
    let Some(value) = values.next() else { return Credentials::None };
    if values.next().is_some() {
        return Credentials::Malformed("There is more than one session cookie.");
    }
    match std::str::from_utf8(value) {
        Ok("") => Credentials::None,
        Ok(token) if token.len() <= MAX_TOKEN => Credentials::Cookie(token),
        _ => Credentials::Malformed("The session's cookie is too long or not text."),
    }
}

fn authorization<'a>(presented: &'a Presented, keys: &ApiKeys) -> Credentials<'a> {
    let mut values = headers::values(&presented.headers, "authorization");
    let Some(value) = values.next() else { return Credentials::None };
    if values.next().is_some() {
        return Credentials::Malformed("There is more than one Authorization header.");
    }
    let Ok(value) = std::str::from_utf8(value) else {
        return Credentials::Malformed("The Authorization header is not text.");
    };
    let (scheme, token) = match value.split_once(' ') {
        Some((scheme, token)) => (scheme, token.trim_start_matches(' ')),
        None => (value, ""),
    };
    if scheme.is_empty() {
        return Credentials::Malformed("The Authorization header is empty.");
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Credentials::OtherScheme;
    }
    if !is_b64token(token) {
        return Credentials::Malformed("The Authorization header has no bearer token.");
    }
    if token.len() > MAX_TOKEN {
        return Credentials::Malformed("The bearer token is too long.");
    }
    if keys.has_prefix(token) { Credentials::ApiKey(token) } else { Credentials::Token(token) }
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| B64TOKEN[usize::from(byte)])
}

/// Which bytes a token may have: a table, for every request asks for some hundred of them.
const B64TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] =
            (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use breakwater_kit::types::Field;

    use super::*;

    fn request(lines: &[(&str, &[u8])], query: Option<&str>) -> Presented {
        Presented {
            query: query.map(Into::into),
            site: None,
            headers: lines.iter().map(|(name, value)| Field::new(*name, *value)).collect(),
            client_address: "192.0.2.1".into(),
        }
    }

    fn keys() -> ApiKeys {
        let section = r#"{"header": "X-Api-Key", "prefix": "bw_", "keys": [{"name": "a", "hash":
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}"#;
        ApiKeys::read(section).unwrap_or_default()
    }

    #[test]
    fn one_header_of_one_form() {
        let keys = keys();
        for (value, expected) in [
            ("Bearer abc", Credentials::Token("abc")),
            ("bEARER   a.b-c_d~e+f/g==", Credentials::Token("a.b-c_d~e+f/g==")),
            ("Bearer bw_abc", Credentials::ApiKey("bw_abc")),
            ("Basic YTpi", Credentials::OtherScheme),
            ("Bearerabc", Credentials::OtherScheme),
            ("abc", Credentials::OtherScheme),
        ] {
            assert_eq!(read(&request(&[("authorization", value.as_bytes())], None), &keys, None), expected, "{value}");
        }
        for value in
            ["", "Bearer", "Bearer ", "Bearer =", "Bearer a b", "Bearer a,b", "Bearer \"a\"", "Bearer a=b", "Bearer ä"]
        {
            let request = request(&[("authorization", value.as_bytes())], None);
            let found = read(&request, &keys, None);
            assert!(matches!(found, Credentials::Malformed(_)), "{value}: {found:?}");
        }
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN + 1));
        for value in [b"Bearer \xff".as_slice(), long.as_bytes()] {
            assert!(matches!(
                read(&request(&[("authorization", value)], None), &keys, None),
                Credentials::Malformed(_)
            ));
        }
        assert_eq!(read(&request(&[("x-authorization", b"Bearer a")], None), &keys, None), Credentials::None);
        assert_eq!(read(&request(&[("x-api-key", b"abc")], None), &keys, None), Credentials::ApiKey("abc"));
        // Where there are no keys, the header is nobody's.
        assert_eq!(read(&request(&[("x-api-key", b"abc")], None), &ApiKeys::default(), None), Credentials::None);
    }

    #[test]
    fn of_several_none_is_chosen() {
        let (bearer, basic): (&[u8], &[u8]) = (b"Bearer a", b"Basic YTpi");
        for (name, lines, query) in [
            ("Authorization twice", &[("authorization", bearer), ("authorization", bearer)][..], None),
            ("two keys", &[("x-api-key", b"a"), ("x-api-key", b"a")], None),
            ("a token and a key", &[("authorization", bearer), ("x-api-key", b"a")], None),
            ("Basic and a key", &[("authorization", basic), ("x-api-key", b"a")], None),
            ("a key twice", &[("authorization", b"Bearer bw_a"), ("x-api-key", b"bw_a")], None),
            ("header and query", &[("authorization", bearer)], Some("a=b&access_token=c")),
            ("key and query", &[("x-api-key", b"a")], Some("access_token=")),
        ] {
            let request = request(lines, query);
            let keys = keys();
            let found = read(&request, &keys, None);
            assert!(matches!(found, Credentials::Malformed(_)), "{name}: {found:?}");
        }
        assert_eq!(read(&request(&[], Some("access_token=a")), &keys(), None), Credentials::None);
        let other = request(&[("authorization", bearer)], Some("my_access_token=a"));
        assert_eq!(read(&other, &keys(), None), Credentials::Token("a"));
    }

    #[test]
    fn a_cookie_is_one_of_its_whole_name() {
        let of = |lines: &[(&str, &[u8])]| {
            let request = request(lines, None);
            format!("{:?}", read(&request, &keys(), Some("__Host-a")))
        };
        let (cookie, bearer): (&[u8], &[u8]) = (b"x=1; __Host-a=t; y=2", b"Bearer a");
        assert_eq!(of(&[("cookie", cookie)]), r#"Cookie("t")"#);
        for none in ["a=t", "x__Host-a=t", "__host-a=t", "__Host-a", "__Host-a=", "x=__Host-a=t", ""] {
            assert_eq!(of(&[("cookie", none.as_bytes())]), "None", "{none}");
        }
        let long = format!("__Host-a={}", "a".repeat(MAX_TOKEN + 1));
        for (name, lines) in [
            ("two cookies of a name", &[("cookie", &b"__Host-a=t; __Host-a=u"[..])][..]),
            ("two cookies of a name, the same twice", &[("cookie", b"__Host-a=t;__Host-a=t")]),
            ("two cookies of a name in two lines", &[("cookie", cookie), ("cookie", cookie)]),
            ("a second, empty cookie of the name", &[("cookie", b"__Host-a=; __Host-a=t")]),
            ("oversize", &[("cookie", long.as_bytes())]),
            ("no text", &[("cookie", b"__Host-a=\xff")]),
            ("a cookie and a token", &[("cookie", cookie), ("authorization", bearer)]),
            ("a cookie and Basic", &[("cookie", cookie), ("authorization", b"Basic YTpi")]),
            ("a cookie and a key", &[("cookie", cookie), ("x-api-key", b"a")]),
        ] {
            let found = of(lines);
            assert!(found.starts_with("Malformed"), "{name}: {found}");
        }
        let with_query = request(&[("cookie", cookie)], Some("access_token=a"));
        assert!(matches!(read(&with_query, &keys(), Some("__Host-a")), Credentials::Malformed(_)));
        // Where cookies are not used, they are nobody's.
        assert_eq!(read(&request(&[("cookie", cookie)], None), &keys(), None), Credentials::None);
    }
}

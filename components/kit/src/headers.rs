//! Reading header fields: single values and comma-separated lists (RFC 9110, sections 5.3 and 5.6.1).

use crate::types::Field;

impl Field {
    /// A header line; the name is lower-case, as everywhere between gateway and policies.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// Headers that concern one connection only (RFC 9110, section 7.6.1), with the proxy's own credentials
/// (sections 11.7.1 and 11.7.2) and HTTP/2's upgrade (RFC 9113, section 3.1).
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header of this (lower-case) name concerns one connection only. So does what `connection` names.
pub fn is_hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.contains(&name)
}

/// The values of every line with this (lower-case) name, in order.
pub fn values<'a>(headers: &'a [Field], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |field| field.name == name).map(|field| trim(&field.value))
}

/// Whether there is a line with this name.
pub fn has(headers: &[Field], name: &str) -> bool {
    headers.iter().any(|field| field.name == name)
}

/// The value of the first line with this name, if it is text.
pub fn first<'a>(headers: &'a [Field], name: &'a str) -> Option<&'a str> {
    values(headers, name).next().and_then(|value| std::str::from_utf8(value).ok())
}

/// The value of the first cookie with this name (RFC 6265, section 5.4).
pub fn cookie<'a>(headers: &'a [Field], name: &str) -> Option<&'a [u8]> {
    cookies(headers, name).next()
}

/// The values of all cookies with this name.
pub fn cookies<'a>(headers: &'a [Field], name: &str) -> impl Iterator<Item = &'a [u8]> {
    values(headers, "cookie").flat_map(|line| line.split(|byte| *byte == b';')).filter_map(move |pair| {
        let (key, value) = cookie_pair(pair)?;
        (key == name.as_bytes()).then_some(value)
    })
}

/// Takes cookies of these names out of a request, and leaves the others as they are.
pub fn remove_cookies(headers: &mut Vec<Field>, names: &[String]) {
    let named = |pair: &[u8]| cookie_pair(pair).is_some_and(|(key, _)| names.iter().any(|name| name.as_bytes() == key));
    for field in headers.iter_mut().filter(|field| field.name == "cookie") {
        if field.value.split(|byte| *byte == b';').any(named) {
            let kept = field.value.split(|byte| *byte == b';').filter(|pair| !named(pair)).map(trim);
            field.value = kept.collect::<Vec<_>>().join(&b"; "[..]);
        }
    }
    headers.retain(|field| field.name != "cookie" || !field.value.is_empty());
}

fn cookie_pair(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    Some((trim(&pair[..at]), trim(&pair[at + 1..])))
}

/// The members of a list-valued field over all of its lines. Empty members are left out, commas in quoted
/// strings do not separate, and a line that is not text has no members.
pub fn list<'a>(headers: &'a [Field], name: &'a str) -> impl Iterator<Item = &'a str> {
    values(headers, name).filter_map(|value| std::str::from_utf8(value).ok()).flat_map(members)
}

/// The members of one list value, trimmed, without the empty ones.
pub fn members(value: &str) -> impl Iterator<Item = &str> {
    Members { rest: Some(value) }.filter(|member| !member.is_empty())
}

struct Members<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let mut quoted = false;
        let mut escaped = false;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b',' if !quoted => {
                    self.rest = Some(&rest[at + 1..]);
                    return Some(rest[..at].trim_matches([' ', '\t']));
                }
                _ => {}
            }
        }
        self.rest = None;
        Some(rest.trim_matches([' ', '\t']))
    }
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(value: &str) -> Vec<&str> {
        members(value).collect()
    }

    #[test]
    fn lists_are_split_at_commas_outside_quotes() {
        assert_eq!(split("a, b ,c"), ["a", "b", "c"]);
        assert_eq!(split(", ,a,,"), ["a"]);
        assert_eq!(split(""), [""; 0]);
        assert_eq!(split(r#"a="x, y", b"#), [r#"a="x, y""#, "b"]);
        assert_eq!(split(r#"a="\", y", b"#), [r#"a="\", y""#, "b"]);
        // A quoted string that never ends takes the rest with it.
        assert_eq!(split(r#"a, "b, c"#), ["a", "\"b, c"]);
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let headers = [Field::new("cookie", "a=1; ab = 2;b"), Field::new("cookie", "c=x=y; a=3")];
        for (name, value) in [("a", Some("1")), ("ab", Some("2")), ("b", None), ("c", Some("x=y")), ("d", None)] {
            assert_eq!(cookie(&headers, name), value.map(str::as_bytes), "{name}");
        }
        assert_eq!(cookies(&headers, "a").collect::<Vec<_>>(), [b"1", b"3"]);
    }

    #[test]
    fn cookies_are_taken_out_by_their_whole_name() {
        let mut headers = vec![
            Field::new("cookie", "a=1; ab = 2;b"),
            Field::new("cookie", "a=3"),
            Field::new("x", "a=1"),
            Field::new("cookie", "c=x=y;d=1"),
        ];
        remove_cookies(&mut headers, &["a".to_owned(), "d".to_owned()]);
        let left: Vec<_> = headers.iter().map(|field| String::from_utf8_lossy(&field.value).into_owned()).collect();
        assert_eq!(left, ["ab = 2; b", "a=1", "c=x=y"]);
    }

    #[test]
    fn lines_of_one_name_are_one_list() {
        let headers = [
            Field::new("vary", "accept, "),
            Field::new("other", "x"),
            Field::new("vary", b"\xff".to_vec()),
            Field::new("vary", "\torigin "),
        ];
        assert_eq!(list(&headers, "vary").collect::<Vec<_>>(), ["accept", "origin"]);
        assert_eq!(first(&headers, "vary"), Some("accept,"));
        assert!(has(&headers, "other"));
        assert!(!has(&headers, "age"));
    }
}

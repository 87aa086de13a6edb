//! Credentials in a request head (RFC 6750, section 2.1; RFC 9110, section 11.6.2).

use breakwater_kit::headers;
use breakwater_kit::types::Field;

/// Longer tokens are not looked at.
pub const MAX_TOKEN: usize = 8 * 1024;

/// What a request brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    None,
    /// Something of the form of a bearer token.
    Token(&'a str),
    /// Another scheme, such as Basic.
    OtherScheme,
    /// No credentials that RFC 6750 knows; the text is for the client.
    Malformed(&'static str),
}

/// Reads the `Authorization` header.
pub fn credentials(request: &[Field]) -> Credentials<'_> {
    let mut values = headers::values(request, "authorization");
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
    Credentials::Token(token)
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_of_one_form() {
        for (value, expected) in [
            ("Bearer abc", Credentials::Token("abc")),
            ("bEARER   a.b-c_d~e+f/g==", Credentials::Token("a.b-c_d~e+f/g==")),
            ("Basic YTpi", Credentials::OtherScheme),
            ("Bearerabc", Credentials::OtherScheme),
            ("abc", Credentials::OtherScheme),
        ] {
            assert_eq!(credentials(&[Field::new("authorization", value)]), expected, "{value}");
        }
        for value in
            ["", "Bearer", "Bearer ", "Bearer =", "Bearer a b", "Bearer a,b", "Bearer \"a\"", "Bearer a=b", "Bearer ä"]
        {
            let request = [Field::new("authorization", value)];
            let found = credentials(&request);
            assert!(matches!(found, Credentials::Malformed(_)), "{value}: {found:?}");
        }
        let binary = [Field::new("authorization", b"Bearer \xff".to_vec())];
        assert!(matches!(credentials(&binary), Credentials::Malformed(_)));
        let long = [Field::new("authorization", format!("Bearer {}", "a".repeat(MAX_TOKEN + 1)))];
        assert!(matches!(credentials(&long), Credentials::Malformed(_)));
        let twice = [Field::new("authorization", "Bearer a"), Field::new("authorization", "Bearer a")];
        assert!(matches!(credentials(&twice), Credentials::Malformed(_)));
        assert_eq!(credentials(&[Field::new("x-authorization", "Bearer a")]), Credentials::None);
    }
}

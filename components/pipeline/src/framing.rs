//! What a message says of its own length (RFC 9112, section 6): one thing, said once, or it is refused.
//!
//! Two servers in a row that read a message's end differently let a stranger's bytes pass as another's request. So nothing
//! ambiguous is passed on, not even what the RFC would let us repair.

use breakwater_kit::headers as kit;
use breakwater_kit::problems;
use breakwater_kit::types::{Field, Problem, RequestHead, ResponseHead};

use crate::effect::Failure;
use crate::headers;

/// Names on which the way of a message depends. With `_` for `-` they are other names to us and the same to many servers.
const DECISIVE: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a name is one on which the way of messages depends, whatever joins its words.
pub fn is_decisive(name: &str) -> bool {
    DECISIVE.contains(&name) || (name.contains('_') && DECISIVE.contains(&name.replace('_', "-").as_str()))
}

/// Refuses a request that could be read in two ways.
pub fn check_request(request: &RequestHead) -> Result<(), Problem> {
    let fields = &request.headers;
    if fields.iter().any(|field| field.name.contains('_') && is_decisive(&field.name)) {
        return Err(problems::bad_request("A header field's name is written with an underscore for a dash."));
    }
    let chunked = is_chunked(fields).map_err(|Odd| {
        problems::bad_request("Transfer-Encoding can be chunked, said once (RFC 9112, section 6.1), and nothing else.")
    })?;
    let mut lengths = kit::values(fields, "content-length");
    let length = lengths.next();
    if lengths.next().is_some() || length.is_some_and(|length| number(length).is_none()) {
        return Err(problems::bad_request("Content-Length must be one number, said once."));
    }
    if chunked && length.is_some() {
        return Err(problems::bad_request("The request has both Content-Length and Transfer-Encoding."));
    }
    Ok(())
}

/// Refuses an answer that could be read in two ways. A length that was only repeated is said once after this.
pub fn check_answer(head: &mut ResponseHead) -> Result<(), Failure> {
    let fields = &mut head.headers;
    let chunked = is_chunked(fields).map_err(|Odd| Failure::BadAnswer)?;
    if !kit::has(fields, "content-length") {
        let sound = !(chunked && head.status == 204);
        return if sound { Ok(()) } else { Err(Failure::BadAnswer) };
    }
    let mut length = None;
    for member in kit::values(fields, "content-length").flat_map(|line| line.split(|byte| *byte == b',')) {
        let number = number(member.trim_ascii()).ok_or(Failure::BadAnswer)?;
        if length.replace(number).is_some_and(|before| before != number) {
            return Err(Failure::BadAnswer);
        }
    }
    // RFC 9110, section 8.6: a 204 has no length. Who sends one may send a body as well.
    if chunked || (head.status == 204 && length != Some(0)) {
        return Err(Failure::BadAnswer);
    }
    if let Some(length) = length {
        headers::set(fields, "content-length", length.to_string());
    }
    Ok(())
}

/// What stands under `transfer-encoding` is not the one thing that it may be.
struct Odd;

fn is_chunked(fields: &[Field]) -> Result<bool, Odd> {
    let mut lines = kit::values(fields, "transfer-encoding");
    match (lines.next(), lines.next()) {
        (None, _) => Ok(false),
        (Some(line), None) if line.eq_ignore_ascii_case(b"chunked") => Ok(true),
        _ => Err(Odd),
    }
}

/// Digits alone: Rust's own reader would take a sign.
fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines<'a> = &'a [(&'a str, &'a str)];

    fn fields(lines: Lines<'_>) -> Vec<Field> {
        lines.iter().map(|(name, value)| Field::new(*name, *value)).collect()
    }

    #[test]
    fn requests() {
        #[rustfmt::skip]
        let cases: &[(&[(&str, &str)], bool)] = &[
            (&[], true),
            (&[("content-length", "0")], true),
            (&[("content-length", "18446744073709551615")], true),
            (&[("transfer-encoding", "Chunked")], true),
            (&[("content-length", "18446744073709551616")], false),
            (&[("content-length", "")], false),
            (&[("content-length", "+5")], false),
            (&[("content-length", "-0")], false),
            (&[("content-length", "0x5")], false),
            (&[("content-length", "5, 5")], false),
            (&[("content-length", "5"), ("content-length", "5")], false),
            (&[("content-length", "5"), ("transfer-encoding", "chunked")], false),
            (&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], false),
            (&[("transfer-encoding", "gzip, chunked")], false),
            (&[("transfer-encoding", "chunked;q=1")], false),
            (&[("transfer-encoding", "xchunked")], false),
            (&[("transfer-encoding", "")], false),
            (&[("content_length", "5")], false),
            (&[("transfer_encoding", "chunked")], false),
            (&[("x_content_length", "5")], true),
        ];
        for (lines, sound) in cases {
            let request = RequestHead {
                method: "POST".into(),
                scheme: "http".into(),
                authority: "a".into(),
                path: "/".into(),
                query: None,
                headers: fields(lines),
                client_address: "192.0.2.1".into(),
            };
            assert_eq!(check_request(&request).is_ok(), *sound, "{lines:?}");
        }
    }

    #[test]
    fn answers() {
        #[rustfmt::skip]
        let cases: &[(u16, Lines<'_>, Option<Lines<'_>>)] = &[
            (200, &[], Some(&[])),
            (200, &[("transfer-encoding", "chunked")], Some(&[("transfer-encoding", "chunked")])),
            (200, &[("content-length", "5"), ("content-length", "5, 5")], Some(&[("content-length", "5")])),
            (204, &[("content-length", "0")], Some(&[("content-length", "0")])),
            (304, &[("content-length", "5")], Some(&[("content-length", "5")])),
            (204, &[("content-length", "5")], None),
            (204, &[("transfer-encoding", "chunked")], None),
            (200, &[("content-length", "5"), ("content-length", "6")], None),
            (200, &[("content-length", "5,")], None),
            (200, &[("content-length", "+5")], None),
            (200, &[("content-length", "5"), ("transfer-encoding", "chunked")], None),
            (200, &[("transfer-encoding", "gzip")], None),
            (200, &[("transfer-encoding", "gzip, chunked")], None),
        ];
        for (status, lines, wanted) in cases {
            let mut head = ResponseHead { status: *status, headers: fields(lines) };
            let sound = check_answer(&mut head).is_ok();
            assert_eq!(sound.then_some(head.headers), wanted.map(fields), "{status} {lines:?}");
        }
    }
}

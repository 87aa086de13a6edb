//! Names for requests: the request id and the trace context (W3C Trace Context, level 1).

use breakwater_kit::types::Field;

use crate::headers;

/// Random bytes for the names of one request. Not secret, but they should not repeat.
#[derive(Debug, Clone, Copy)]
pub struct Seed(pub [u8; 34]);

/// The client's own request id if it has a sane form, else a UUIDv7 (RFC 9562, section 5.7).
pub fn request_id(fields: &[Field], seed: &Seed, now_ms: u64) -> String {
    match headers::get(fields, "x-request-id") {
        Some(given) if is_request_id(given) => String::from_utf8_lossy(given).into_owned(),
        _ => uuid_v7(seed, now_ms),
    }
}

fn is_request_id(value: &[u8]) -> bool {
    (8..=64).contains(&value.len())
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn uuid_v7(seed: &Seed, now_ms: u64) -> String {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&seed.0[..10]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        push_hex(&mut text, *byte);
    }
    text
}

/// A name that no other request has.
pub fn holder(seed: &Seed) -> String {
    let mut text = String::with_capacity(32);
    for byte in &seed.0[..16] {
        push_hex(&mut text, *byte);
    }
    text
}

/// The client's `traceparent` if it is valid, else a new one that is not sampled.
pub fn traceparent(fields: &[Field], seed: &Seed) -> (String, bool) {
    let mut all = fields.iter().filter(|field| field.name == "traceparent");
    if let (Some(only), None) = (all.next(), all.next())
        && is_traceparent(&only.value)
    {
        return (String::from_utf8_lossy(&only.value).into_owned(), true);
    }
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    // All zeros would be invalid; one bit makes sure.
    for (index, byte) in seed.0[10..34].iter().enumerate() {
        if index == 16 {
            text.push('-');
        }
        push_hex(&mut text, if matches!(index, 0 | 16) { byte | 1 } else { *byte });
    }
    text.push_str("-00");
    (text, false)
}

/// Makes `traceparent` name a span of the edge's own, and says whether the trace is `chosen`; the parent's id, if `kept`
/// says that there is one. What the client says of sampling is not asked: it would cost the collector, not the client.
pub fn own_span(traceparent: &mut String, kept: bool, chosen: bool, seed: &Seed) -> Option<String> {
    // Of a later version only these fields are known to us (section 4.3).
    let (trace, parent) = (traceparent.get(3..35)?.to_owned(), traceparent.get(36..52)?.to_owned());
    let mut text = format!("00-{trace}-");
    if chosen && kept {
        for (index, byte) in seed.0[26..34].iter().enumerate() {
            push_hex(&mut text, if index == 0 { byte | 1 } else { *byte });
        }
    } else {
        text.push_str(&parent);
    }
    text.push_str(if chosen { "-01" } else { "-00" });
    *traceparent = text;
    kept.then_some(parent)
}

/// `version-trace_id-parent_id-flags`; a later version may have more behind another dash.
fn is_traceparent(value: &[u8]) -> bool {
    let hex = |range: std::ops::Range<usize>| value[range].iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |range: std::ops::Range<usize>| value[range].iter().all(|byte| *byte == b'0');
    value.len() >= 55
        && [2, 35, 52].iter().all(|at| value[*at] == b'-')
        && hex(0..2)
        && hex(3..35)
        && hex(36..52)
        && hex(53..55)
        && !zero(3..35)
        && !zero(36..52)
        && &value[..2] != b"ff"
        && (value.len() == 55 || (&value[..2] != b"00" && value[55] == b'-' && value.len() <= 256))
}

fn push_hex(text: &mut String, byte: u8) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    text.push(DIGITS[usize::from(byte >> 4)]);
    text.push(DIGITS[usize::from(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> Vec<Field> {
        vec![Field { name: name.into(), value: value.into() }]
    }

    #[test]
    fn keeps_sane_request_ids_only() {
        let seed = Seed([0xab; 34]);
        for good in ["12345678", "a.b_c-d.E9", &"x".repeat(64)] {
            assert_eq!(request_id(&one("x-request-id", good), &seed, 1), good);
        }
        for bad in ["short", &"x".repeat(65), "with space", "new\nline-abc", "ünïcödé-id", ""] {
            assert_eq!(
                request_id(&one("x-request-id", bad), &seed, 0x0123_4567_89ab),
                "01234567-89ab-7bab-abab-abababababab"
            );
        }
    }

    #[test]
    fn an_edge_that_tells_of_requests_has_a_span_and_the_last_word_on_sampling() {
        let seed = Seed([0xab; 34]);
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let told = |line: &str, kept, chosen| {
            let mut line = line.to_owned();
            let parent = own_span(&mut line, kept, chosen, &seed);
            (line, parent)
        };
        let client = format!("00-{trace}-00f067aa0ba902b7-01");
        let parent = Some("00f067aa0ba902b7".to_owned());
        assert_eq!(told(&client, true, true), (format!("00-{trace}-abababababababab-01"), parent.clone()));
        assert_eq!(told(&client, true, false), (format!("00-{trace}-00f067aa0ba902b7-00"), parent.clone()));
        let later = format!("cc-{trace}-00f067aa0ba902b7-01-more");
        assert_eq!(told(&later, true, true), (format!("00-{trace}-abababababababab-01"), parent));
        let (own, _) = traceparent(&[], &seed);
        let (named, none) = told(&own, false, true);
        assert_eq!((&named[..53], &named[53..], none), (&own[..53], "01", None));
    }

    #[test]
    fn keeps_valid_traceparents_only() {
        let seed = Seed([0; 34]);
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(traceparent(&one("traceparent", good), &seed), (good.to_owned(), true));
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes";
        assert_eq!(traceparent(&one("traceparent", later), &seed), (later.to_owned(), true));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let (made, kept) = traceparent(&one("traceparent", bad), &seed);
            assert!(!kept, "{bad}");
            assert_eq!(made, "00-01000000000000000000000000000000-0100000000000000-00");
            assert!(is_traceparent(made.as_bytes()));
        }
        let twice = [one("traceparent", good), one("traceparent", good)].concat();
        assert!(!traceparent(&twice, &seed).1);
    }
}

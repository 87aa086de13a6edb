//! Parts of a stored response (RFC 9110, section 14).

use breakwater_kit::headers;
use breakwater_kit::types::{RequestHead, StoredHead};

use crate::freshness;

/// What a request's `Range` means for a body of this length.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// There is no range, or one that is not for us: all of it (section 14.2 lets a server ignore any).
    Whole,
    /// From the first to before the second.
    Part(u64, u64),
    /// None of it is there.
    Nothing,
}

/// Reads `Range` and `If-Range`. Several ranges at once are answered with the whole.
pub fn wanted(request: &RequestHead, head: &StoredHead, length: u64) -> Wanted {
    let Some(spec) = headers::first(&request.headers, "range").filter(|_| request.method == "GET") else {
        return Wanted::Whole;
    };
    if head.status != 200 || !still_holds(request, head) {
        return Wanted::Whole;
    }
    // Units are case-insensitive (section 14.1).
    let Some((unit, range)) = spec.split_once('=') else { return Wanted::Whole };
    let Some((first, last)) = range.trim_matches([' ', '\t']).split_once('-') else { return Wanted::Whole };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Only too many digits can fail.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => part(first, length),
        (Some(first), Some(last)) if first <= last => part(first, length.min(last.saturating_add(1))),
        (None, Some(0)) if first.is_empty() => Wanted::Nothing,
        (None, Some(suffix)) if first.is_empty() => part(length.saturating_sub(suffix), length),
        _ => Wanted::Whole,
    }
}

fn part(first: u64, end: u64) -> Wanted {
    if first < end { Wanted::Part(first, end) } else { Wanted::Nothing }
}

/// `If-Range` (section 13.1.5): a strong comparison; otherwise the whole is wanted.
fn still_holds(request: &RequestHead, head: &StoredHead) -> bool {
    let Some(condition) = headers::first(&request.headers, "if-range") else { return true };
    if condition.starts_with('"') {
        return headers::first(&head.headers, "etag") == Some(condition);
    }
    // A date is strong if the response is from at least a second later (section 8.8.2.2).
    let modified = freshness::time(&head.headers, "last-modified");
    headers::first(&head.headers, "last-modified") == Some(condition)
        && modified.is_some_and(|modified| freshness::date(head) > modified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{fields, request};

    fn wants(lines: &[(&str, &str)], stored: &[(&str, &str)]) -> Wanted {
        let head = StoredHead { status: 200, headers: fields(stored), requested_at: 9, received_at: 9, epoch: 0 };
        wanted(&request("GET", lines), &head, 10)
    }

    #[test]
    fn rfc_9110_section_14_1_2_byte_ranges() {
        for (range, expected) in [
            ("bytes=0-1", Wanted::Part(0, 2)),
            ("Bytes=1-", Wanted::Part(1, 10)),
            ("bytes=-3", Wanted::Part(7, 10)),
            ("bytes=-30", Wanted::Part(0, 10)),
            ("bytes=9-99999999999999999999999", Wanted::Part(9, 10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=2-1", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=a-", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ] {
            assert_eq!(wants(&[("range", range)], &[]), expected, "{range}");
        }
        assert_eq!(wants(&[], &[]), Wanted::Whole);
    }

    #[test]
    fn rfc_9110_section_13_1_5_if_range() {
        const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let stored = [("etag", "\"a\""), ("last-modified", OLD), ("date", "Sun, 06 Nov 1994 08:49:38 GMT")];
        for (condition, expected) in [
            ("\"a\"", Wanted::Part(0, 1)),
            (OLD, Wanted::Part(0, 1)),
            ("\"b\"", Wanted::Whole),
            ("W/\"a\"", Wanted::Whole),
            ("Sun, 06 Nov 1994 08:49:38 GMT", Wanted::Whole),
        ] {
            assert_eq!(wants(&[("range", "bytes=0-0"), ("if-range", condition)], &stored), expected, "{condition}");
        }
        let same_second = [("last-modified", OLD), ("date", OLD)];
        assert_eq!(wants(&[("range", "bytes=0-0"), ("if-range", OLD)], &same_second), Wanted::Whole);
    }
}

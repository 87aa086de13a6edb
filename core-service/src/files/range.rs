//! Which part of some content is asked for: RFC 9110 section 14.

use std::ops::Range;

use http::{HeaderMap, HeaderValue, header};

use crate::problem::{Problem, kinds};

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Some(Range<u64>),
    /// Nothing: there are no such bytes.
    Nothing,
}

impl Part {
    /// What `Range` asks for, if `If-Range` lets it. Several parts at once, or a unit other than bytes, are answered with the whole,
    /// which section 14.2 allows.
    pub(super) fn asked(headers: &HeaderMap, etag: &HeaderValue, size: u64) -> Self {
        let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else { return Self::Whole };
        // A date is no strong validator here (section 13.1.5).
        if headers.get(header::IF_RANGE).is_some_and(|known| known != etag) {
            return Self::Whole;
        }
        match range.strip_prefix("bytes=").map(str::trim) {
            Some(one) if !one.contains(',') => parse(one, size).unwrap_or(Self::Whole),
            _ => Self::Whole,
        }
    }
}

/// One range; nothing if it is none.
fn parse(one: &str, size: u64) -> Option<Part> {
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = one.split_once('-')?;
    let range = if first.is_empty() {
        // The last so many.
        size.saturating_sub(number(last)?)..size
    } else {
        let first = number(first)?;
        let end = if last.is_empty() { size } else { number(last)?.saturating_add(1) };
        if end <= first {
            // Backwards: no range at all. At the end of nothing, an open one.
            return if last.is_empty() { Some(Part::Nothing) } else { None };
        }
        first..end.min(size)
    };
    Some(if range.is_empty() { Part::Nothing } else { Part::Some(range) })
}

/// 416.
pub(super) fn not_satisfiable(size: u64) -> Problem {
    let problem = Problem::new(&kinds::RANGE_NOT_SATISFIABLE);
    match HeaderValue::from_str(&format!("bytes */{size}")) {
        Ok(value) => problem.header(header::CONTENT_RANGE, value),
        Err(_) => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: HeaderValue = HeaderValue::from_static("\"a\"");

    fn part(range: &str, size: u64) -> Part {
        let mut headers = HeaderMap::new();
        if let Ok(range) = HeaderValue::from_str(range) {
            headers.insert(header::RANGE, range);
        }
        Part::asked(&headers, &ETAG, size)
    }

    /// The examples of RFC 9110 section 14.1.2, about 10000 bytes, and their edges.
    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        for (range, expected) in [
            ("bytes=0-499", Part::Some(0..500)),
            ("bytes=500-999", Part::Some(500..1000)),
            ("bytes=-500", Part::Some(9500..10_000)),
            ("bytes=9500-", Part::Some(9500..10_000)),
            ("bytes=0-0", Part::Some(0..1)),
            ("bytes=9999-20000", Part::Some(9999..10_000)),
            ("bytes=-20000", Part::Some(0..10_000)),
            ("bytes=0-18446744073709551616", Part::Some(0..10_000)),
            ("bytes=10000-", Part::Nothing),
            ("bytes=10000-10001", Part::Nothing),
            ("bytes=-0", Part::Nothing),
            ("bytes=0-0,-1", Part::Whole),
            ("bytes=5-4", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=0-1", Part::Whole),
        ] {
            assert_eq!(part(range, 10_000), expected, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Nothing);
        assert_eq!(part("bytes=-1", 0), Part::Nothing);
    }

    #[test]
    fn a_part_of_another_content_is_the_whole() {
        for (known, expected) in [("\"a\"", Part::Some(0..1)), ("\"b\"", Part::Whole), ("W/\"a\"", Part::Whole)] {
            let range = (header::RANGE, HeaderValue::from_static("bytes=0-0"));
            let headers = HeaderMap::from_iter([range, (header::IF_RANGE, HeaderValue::from_static(known))]);
            assert_eq!(Part::asked(&headers, &ETAG, 10), expected, "{known}");
        }
    }
}

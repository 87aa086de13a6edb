//! Points in time inside a document's data: the strings that `breakwater_instant` in the migrations
//! understands, read the same way.

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// The instant that an RFC 3339 date-time means, cut to microseconds.
///
/// Only what both this and PostgreSQL can hold: years 1 to 9999 in UTC too, offsets below 16 hours, no
/// leap second.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let bytes = text.as_bytes();
    // RFC 3339 section 5.6 allows lower case, which the crate does not read, and mentions other
    // separators than `T`, which the format `date-time` does not have.
    if !text.is_ascii() || !matches!(bytes.get(10), Some(b'T' | b't')) || bytes.get(17) == Some(&b'6') {
        return None;
    }
    let time = OffsetDateTime::parse(&text.to_ascii_uppercase(), &Rfc3339).ok()?;
    if time.year() < 1 || time.offset().whole_hours().abs() > 15 {
        return None;
    }
    let time = time.checked_to_offset(UtcOffset::UTC)?;
    if time.year() < 1 {
        return None;
    }
    time.replace_nanosecond(time.nanosecond() / 1000 * 1000).ok()
}

/// Microseconds since 1970.
pub fn micros(time: OffsetDateTime) -> i64 {
    // Years 0 to 9999 fit by far.
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_instant_has_many_spellings() {
        let noon = parse("2024-02-29T12:00:00Z").unwrap();
        for same in ["2024-02-29t12:00:00z", "2024-02-29T13:30:00+01:30", "2024-02-28T21:00:00.0000009-15:00"] {
            assert_eq!(parse(same), Some(noon), "{same}");
        }
        assert_eq!(micros(noon), 1_709_208_000_000_000);
        assert_eq!(micros(parse("1969-12-31T23:59:59.9999999Z").unwrap()), -1);
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "2024-02-30T12:00:00Z",
            "2024-02-29 12:00:00Z",
            "2024-02-29T12:00:00",
            "2024-02-29",
            "0000-01-01T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "2024-02-29T12:00:00+23:00",
            "9999-12-31T23:59:59-10:00",
            "0001-01-01T00:00:00+10:00",
            "2024-02-29T24:00:00Z",
            "２024-02-29T12:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

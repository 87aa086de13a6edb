//! What clients are told of things that end: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a `Link` to read about it.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toml::value::Datetime;

use super::file::Ending;
use crate::http::http_date;

/// Headers by name.
type Headers = Vec<(&'static str, String)>;

/// The headers, or which date is wrong and why. What a route says itself goes before what its version says.
pub(super) fn headers(own: &Ending, version: Option<&Ending>) -> Result<Headers, (&'static str, String)> {
    let fallback = |pick: fn(&Ending) -> Option<Datetime>| pick(own).or_else(|| version.and_then(pick));
    let read = |name, date: Option<Datetime>| date.map(moment).transpose().map_err(|reason| (name, reason));
    let deprecated = read("deprecated", fallback(|ending| ending.deprecated))?;
    let sunset = read("sunset", fallback(|ending| ending.sunset))?;
    // RFC 9745, section 4.
    if let (Some(deprecated), Some(sunset)) = (deprecated, sunset)
        && sunset < deprecated
    {
        return Err(("sunset", "it ends before it is deprecated".to_owned()));
    }
    let mut headers = Headers::new();
    // RFC 9745, section 2.1: a date of RFC 9651.
    headers.extend(deprecated.map(|moment| ("deprecation", format!("@{}", moment.unix_timestamp()))));
    // RFC 8594, section 3: a date as HTTP writes it.
    headers.extend(sunset.map(|moment| ("sunset", http_date(moment))));
    if let Some(link) = own.link.as_ref().or_else(|| version?.link.as_ref()) {
        if link.contains(['<', '>', '"']) || !link.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(("link", "it is no URL".to_owned()));
        }
        // RFC 9745, section 3, and RFC 8594, section 6.
        let relations = [("deprecation", deprecated.is_some()), ("sunset", sunset.is_some())];
        let relations: Vec<_> = relations.into_iter().filter(|(_, said)| *said).map(|(name, _)| name).collect();
        if relations.is_empty() {
            return Err(("link", "it is about `deprecated` or `sunset`, and neither is said".to_owned()));
        }
        headers.push(("link", format!("<{link}>; rel=\"{}\"", relations.join(" "))));
    }
    Ok(headers)
}

/// A date alone is its first moment in UTC.
fn moment(date: Datetime) -> Result<OffsetDateTime, String> {
    let mut text = date.to_string();
    if date.time.is_none() {
        text.push_str("T00:00:00Z");
    }
    let moment = OffsetDateTime::parse(&text, &Rfc3339);
    moment.map_err(|_| format!("write `{date}` as 2030-06-30 or 2030-06-30T23:59:59Z"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ending(deprecated: Option<&str>, sunset: Option<&str>, link: Option<&str>) -> Ending {
        let date = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        Ending { deprecated: date(deprecated), sunset: date(sunset), link: link.map(str::to_owned) }
    }

    #[test]
    fn dates_are_told_as_their_rfcs_want_them() {
        // The examples of RFC 9745 and RFC 8594.
        let one =
            ending(Some("2023-06-30T23:59:59Z"), Some("2024-06-30T23:59:59Z"), Some("https://developer.example/d"));
        let told = headers(&one, None).unwrap();
        assert_eq!(
            told,
            [
                ("deprecation", "@1688169599".to_owned()),
                ("sunset", "Sun, 30 Jun 2024 23:59:59 GMT".to_owned()),
                ("link", "<https://developer.example/d>; rel=\"deprecation sunset\"".to_owned()),
            ]
        );
        let date = headers(&ending(None, Some("2030-01-02"), None), Some(&one)).unwrap();
        assert_eq!(date[1].1, "Wed, 02 Jan 2030 00:00:00 GMT");
        assert!(headers(&Ending::default(), None).unwrap().is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (wrong, which) in [
            (ending(Some("2030-01-02"), Some("2030-01-01"), None), "sunset"),
            (ending(Some("2030-01-02T10:00:00"), None, None), "deprecated"),
            (ending(None, Some("10:00:00"), None), "sunset"),
            (ending(None, None, Some("https://a.example")), "link"),
            (ending(Some("2030-01-02"), None, Some("<a>")), "link"),
        ] {
            assert_eq!(headers(&wrong, None).unwrap_err().0, which, "{wrong:?}");
        }
    }
}

//! `CDN-Cache-Control` (RFC 9213): a structured field (RFC 9651, section 3.2), so read to the letter.
//!
//! A field that is empty or does not parse counts as not there, and `Cache-Control` holds (section 2.2).

use breakwater_kit::headers;
use breakwater_kit::types::Field;

/// A member's value. Parameters are read over: no directive has any.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    True,
    Integer(i64),
    Text(String),
    /// Of a kind that no directive has.
    Other,
}

/// The members in order, the last of each name; none if the field counts as not there.
pub fn read(response: &[Field]) -> Option<Vec<(String, Value)>> {
    let mut lines = Vec::new();
    for line in headers::values(response, "cdn-cache-control") {
        lines.push(std::str::from_utf8(line).ok()?);
    }
    // Lines are one list (RFC 9651, section 4.2).
    let text = lines.join(",");
    let members = Reader { rest: text.as_bytes() }.dictionary()?;
    let fits = |(name, value): &(String, Value)| match name.as_str() {
        "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error" => matches!(value, Value::Integer(0..)),
        "private" | "no-cache" => matches!(value, Value::True | Value::Text(_)),
        _ => true,
    };
    (!members.is_empty() && members.iter().all(fits)).then_some(members)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn dictionary(&mut self) -> Option<Vec<(String, Value)>> {
        let mut members: Vec<(String, Value)> = Vec::new();
        self.skip(b" ");
        while !self.rest.is_empty() {
            let name = self.key()?;
            let value = if self.take(b'=') { self.item_or_list()? } else { Value::True };
            self.parameters()?;
            members.retain(|(known, _)| *known != name);
            members.push((name, value));
            self.skip(b" \t");
            if self.rest.is_empty() {
                break;
            }
            if !self.take(b',') {
                return None;
            }
            self.skip(b" \t");
            if self.rest.is_empty() {
                // A comma that nothing follows.
                return None;
            }
        }
        Some(members)
    }

    fn item_or_list(&mut self) -> Option<Value> {
        if !self.take(b'(') {
            return self.bare();
        }
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Some(Value::Other);
            }
            self.bare()?;
            self.parameters()?;
            if !matches!(self.rest.first(), Some(b' ' | b')')) {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.take(b';') {
            self.skip(b" ");
            self.key()?;
            if self.take(b'=') {
                self.bare()?;
            }
        }
        Some(())
    }

    fn key(&mut self) -> Option<String> {
        let begins = self.rest.first().is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'*');
        let name =
            self.run(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)).to_owned();
        begins.then(|| String::from_utf8(name).ok()).flatten()
    }

    fn bare(&mut self) -> Option<Value> {
        match self.rest.first()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'?' => {
                let (value, rest) = self.rest.split_at_checked(2)?;
                self.rest = rest;
                match value {
                    b"?1" => Some(Value::True),
                    b"?0" => Some(Value::Other),
                    _ => None,
                }
            }
            b':' => {
                let end = 1 + self.rest[1..].iter().position(|byte| *byte == b':')?;
                let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
                let bytes = &self.rest[1..end];
                self.rest = &self.rest[end + 1..];
                bytes.iter().all(good).then_some(Value::Other)
            }
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => {
                self.run(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
                Some(Value::Other)
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Value> {
        let negative = self.take(b'-');
        let digits = self.run(|byte| byte.is_ascii_digit());
        // Fifteen digits at the most, twelve before a point and three behind it (section 4.2.4).
        let whole: i64 = std::str::from_utf8(digits).ok().filter(|text| text.len() <= 15)?.parse().ok()?;
        let length = digits.len();
        if self.take(b'.') {
            let fraction = self.run(|byte| byte.is_ascii_digit());
            return (length <= 12 && matches!(fraction.len(), 1..=3)).then_some(Value::Other);
        }
        Some(Value::Integer(if negative { -whole } else { whole }))
    }

    fn string(&mut self) -> Option<Value> {
        let mut text = String::new();
        let mut bytes = self.rest.iter().enumerate().skip(1);
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(Value::Text(text));
                }
                b'\\' => text.push(char::from(*bytes.next().filter(|(_, byte)| matches!(byte, b'"' | b'\\'))?.1)),
                0x20..=0x7e => text.push(char::from(*byte)),
                _ => return None,
            }
        }
        None
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.rest.first() == Some(&byte);
        if taken {
            self.rest = &self.rest[1..];
        }
        taken
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &[u8] {
        let end = self.rest.iter().position(|byte| !belongs(*byte)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }

    fn skip(&mut self, bytes: &[u8]) {
        self.run(|byte| bytes.contains(&byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Option<Vec<(String, Value)>> {
        read(&[Field::new("cdn-cache-control", value)])
    }

    #[test]
    fn rfc_9213_section_2_1_a_dictionary() {
        let named = |name: &str, value| (name.to_owned(), value);
        for (text, expected) in [
            ("max-age=60", vec![named("max-age", Value::Integer(60))]),
            ("  a , max-age=60;x=1;y", vec![named("a", Value::True), named("max-age", Value::Integer(60))]),
            ("max-age=1, max-age=2", vec![named("max-age", Value::Integer(2))]),
            ("no-cache=\"a, \\\"b\"", vec![named("no-cache", Value::Text("a, \"b".into()))]),
            ("x=(1 \"a\";b c), y=?0, z=:AA==:, w=1.5, v=tok/en", {
                ["x", "y", "z", "w", "v"].map(|name| named(name, Value::Other)).into()
            }),
        ] {
            assert_eq!(one(text), Some(expected), "{text}");
        }
        let lines = [Field::new("cdn-cache-control", "a"), Field::new("cdn-cache-control", "b")];
        assert_eq!(read(&lines), Some(vec![named("a", Value::True), named("b", Value::True)]));
    }

    #[test]
    fn rfc_9213_section_2_2_what_is_no_dictionary_is_not_there() {
        for text in [
            "",
            " ",
            "max-age=60,",
            ",max-age=60",
            "max-age=60 private",
            "Max-Age=60",
            "max-age =60",
            "max-age= 60",
            "max-age=\"60\"",
            "max-age",
            "max-age=-1",
            "max-age=1.5",
            "max-age=60, &&&",
            "a=\"",
            "a=\"\\x\"",
            "a=(1",
            "a=(1\"x\")",
            "a=?2",
            "a=:*:",
            "a=1234567890123456",
            "a=1.",
            "private=1",
            "a=\u{e4}",
            "a;",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
        assert_eq!(read(&[]), None);
    }
}

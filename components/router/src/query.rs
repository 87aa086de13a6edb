//! Query strings of names and values (WHATWG URL, section 5.1): read, and changed where a route says so.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// The value of the first parameter with this name.
pub fn value<'a>(query: &'a str, wanted: &str) -> Option<Cow<'a, [u8]>> {
    pairs(query).find(|(name, _)| *decoded(name) == *wanted.as_bytes()).map(|(_, value)| decoded(value))
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text.as_bytes());
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let triplet = if byte == b'%' { digit(at + 1).zip(digit(at + 2)) } else { None };
        match (byte, triplet) {
            (_, Some((high, low))) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', None) => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(out)
}

/// The member `query` of a route: first what is removed, then what is set in place of all of its name, then what is added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Edits {
    remove: Vec<String>,
    set: BTreeMap<String, String>,
    add: BTreeMap<String, String>,
}

impl Edits {
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// The query with the edits made. What they do not name stays as it was, byte by byte.
    pub fn apply(&self, query: Option<&str>) -> Option<String> {
        let gone = |name: &str| {
            let name = decoded(name);
            self.remove.iter().chain(self.set.keys()).any(|other| *other.as_bytes() == *name)
        };
        let kept = query.unwrap_or_default().split('&').filter(|pair| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            !pair.is_empty() && !gone(name)
        });
        let mut parts: Vec<String> = kept.map(str::to_owned).collect();
        parts.extend(
            self.set.iter().chain(&self.add).map(|(name, value)| format!("{}={}", encoded(name), encoded(value))),
        );
        if parts.is_empty() { None } else { Some(parts.join("&")) }
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_decoded_and_the_first_counts() {
        for (query, name, wanted) in [
            ("a=1&a=2", "a", Some("1")),
            ("b=1&%61=x%20y+z", "a", Some("x y z")),
            ("a", "a", Some("")),
            ("a=%zz&", "a", Some("%zz")),
            ("ab=1", "a", None),
            ("", "a", None),
            ("", "", None),
        ] {
            assert_eq!(value(query, name).as_deref(), wanted.map(str::as_bytes), "{query}");
        }
    }

    #[test]
    fn edits_leave_the_rest_as_it_is() {
        let edits: Edits =
            serde_json::from_str(r#"{"remove": ["gone"], "set": {"s": "a b"}, "add": {"ü": "&"}}"#).unwrap();
        for (query, wanted) in
            [(None, "s=a%20b&%C3%BC=%26"), (Some("x=%2f&gone=1&s=old&%73=older&y"), "x=%2f&y&s=a%20b&%C3%BC=%26")]
        {
            assert_eq!(edits.apply(query).unwrap(), wanted);
        }
        let removes: Edits = serde_json::from_str(r#"{"remove": ["a"]}"#).unwrap();
        assert_eq!(removes.apply(Some("a=1&&a")), None);
    }

    proptest! {
        #[test]
        fn what_is_set_is_read_again(query in "[a-c=&%+]{0,20}", name in "\\PC{1,4}", text in "\\PC{0,4}") {
            let edits = Edits { set: BTreeMap::from([(name.clone(), text.clone())]), ..Edits::default() };
            let edited = edits.apply(Some(&query)).unwrap();
            let read = value(&edited, &name);
            prop_assert_eq!(read.as_deref(), Some(text.as_bytes()));
            prop_assert_eq!(edits.apply(Some(&edited)), Some(edited));
        }
    }
}

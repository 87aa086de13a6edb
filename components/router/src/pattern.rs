//! Path patterns: literal segments, `{name}` for one non-empty segment, and a final `{*rest}` for what is left, which may
//! be empty (`/files/{*rest}` matches `/files/`, not `/files`).

use breakwater_kit::path;

/// Deeper patterns are refused: matching descends one call per segment.
const MAX_SEGMENTS: usize = 64;

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    Parameter,
    Rest,
}

/// A parsed pattern. Names of parameters matter to templates, not to matching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub segments: Vec<Segment>,
    /// The names of parameters, and the numbers of their segments.
    names: Vec<(String, usize)>,
}

impl Pattern {
    /// Parses a pattern, or says what is wrong with it. Literals must be in the form that paths are brought into.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |reason: &str| format!("path {text:?}: {reason}");
        let Some(relative) = text.strip_prefix('/') else {
            return Err(wrong("does not begin with a slash"));
        };
        let (mut segments, mut names) = (Vec::new(), Vec::new());
        let mut parts = relative.split('/').peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            if let Some(name) = part.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
                names.push((name.trim_start_matches('*').to_owned(), segments.len()));
            }
            segments.push(match part.strip_prefix('{').map(|inner| inner.strip_suffix('}')) {
                Some(Some(inner)) => match inner.strip_prefix('*') {
                    Some(name) if is_name(name) && last => Segment::Rest,
                    Some(name) if is_name(name) => return Err(wrong("{*…} is not the last segment")),
                    None if is_name(inner) => Segment::Parameter,
                    _ => return Err(wrong("a parameter's name is letters, digits and underscores")),
                },
                Some(None) => return Err(wrong("a parameter is a whole segment")),
                None if part.is_empty() && !last => return Err(wrong("has an empty segment")),
                None => match path::normalise(&format!("/{part}")) {
                    Ok(form) if form[1..] == *part => Segment::Literal(part.into()),
                    Ok(form) => return Err(wrong(&format!("write the segment {part:?} as {:?}", &form[1..]))),
                    Err(refused) => return Err(wrong(refused.0)),
                },
            });
        }
        if segments.len() > MAX_SEGMENTS {
            return Err(wrong("has too many segments"));
        }
        if names.iter().enumerate().any(|(at, (name, _))| names[..at].iter().any(|(other, _)| other == name)) {
            return Err(wrong("has two parameters of one name"));
        }
        Ok(Self { segments, names })
    }

    /// The number and the kind of the segment that has this parameter.
    pub fn find(&self, name: &str) -> Option<(usize, &Segment)> {
        let (_, at) = self.names.iter().find(|(known, _)| known == name)?;
        Some((*at, &self.segments[*at]))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn patterns_have_three_kinds_of_segment() {
        let literal = |text: &str| Segment::Literal(text.into());
        for (text, segments) in [
            ("/", vec![literal("")]),
            ("/a/b-c.d", vec![literal("a"), literal("b-c.d")]),
            ("/a/{b_1}/", vec![literal("a"), Segment::Parameter, literal("")]),
            ("/a/{*rest}", vec![literal("a"), Segment::Rest]),
            ("/%20", vec![literal("%20")]),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().segments, segments, "{text}");
        }
    }

    #[test]
    fn other_patterns_are_refused() {
        for text in [
            "", "a", "//", "/a//b", "/{}", "/{a", "/a}", "/x{a}", "/{a}x", "/{*}", "/{*a}/b", "/{a-b}", "/{a}{b}",
            "/..", "/%2f", "/%41", "/a b", "/%e4", "/{**a}", "/{a}/{a}",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        assert!(Pattern::parse(&"/a".repeat(65)).is_err());
    }
}

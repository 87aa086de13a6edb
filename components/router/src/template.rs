//! Paths that are made from what a route's pattern matched: `/new/{id}/{rest}`.

use breakwater_kit::path;

use crate::pattern::{Pattern, Segment};

/// A path with places for what was matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// A segment as it stands.
    Text(String),
    /// The matched path's segment of this number.
    Segment(usize),
    /// All of its segments from this number on.
    Rest(usize),
}

impl Template {
    /// Parses a template whose parameters are those of `pattern`. A parameter is a whole segment, so that no two matched
    /// pieces can make a segment that neither is.
    pub fn parse(text: &str, pattern: &Pattern) -> Result<Self, String> {
        let wrong = |reason: &str| format!("template {text:?}: {reason}");
        let relative = text.strip_prefix('/').ok_or_else(|| wrong("does not begin with a slash"))?;
        let mut pieces = Vec::new();
        let mut parts = relative.split('/').peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let name = part.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
            pieces.push(match name {
                Some(name) => match pattern.find(name) {
                    Some((at, Segment::Parameter)) => Piece::Segment(at),
                    Some((at, Segment::Rest)) if last => Piece::Rest(at),
                    Some(_) => return Err(wrong("what {*…} matched can only be the end")),
                    None => return Err(wrong(&format!("the path has no parameter {name:?}"))),
                },
                None if part.is_empty() && !last => return Err(wrong("has an empty segment")),
                None => match path::normalise(&format!("/{part}")) {
                    Ok(form) if form[1..] == *part => Piece::Text(part.into()),
                    Ok(form) => return Err(wrong(&format!("write the segment {part:?} as {:?}", &form[1..]))),
                    Err(refused) => return Err(wrong(refused.0)),
                },
            });
        }
        Ok(Self(pieces))
    }

    /// The path for a matched path.
    pub fn fill(&self, matched: &str) -> String {
        let mut out = String::with_capacity(matched.len() + 16);
        for piece in &self.0 {
            out.push('/');
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Segment(at) => out.push_str(matched.split('/').nth(at + 1).unwrap_or_default()),
                Piece::Rest(at) => out.push_str(matched.splitn(at + 2, '/').nth(at + 1).unwrap_or_default()),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn fill(pattern: &str, template: &str, path: &str) -> Result<String, String> {
        Template::parse(template, &Pattern::parse(pattern).unwrap()).map(|template| template.fill(path))
    }

    #[test]
    fn templates_take_what_was_matched() {
        for (pattern, template, path, made) in [
            ("/old/{*rest}", "/new/{rest}", "/old/a/b", "/new/a/b"),
            ("/old/{*rest}", "/new/{rest}", "/old/", "/new/"),
            ("/old/{*rest}", "/{rest}", "/old/a", "/a"),
            ("/{a}/x/{b}", "/{b}/{a}", "/1/x/2", "/2/1"),
            ("/a", "/", "/a", "/"),
        ] {
            assert_eq!(fill(pattern, template, path).unwrap(), made, "{template}");
        }
    }

    #[test]
    fn other_templates_are_refused() {
        for template in ["", "x", "/{b}", "/{a}/{rest}/x", "/x{a}", "//{a}", "/../{a}", "/a b", "/{*rest}", "//evil"] {
            assert!(fill("/{a}/{*rest}", template, "/").is_err(), "{template}");
        }
    }

    proptest! {
        /// Whatever is matched, what is made is a path in its one form.
        #[test]
        fn what_is_made_is_a_path(path in "/[a.%2eF]{1,6}(/[a.]{1,4}){0,3}/?") {
            if let Ok(path) = path::normalise(&path) {
                let made = fill("/{a}/{*rest}", "/x/{a}/{rest}", &path).unwrap();
                prop_assert_eq!(path::normalise(&made), Ok(made));
            }
        }
    }
}

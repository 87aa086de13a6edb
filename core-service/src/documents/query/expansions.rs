//! `expand=data.customer[data.company],data.tags`: the references that are to be followed.
//!
//! ```text
//! expand = one *( "," one )
//! one    = field [ "[" expand "]" ]
//! ```

use super::field::{self, DataPath, Field};
use super::{InvalidQuery, scan::Scanner};

/// How many references may be followed.
pub const MAX_TERMS: usize = 20;
/// How many one after the other.
pub const MAX_DEPTH: usize = 3;

/// A reference that is followed.
#[derive(Debug, PartialEq, Eq)]
pub struct Expansion {
    /// Where it is.
    pub path: DataPath,
    /// As it was asked for, to be told if it is no reference.
    pub name: String,
    /// What is followed from the documents that it names.
    pub within: Vec<Expansion>,
}

/// Reads `expand`.
pub fn parse(text: &str) -> Result<Vec<Expansion>, InvalidQuery> {
    let mut scanner = Scanner::new("expand", text);
    let mut count = 0;
    let expansions = list(&mut scanner, 1, &mut count)?;
    if scanner.is_at_end() { Ok(expansions) } else { Err(scanner.error("a comma or the end was expected")) }
}

fn list(scanner: &mut Scanner<'_>, depth: usize, count: &mut usize) -> Result<Vec<Expansion>, InvalidQuery> {
    let mut expansions: Vec<Expansion> = Vec::new();
    loop {
        scanner.skip_spaces();
        let start = scanner.at();
        *count += 1;
        if *count > MAX_TERMS {
            return Err(scanner.error(format!("at most {MAX_TERMS} references can be followed")));
        }
        if depth > MAX_DEPTH {
            return Err(scanner.error(format!("references are followed at most {MAX_DEPTH} deep")));
        }
        let Field::Data(path) = field::parse(scanner)? else {
            return Err(scanner.error_at(start, "only references in `data` can be followed"));
        };
        let name = scanner.since(start).to_owned();
        if expansions.iter().any(|other| other.path == path) {
            return Err(scanner.error_at(start, "this stands here twice"));
        }
        let mut within = Vec::new();
        if scanner.take('[') {
            within = list(scanner, depth + 1, count)?;
            if !scanner.take(']') {
                return Err(scanner.error("a comma or `]` was expected"));
            }
        }
        expansions.push(Expansion { path, name, within });
        scanner.skip_spaces();
        if !scanner.take(',') {
            return Ok(expansions);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_stands_in_brackets_is_followed_from_there() {
        let asked = parse("data.a[ data.b[data.c],data.d ], data.\"e,f\"").unwrap();
        let names: Vec<_> = asked.iter().map(|one| (one.name.as_str(), one.within.len())).collect();
        assert_eq!(names, [("data.a", 2), ("data.\"e,f\"", 0)]);
        assert_eq!(asked[0].within[0].within[0].name, "data.c");
    }

    #[test]
    fn nonsense_is_refused_where_it_stands() {
        let many = ["data.a[data.b]"; 11].join(",");
        for (text, position) in [
            ("", 1),
            ("id", 1),
            ("data.a,", 8),
            ("data.a]", 7),
            ("data.a[data.b", 14),
            ("data.a[]", 8),
            ("data.a,data.a", 8),
            ("data.a[data.b[data.c[data.d]]]", 22),
            (&many, 16),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.parameter, error.position), ("expand", position), "{text}: {error}");
        }
    }
}

//! Whether a route of the file takes requests that the core's own routes answer.
//!
//! It would take them past what the core says about them (who may call, how often), and give credentials that are meant
//! for the core to somebody else. So it has to say that it is meant: `overrides_core = true`.

use super::route::Route;
use crate::edge::routes::{self, Own};

/// What is wrong, if it is not meant.
pub(super) fn mistake(route: &Route, own: &Own) -> Option<String> {
    if route.overrides_core {
        return None;
    }
    let taken = own.routes.iter().find(|other| other.id != Own::FILES && takes(route, other))?;
    Some(format!(
        "this takes requests of the core's own route {} ({} {}): say `overrides_core = true` if that is meant",
        taken.id,
        taken.methods.join(", "),
        taken.path
    ))
}

/// The core's routes have neither hosts nor conditions, and the router prefers what is more specific.
fn takes(route: &Route, own: &routes::Route) -> bool {
    let (path, other) = (segments(&route.path), segments(&own.path));
    if !overlap(&path, &other) {
        return false;
    }
    // Hosts come before paths.
    if !route.hosts.is_empty() {
        return true;
    }
    match path.iter().map(Segment::rank).cmp(other.iter().map(Segment::rank)) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        // One place for both: another method there is no harm.
        std::cmp::Ordering::Equal => {
            route.methods.iter().any(|method| own.methods.contains(method) || is_head_of(method, own))
        }
    }
}

/// `GET` answers `HEAD`, until somebody else does.
fn is_head_of(method: &str, own: &routes::Route) -> bool {
    method == "HEAD" && own.methods.iter().any(|method| method == "GET")
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Rest,
    Parameter,
    Literal(&'a str),
}

impl Segment<'_> {
    /// The higher is more specific.
    fn rank(&self) -> u8 {
        match self {
            Self::Rest => 0,
            Self::Parameter => 1,
            Self::Literal(_) => 2,
        }
    }
}

/// Of a pattern that may be wrong: whether it is, the router says.
fn segments(path: &str) -> Vec<Segment<'_>> {
    let parts = path.strip_prefix('/').unwrap_or(path).split('/');
    parts
        .map(|part| match part.strip_prefix('{') {
            Some(name) if name.starts_with('*') => Segment::Rest,
            Some(_) => Segment::Parameter,
            None => Segment::Literal(part),
        })
        .collect()
}

/// Whether any path matches both.
fn overlap(one: &[Segment<'_>], other: &[Segment<'_>]) -> bool {
    match (one, other) {
        ([], []) => true,
        // What is left may be empty, but its slash is there.
        ([Segment::Rest, ..], [_, ..]) | ([_, ..], [Segment::Rest, ..]) => true,
        ([first, one @ ..], [second, other @ ..]) => {
            let meet = match (first, second) {
                (Segment::Literal(first), Segment::Literal(second)) => first == second,
                (Segment::Literal(text), _) | (_, Segment::Literal(text)) => !text.is_empty(),
                _ => true,
            };
            meet && overlap(one, other)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_takes_requests_of_the_core_has_to_say_so() {
        let own = Own::of(&[("notes.list", "GET", "/api/v1/notes"), ("notes.get", "GET", "/api/v1/notes/{id}")]);
        for (path, more, expected) in [
            ("/shop/{*rest}", "", None),
            // Less specific: the core's own win.
            ("/{*rest}", "", None),
            ("/api/v1/{*rest}", "", None),
            ("/api/v1/notes/{id}/{more}", "", None),
            ("/api/v1/notes/", "", None),
            // Another method at the same place.
            ("/api/v1/notes", "methods = [\"POST\"]", None),
            ("/api/v1/notes/{other}", "methods = [\"DELETE\"]", None),
            ("/api/v1/notes", "", Some("notes.list")),
            ("/api/v1/notes", "methods = [\"HEAD\"]", Some("notes.list")),
            ("/api/v1/notes", "when = { headers = { beta = true } }", Some("notes.list")),
            // More specific, and then a method that is not there is a 405.
            ("/api/v1/notes/special", "methods = [\"DELETE\"]", Some("notes.get")),
            ("/{*rest}", "hosts = [\"shop.example\"]", Some("notes.list")),
            ("/shop/{*rest}", "hosts = [\"shop.example\"]", None),
            ("/{*rest}", "hosts = [\"shop.example\"]\noverrides_core = true", None),
        ] {
            let text = format!("id = \"x\"\nauthentication = \"public\"\npath = {path:?}\n{more}");
            let route: Route = toml::from_str(&text).unwrap();
            let mistake = mistake(&route, &own);
            assert_eq!(mistake.is_some(), expected.is_some(), "{text}: {mistake:?}");
            if let (Some(mistake), Some(expected)) = (mistake, expected) {
                assert!(mistake.contains(expected), "{text}: {mistake}");
            }
        }
    }
}

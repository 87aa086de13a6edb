//! Entity tags and the preconditions that name them (RFC 9110, sections 8.8.3 and 13.1.2).

use crate::headers;
use crate::types::Field;

/// Whether `If-None-Match` names this entity tag, by weak comparison: the answer is then 304.
/// Nothing if the request has no such header.
pub fn none_match_hit(request: &[Field], tag: Option<&str>) -> Option<bool> {
    if !headers::has(request, "if-none-match") {
        return None;
    }
    Some(
        headers::list(request, "if-none-match")
            .any(|member| member == "*" || tag.is_some_and(|tag| opaque(member) == opaque(tag))),
    )
}

/// The part of an entity tag that weak comparison looks at (RFC 9110, section 8.8.3.2).
pub fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_comparison_over_all_lines() {
        let request = |value: &str| vec![Field::new("if-none-match", value)];
        let tag = Some("\"a,b\"");
        for (value, hit) in [
            ("\"a,b\"", true),
            ("W/\"a,b\"", true),
            ("\"x\", \"a,b\"", true),
            ("*", true),
            ("\"x\"", false),
            ("a,b", false),
            ("", false),
        ] {
            assert_eq!(none_match_hit(&request(value), tag), Some(hit), "{value}");
        }
        assert_eq!(none_match_hit(&request("\"x\""), None), Some(false));
        assert_eq!(none_match_hit(&[], tag), None);
    }
}

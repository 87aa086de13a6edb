//! What no document and no schema may hold, whatever its schema says.

use serde_json::Value;

use crate::problem::FieldError;

/// How deep a document's data may nest: `{}` is 1 deep.
pub const DATA_DEPTH: usize = 32;
/// How deep a schema may nest.
pub const SCHEMA_DEPTH: usize = 64;
/// How many errors are told at once.
pub const MOST_ERRORS: usize = 100;

/// Everything in `value` that cannot be kept, told with `pointer` before its place.
///
/// - Nesting deeper than `levels`.
/// - The character U+0000, in strings or names: PostgreSQL's text cannot hold it.
pub fn check(value: &Value, pointer: &str, levels: usize) -> Vec<FieldError> {
    let mut found = Vec::new();
    walk(value, &mut pointer.to_owned(), levels, &mut found);
    found
}

fn walk(value: &Value, pointer: &mut String, levels: usize, found: &mut Vec<FieldError>) {
    if found.len() == MOST_ERRORS {
        return;
    }
    let nests = matches!(value, Value::Object(_) | Value::Array(_));
    let Some(below) = levels.checked_sub(usize::from(nests)) else {
        found.push(FieldError::new(&**pointer, "maxDepth", "nests too deep"));
        return;
    };
    let length = pointer.len();
    match value {
        Value::String(text) if text.contains('\0') => found.push(nul(pointer)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                walk(item, pointer, below, found);
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                push_token(pointer, name);
                if name.contains('\0') {
                    found.push(nul(pointer));
                } else {
                    walk(member, pointer, below, found);
                }
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

fn nul(pointer: &str) -> FieldError {
    let message = "holds the character U+0000, which cannot be kept";
    FieldError::new(pointer, "noNul", message)
}

/// Appends `/name`, escaped after RFC 6901 section 4.
pub(crate) fn push_token(pointer: &mut String, name: &str) {
    pointer.push('/');
    for c in name.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nested(depth: usize) -> Value {
        (1..depth).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(check(&nested(32), "/data", 32), []);
        let found = check(&nested(33), "/data", 32);
        assert_eq!(found[0].pointer, format!("/data{}", "/a".repeat(32)));
        assert_eq!(found.len(), 1);
        assert_eq!(check(&json!([[1]]), "", 2), []);
        assert_eq!(check(&json!([[1]]), "", 1).len(), 1);
    }

    #[test]
    fn nul_is_found_wherever_it_is() {
        let value = json!({"a/b": ["fine", "n\0t"], "n\0": 1, "ok": {"~": "\0"}});
        let found = check(&value, "", DATA_DEPTH);
        let mut pointers: Vec<String> = found.into_iter().map(|error| error.pointer).collect();
        pointers.sort();
        assert_eq!(pointers, ["/a~1b/1", "/n\0", "/ok/~0"]);
    }

    #[test]
    fn what_is_told_is_bounded() {
        assert_eq!(check(&json!(vec!["\0"; 1000]), "", 2).len(), MOST_ERRORS);
    }
}

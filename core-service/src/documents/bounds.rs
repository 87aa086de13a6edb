//! How deep JSON may nest, and how many errors are told, whatever a schema says.

use serde_json::Value;

use crate::problem::FieldError;

/// How deep a document's data may nest: `{}` is 1 deep.
pub const DATA_DEPTH: usize = 32;
/// How deep a schema may nest.
pub const SCHEMA_DEPTH: usize = 64;
/// How much a document's data may weigh: about its length as JSON, in bytes.
pub const DATA_WEIGHT: usize = 2 * 1024 * 1024;
/// How many errors are told at once.
pub const MOST_ERRORS: usize = 100;

/// Every place at which `value` nests deeper than `levels`, told with `pointer` before it.
pub fn check(value: &Value, pointer: &str, levels: usize) -> Vec<FieldError> {
    let mut found = Vec::new();
    walk(value, &mut pointer.to_owned(), levels, &mut found);
    found
}

fn walk(value: &Value, pointer: &mut String, levels: usize, found: &mut Vec<FieldError>) {
    if !value.is_object() && !value.is_array() || found.len() == MOST_ERRORS {
        return;
    }
    let Some(below) = levels.checked_sub(1) else {
        found.push(FieldError::new(&**pointer, "maxDepth", "nests too deep"));
        return;
    };
    let length = pointer.len();
    let mut step = |name: &str, inner: &Value| {
        push_token(pointer, name);
        walk(inner, pointer, below, found);
        pointer.truncate(length);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| step(&index.to_string(), item)),
        Value::Object(members) => members.iter().for_each(|(name, member)| step(name, member)),
        _ => {}
    }
}

/// About how long `value` is as JSON, in bytes.
pub fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| weight(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + 4 + weight(value)).sum::<usize>() + 2,
    }
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

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| (1..depth).fold(json!({}), |inner, _| json!({ "a/b": inner }));
        assert_eq!(check(&nested(32), "/data", 32), []);
        let found = check(&nested(33), "/data", 32);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].pointer, format!("/data{}", "/a~1b".repeat(32)));
        assert_eq!(check(&json!([[1]]), "", 2), []);
        assert_eq!(check(&json!([1, [1]]), "", 1)[0].pointer, "/1");
    }

    #[test]
    fn what_is_told_is_bounded() {
        assert_eq!(check(&json!(vec![json!([]); 1000]), "", 1).len(), MOST_ERRORS);
    }
}

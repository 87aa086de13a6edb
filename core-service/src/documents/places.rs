//! Fields inside a document's data, by their paths: whether they are there, whether they changed, how they were before.

use serde_json::{Map, Value};

use super::bounds::push_token;
use super::query::field::{DataPath, Field, parse};
use super::query::scan::Scanner;

/// The path that a name such as `data.price` means; `None` if it means none below `data`.
pub(super) fn path(field: &str) -> Option<DataPath> {
    let mut scanner = Scanner::new("field", field);
    match parse(&mut scanner) {
        Ok(Field::Data(path)) if scanner.is_at_end() && !path.segments().is_empty() => Some(path),
        _ => None,
    }
}

/// A path as people read it.
pub(super) fn name(path: &DataPath) -> String {
    format!("data.{}", path.segments().join("."))
}

/// A path as a JSON Pointer into a document.
pub(super) fn pointer(path: &DataPath) -> String {
    let mut pointer = "/data".to_owned();
    path.segments().iter().for_each(|name| push_token(&mut pointer, name));
    pointer
}

/// Puts `value` at the path, if objects lead there; otherwise says that nothing did.
pub(super) fn put(data: &mut Value, path: &[String], value: Value) -> bool {
    match (data, path) {
        (Value::Object(object), [last]) => {
            object.insert(last.clone(), value);
            true
        }
        (Value::Object(object), [first, rest @ ..]) => {
            object.get_mut(first).is_some_and(|inner| put(inner, rest, value))
        }
        _ => false,
    }
}

/// Puts `value` at the path, making the objects on the way.
pub(super) fn place(target: &mut Value, path: &[String], value: &Value) {
    let Some((name, rest)) = path.split_first() else {
        *target = value.clone();
        return;
    };
    if let Value::Object(object) = target {
        let inner = object.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        place(inner, rest, value);
    }
}

/// Removes the field, in each element of arrays on the way.
pub(super) fn remove(data: &mut Value, path: &[String]) {
    match (data, path) {
        (Value::Object(object), [last]) => drop(object.remove(last)),
        (Value::Object(object), [first, rest @ ..]) => {
            if let Some(inner) = object.get_mut(first) {
                remove(inner, rest);
            }
        }
        (Value::Array(items), path) => items.iter_mut().for_each(|item| remove(item, path)),
        _ => {}
    }
}

/// Whether the field is there, in any element of arrays on the way.
pub(super) fn holds(data: &Value, path: &[String]) -> bool {
    match (data, path) {
        (_, []) => true,
        (Value::Object(object), [first, rest @ ..]) => object.get(first).is_some_and(|inner| holds(inner, rest)),
        (Value::Array(items), path) => items.iter().any(|item| holds(item, path)),
        _ => false,
    }
}

/// Whether `sent` has the field, or puts something that is no object where an object on the way to it may be.
pub(super) fn touches(sent: &Value, path: &[String]) -> bool {
    match (sent, path) {
        (_, []) => true,
        (Value::Object(object), [first, rest @ ..]) => object.get(first).is_some_and(|inner| touches(inner, rest)),
        _ => true,
    }
}

/// Whether a pointer leads to the field, into it, or to something that it is in. Indexes are stepped over, as the field
/// may be in each element of an array.
pub(super) fn meets(pointer: &[String], path: &[String]) -> bool {
    match (pointer, path) {
        ([], _) | (_, []) => true,
        ([token, rest @ ..], [first, inner @ ..]) => {
            let index = token == "-" || token.bytes().all(|b| b.is_ascii_digit());
            token == first && meets(rest, inner) || index && meets(rest, path)
        }
    }
}

/// Whether the field is the same in both. An array on the way counts as a whole: its elements have no names by which to
/// find them again.
pub(super) fn same(before: Option<&Value>, after: Option<&Value>, path: &[String]) -> bool {
    let is_array = |value: Option<&Value>| value.is_some_and(Value::is_array);
    match path {
        [first, rest @ ..] if !is_array(before) && !is_array(after) => {
            let before = before.and_then(Value::as_object).and_then(|before| before.get(first));
            same(before, after.and_then(Value::as_object).and_then(|after| after.get(first)), rest)
        }
        _ => before == after,
    }
}

/// Puts the field as it was before into `after`, making the objects on the way; of an array on the way all.
pub(super) fn restore(before: &Value, after: &mut Value, path: &[String]) {
    let ([first, rest @ ..], Value::Object(after)) = (path, after) else { return };
    let Some(old) = before.as_object().and_then(|before| before.get(first)) else { return };
    if rest.is_empty() || old.is_array() {
        after.insert(first.clone(), old.clone());
    } else if old.is_object() {
        let inner = after.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
        restore(old, inner, rest);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_that_could_change_what_is_hidden_touches_it() {
        let path = path("data.b.c").unwrap();
        for (sent, expected) in [
            (json!({}), false),
            (json!({ "b": {} }), false),
            (json!({ "b": { "d": 1 } }), false),
            (json!({ "b": { "c": null } }), true),
            (json!({ "b": null }), true),
            (json!({ "b": [] }), true),
        ] {
            assert_eq!(touches(&sent, path.segments()), expected, "{sent}");
        }
    }

    #[test]
    fn a_pointer_meets_what_it_could_tell_of() {
        let path = path("data.b.c").unwrap();
        for (pointer, expected) in [
            (vec![], true),
            (vec!["b"], true),
            (vec!["b", "c"], true),
            (vec!["b", "c", "x"], true),
            (vec!["b", "0"], true),
            (vec!["b", "-", "c"], true),
            (vec!["b", "0", "d"], false),
            (vec!["b", "d"], false),
            (vec!["a"], false),
            (vec!["c"], false),
        ] {
            let pointer: Vec<String> = pointer.into_iter().map(str::to_owned).collect();
            assert_eq!(meets(&pointer, path.segments()), expected, "{pointer:?}");
        }
    }

    #[test]
    fn what_is_hidden_stays_as_it_is() {
        for (before, written, after) in [
            (json!({ "a": 1, "s": 2 }), json!({ "a": 3 }), json!({ "a": 3, "s": 2 })),
            (json!({ "a": 1 }), json!({ "a": 3 }), json!({ "a": 3 })),
            (json!({ "p": { "s": 2 } }), json!({}), json!({ "p": { "s": 2 } })),
            (json!({ "p": { "s": 2, "t": 1 } }), json!({ "p": { "t": 4 } }), json!({ "p": { "s": 2, "t": 4 } })),
        ] {
            let mut now = written;
            for field in ["data.s", "data.p.s"] {
                restore(&before, &mut now, path(field).unwrap().segments());
            }
            assert_eq!(now, after, "{before}");
        }
    }

    #[test]
    fn a_field_is_the_same_or_not() {
        let path = path("data.b.c").unwrap();
        let same = |before: &Value, after: &Value| same(Some(before), Some(after), path.segments());
        let before = json!({ "b": { "c": 1, "d": 2 } });
        assert!(same(&before, &json!({ "b": { "c": 1 } })));
        for after in [json!({}), json!({ "b": {} }), json!({ "b": 1 }), json!({ "b": { "c": 2 } }), json!({ "b": [] })]
        {
            assert!(!same(&before, &after), "{after}");
        }
        assert!(same(&json!({}), &json!({ "b": 1 })), "it was not there and is not");
        let list = json!({ "b": [{ "c": 1 }] });
        assert!(same(&list, &list) && !same(&list, &json!({ "b": [{ "c": 2 }] })));
        assert!(holds(&list, path.segments()) && !holds(&json!({ "b": [{}] }), path.segments()));
    }

    #[test]
    fn names_mean_fields_below_data() {
        for (field, good) in
            [("data.a", true), ("data.\"a b\".c", true), ("data", false), ("id", false), ("data.a x", false)]
        {
            assert_eq!(path(field).is_some(), good, "{field}");
        }
    }
}

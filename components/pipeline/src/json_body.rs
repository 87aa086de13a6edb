//! JSON bodies, changed as a route says.
//!
//! A pure function over bytes. Numbers are those of I-JSON (RFC 7493): whole numbers of 64 bits are kept exactly, all others
//! as doubles; the order of members is not kept.

use breakwater_kit::types::BodyEdit;
use bytes::Bytes;
use serde_json::Value;

/// Bytes of a body that is changed; a larger one is refused.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Places that the edits of one body may reach: a small body can have many elements.
const MAX_PLACES: usize = 100_000;

/// Why a body was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is no JSON, or nests too deep.
    Malformed,
    /// The edits reach too many places in it.
    TooLarge,
}

/// The body with all edits made, in order.
pub fn apply(edits: &[BodyEdit], body: &[u8]) -> Result<Bytes, Unfit> {
    let mut document: Value = serde_json::from_slice(body).map_err(|_| Unfit::Malformed)?;
    let mut left = MAX_PLACES;
    for edit in edits {
        let (pointer, edit) = Edit::of(edit);
        let path: Vec<String> = pointer.split('/').skip(1).map(unescaped).collect();
        visit(&mut document, &path, &edit, &mut left)?;
    }
    serde_json::to_vec(&document).map(Bytes::from).map_err(|_| Unfit::Malformed)
}

/// Whether a content type is JSON's (RFC 8259, section 11; RFC 6839, section 3.1).
pub fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let essence = essence.to_ascii_lowercase();
    essence == b"application/json" || (essence.ends_with(b"+json") && essence.contains(&b'/'))
}

/// An edit whose values are read.
enum Edit<'a> {
    Add(Value),
    Set(Value),
    Remove,
    Rename(&'a str),
    Map(Vec<(Value, Value)>),
}

impl<'a> Edit<'a> {
    fn of(edit: &'a BodyEdit) -> (&'a str, Self) {
        // The router has checked that they are JSON.
        let value = |text: &str| serde_json::from_str(text).unwrap_or_default();
        match edit {
            BodyEdit::Add((at, text)) => (at, Self::Add(value(text))),
            BodyEdit::Set((at, text)) => (at, Self::Set(value(text))),
            BodyEdit::Remove(at) => (at, Self::Remove),
            BodyEdit::Rename((at, name)) => (at, Self::Rename(name)),
            BodyEdit::Translate((at, pairs)) => {
                (at, Self::Map(pairs.iter().map(|(from, to)| (value(from), value(to))).collect()))
            }
        }
    }
}

/// RFC 6901, section 4.
fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn visit(value: &mut Value, path: &[String], edit: &Edit<'_>, left: &mut usize) -> Result<(), Unfit> {
    *left = left.checked_sub(1).ok_or(Unfit::TooLarge)?;
    let Some((token, below)) = path.split_first() else { return Ok(()) };
    if below.is_empty() {
        return change(value, token, edit, left);
    }
    match value {
        Value::Object(members) if token == "*" => {
            members.values_mut().try_for_each(|one| visit(one, below, edit, left))
        }
        Value::Array(elements) if token == "*" => elements.iter_mut().try_for_each(|one| visit(one, below, edit, left)),
        Value::Object(members) => members.get_mut(token).map_or(Ok(()), |one| visit(one, below, edit, left)),
        Value::Array(elements) => {
            index(token).and_then(|at| elements.get_mut(at)).map_or(Ok(()), |one| visit(one, below, edit, left))
        }
        _ => Ok(()),
    }
}

/// Changes what the last part of a pointer names in its parent.
fn change(parent: &mut Value, token: &str, edit: &Edit<'_>, left: &mut usize) -> Result<(), Unfit> {
    match parent {
        Value::Object(members) if token == "*" => {
            *left = left.checked_sub(members.len()).ok_or(Unfit::TooLarge)?;
            for name in members.keys().cloned().collect::<Vec<_>>() {
                change_member(members, &name, edit);
            }
        }
        Value::Array(elements) if token == "*" => {
            *left = left.checked_sub(elements.len()).ok_or(Unfit::TooLarge)?;
            match edit {
                Edit::Remove => elements.clear(),
                Edit::Set(_) | Edit::Map(_) => (0..elements.len()).for_each(|at| change_element(elements, at, edit)),
                Edit::Add(_) | Edit::Rename(_) => {}
            }
        }
        Value::Object(members) => change_member(members, token, edit),
        Value::Array(elements) => {
            // RFC 6901, section 4: `-` is the element after the last.
            let at = if token == "-" { Some(elements.len()) } else { index(token) };
            if let Some(at) = at {
                change_element(elements, at, edit);
            }
        }
        _ => {}
    }
    Ok(())
}

fn change_member(members: &mut serde_json::Map<String, Value>, name: &str, edit: &Edit<'_>) {
    match edit {
        Edit::Add(value) => {
            members.entry(name).or_insert_with(|| value.clone());
        }
        Edit::Set(value) => {
            members.insert(name.to_owned(), value.clone());
        }
        Edit::Remove => {
            members.remove(name);
        }
        Edit::Rename(other) => {
            if let Some(value) = members.remove(name) {
                members.insert((*other).to_owned(), value);
            }
        }
        Edit::Map(pairs) => {
            if let Some(value) = members.get_mut(name) {
                map(value, pairs);
            }
        }
    }
}

fn change_element(elements: &mut Vec<Value>, at: usize, edit: &Edit<'_>) {
    match edit {
        Edit::Add(value) if at == elements.len() => elements.push(value.clone()),
        Edit::Set(value) => {
            if let Some(element) = elements.get_mut(at) {
                *element = value.clone();
            }
        }
        Edit::Remove if at < elements.len() => {
            elements.remove(at);
        }
        Edit::Map(pairs) => {
            if let Some(element) = elements.get_mut(at) {
                map(element, pairs);
            }
        }
        Edit::Add(_) | Edit::Remove | Edit::Rename(_) => {}
    }
}

fn map(value: &mut Value, pairs: &[(Value, Value)]) {
    if let Some((_, to)) = pairs.iter().find(|(from, _)| from == value) {
        *value = to.clone();
    }
}

/// RFC 6901, section 4: no leading zeros.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    if plain { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn changed(edits: &[BodyEdit], body: &Value) -> Value {
        serde_json::from_slice(&apply(edits, body.to_string().as_bytes()).unwrap()).unwrap()
    }

    fn add(at: &str, value: Value) -> BodyEdit {
        BodyEdit::Add((at.into(), value.to_string()))
    }

    fn set(at: &str, value: Value) -> BodyEdit {
        BodyEdit::Set((at.into(), value.to_string()))
    }

    fn rename(at: &str, name: &str) -> BodyEdit {
        BodyEdit::Rename((at.into(), name.into()))
    }

    fn map_of(at: &str, pairs: &[(Value, Value)]) -> BodyEdit {
        BodyEdit::Translate((at.into(), pairs.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect()))
    }

    #[test]
    fn each_edit_changes_what_it_names() {
        let cases = [
            (add("/a", json!(1)), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (add("/a", json!(1)), json!({"a": 0}), json!({"a": 0})),
            (add("/x/a", json!(1)), json!({}), json!({})),
            (add("/x/-", json!(1)), json!({"x": [0]}), json!({"x": [0, 1]})),
            (set("/a", json!({"b": []})), json!({"a": 0}), json!({"a": {"b": []}})),
            (set("/0", json!(9)), json!([1, 2]), json!([9, 2])),
            (set("/*", json!(9)), json!([1, 2]), json!([9, 9])),
            (BodyEdit::Remove("/a/b".into()), json!({"a": {"b": 1, "c": 2}}), json!({"a": {"c": 2}})),
            (BodyEdit::Remove("/1".into()), json!([1, 2, 3]), json!([1, 3])),
            (BodyEdit::Remove("/*".into()), json!({"a": 1}), json!({})),
            (
                rename("/items/*/title", "name"),
                json!({"items": [{"title": 1}, {}, 7]}),
                json!({"items": [{"name": 1}, {}, 7]}),
            ),
            (rename("/a~1b", "c"), json!({"a/b": 1, "c": 2}), json!({"c": 1})),
            (map_of("/s", &[(json!("open"), json!(1)), (json!(1), json!("x"))]), json!({"s": "open"}), json!({"s": 1})),
            (
                map_of("/*/s", &[(json!(null), json!("none"))]),
                json!([{"s": null}, {"s": 2}]),
                json!([{"s": "none"}, {"s": 2}]),
            ),
            (set("/a", json!(1)), json!("no object"), json!("no object")),
            (BodyEdit::Remove("/01".into()), json!([1, 2]), json!([1, 2])),
        ];
        for (edit, before, after) in cases {
            assert_eq!(changed(std::slice::from_ref(&edit), &before), after, "{edit:?}");
        }
    }

    #[test]
    fn edits_are_made_in_order_and_numbers_stay() {
        let edits = [rename("/old", "new"), add("/old", json!(0))];
        assert_eq!(changed(&edits, &json!({"old": 1})), json!({"new": 1, "old": 0}));
        let kept = apply(&[], br#"{"big":9007199254740993,"most":18446744073709551615,"double":0.1}"#).unwrap();
        assert_eq!(kept, r#"{"big":9007199254740993,"double":0.1,"most":18446744073709551615}"#);
    }

    #[test]
    fn what_is_no_json_or_too_much_is_unfit() {
        for body in [&b""[..], b"{", b"{} {}", b"\xff", "[".repeat(200).as_bytes()] {
            assert_eq!(apply(&[], body), Err(Unfit::Malformed));
        }
        let many = json!(vec![json!({}); MAX_PLACES]);
        assert_eq!(apply(&[add("/*/a", json!("long"))], many.to_string().as_bytes()), Err(Unfit::TooLarge));
        assert_eq!(apply(&[set("/*", json!("long"))], many.to_string().as_bytes()), Err(Unfit::TooLarge));
    }

    #[test]
    fn content_types_of_json() {
        for (text, json) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/json+x", false),
            ("+json", false),
            ("application/jsonx", false),
            ("", false),
        ] {
            assert_eq!(is_json(text.as_bytes()), json, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(body in "[\\[\\]{}:,\"ab01 ]{0,40}", at in "(/[ab01*~-]{0,2}){1,4}") {
            let edits = [
                add(&at, json!([1])), rename(&at, "x"), map_of(&at, &[(json!(1), json!({}))]), set(&at, json!({"a": 1})),
                BodyEdit::Remove(at.clone()),
            ];
            if let Ok(changed) = apply(&edits, body.as_bytes()) {
                prop_assert!(serde_json::from_slice::<Value>(&changed).is_ok());
            }
        }
    }
}

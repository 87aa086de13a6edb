//! The rules of a collection as they are for one caller.

use serde_json::Value;

use super::{FieldAccess, FieldRule};
use crate::access::Access;
use crate::documents::bounds::push_token;
use crate::documents::filter::Filter;
use crate::documents::query::field::{DataPath, Field, parse};
use crate::documents::query::scan::Scanner;
use crate::documents::query::sort::{By, Sort};
use crate::problem::{FieldError, Result};

const HIDDEN: &str = "is hidden from you";
const READ_ONLY: &str = "is read-only for you";

/// What one caller may not do with which fields.
#[derive(Debug, Default)]
pub(in crate::documents) struct Applied {
    hidden: Vec<DataPath>,
    read_only: Vec<DataPath>,
}

impl Applied {
    /// For a member.
    pub(in crate::documents) fn to(rules: &[FieldRule], access: &Access) -> Self {
        Self::of(rules, |rule| rule.is_for(access.roles()))
    }

    /// For whoever has a link: what anything hides from anybody is hidden.
    pub(in crate::documents) fn to_links(rules: &[FieldRule]) -> Self {
        Self::of(rules, |_| true)
    }

    fn of(rules: &[FieldRule], holds: impl Fn(&FieldRule) -> bool) -> Self {
        let mut applied = Self::default();
        for rule in rules.iter().filter(|rule| holds(rule)) {
            let Some(path) = path(&rule.field) else { continue };
            match rule.access {
                FieldAccess::Hidden => applied.hidden.push(path),
                FieldAccess::ReadOnly => applied.read_only.push(path),
            }
        }
        applied
    }

    /// Takes out of `data` what the caller may not see.
    pub(in crate::documents) fn hide(&self, data: &mut Value) {
        self.hidden.iter().for_each(|path| remove(data, path.segments()));
    }

    /// 403 if a list's filter or order asks about what is hidden.
    pub(in crate::documents) fn allow_query(
        &self,
        access: &Access,
        filter: Option<&Filter>,
        sort: &Sort,
    ) -> Result<()> {
        let sorted = sort.terms().iter().filter_map(|term| match &term.by {
            By::Data(path, _) => Some(path),
            _ => None,
        });
        let filtered = filter.map(Filter::paths).unwrap_or_default();
        match filtered.into_iter().chain(sorted).find(|path| self.hides(path)) {
            Some(path) => Err(access.denied_field(&name(path), HIDDEN)),
            None => Ok(()),
        }
    }

    /// Whether a path leads to a hidden field or into one.
    fn hides(&self, path: &DataPath) -> bool {
        self.hidden.iter().any(|hidden| path.segments().starts_with(hidden.segments()))
    }

    /// 403 if what a client sent says anything about a hidden field, or would replace what may hold one.
    pub(in crate::documents) fn allow_body(&self, access: &Access, sent: &Value) -> Result<()> {
        match self.hidden.iter().find(|path| touches(sent, path.segments())) {
            Some(path) => Err(access.denied_field(&name(path), HIDDEN)),
            None => Ok(()),
        }
    }

    /// For a replacement: puts back what the caller may not change and left out; 403 if they changed it.
    pub(in crate::documents) fn keep(&self, access: &Access, before: &Value, after: &mut Value) -> Result<()> {
        let changed =
            |path: &&DataPath| touches(after, path.segments()) && !same(Some(before), Some(after), path.segments());
        if let Some(path) = self.read_only.iter().find(changed) {
            return Err(access.denied_field(&name(path), READ_ONLY));
        }
        for path in self.hidden.iter().chain(&self.read_only) {
            restore(before, after, path.segments());
        }
        Ok(())
    }

    /// For a patch: 403 if it changes what the caller may not change.
    pub(in crate::documents) fn allow_patch(&self, access: &Access, before: &Value, after: &Value) -> Result<()> {
        match self.read_only.iter().find(|path| !same(Some(before), Some(after), path.segments())) {
            Some(path) => Err(access.denied_field(&name(path), READ_ONLY)),
            None => Ok(()),
        }
    }

    /// 403 if a new document has what the caller may not write.
    pub(in crate::documents) fn allow_new(&self, access: &Access, data: &Value) -> Result<()> {
        for (paths, why) in [(&self.hidden, HIDDEN), (&self.read_only, READ_ONLY)] {
            if let Some(path) = paths.iter().find(|path| holds(data, path.segments())) {
                return Err(access.denied_field(&name(path), why));
            }
        }
        Ok(())
    }

    /// The same problem without what it tells of hidden fields.
    pub(in crate::documents) fn discreet(&self, mut errors: Vec<FieldError>) -> Vec<FieldError> {
        if self.hidden.is_empty() || errors.is_empty() {
            return errors;
        }
        let secret: Vec<_> = self.hidden.iter().map(pointer).collect();
        errors.retain(|error| !secret.iter().any(|path| lies_in(&error.pointer, path)));
        if errors.is_empty() {
            errors.push(FieldError::new("/data", "schema", "does not fit the collection's schema"));
        }
        errors
    }
}

/// The path that a rule names; `None` if it names none below `data`.
pub(super) fn path(field: &str) -> Option<DataPath> {
    let mut scanner = Scanner::new("field", field);
    match parse(&mut scanner) {
        Ok(Field::Data(path)) if scanner.is_at_end() && !path.segments().is_empty() => Some(path),
        _ => None,
    }
}

fn name(path: &DataPath) -> String {
    format!("data.{}", path.segments().join("."))
}

fn pointer(path: &DataPath) -> String {
    let mut pointer = "/data".to_owned();
    path.segments().iter().for_each(|name| push_token(&mut pointer, name));
    pointer
}

fn lies_in(pointer: &str, path: &str) -> bool {
    pointer.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Removes the field, in each element of arrays on the way.
fn remove(data: &mut Value, path: &[String]) {
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
fn holds(data: &Value, path: &[String]) -> bool {
    match (data, path) {
        (_, []) => true,
        (Value::Object(object), [first, rest @ ..]) => object.get(first).is_some_and(|inner| holds(inner, rest)),
        (Value::Array(items), path) => items.iter().any(|item| holds(item, path)),
        _ => false,
    }
}

/// Whether `sent` has the field, or puts something that is no object where an object on the way to it may be.
fn touches(sent: &Value, path: &[String]) -> bool {
    match (sent, path) {
        (_, []) => true,
        (Value::Object(object), [first, rest @ ..]) => object.get(first).is_some_and(|inner| touches(inner, rest)),
        _ => true,
    }
}

/// Whether the field is the same in both. An array on the way counts as a whole: its elements have no names by which to
/// find them again.
fn same(before: Option<&Value>, after: Option<&Value>, path: &[String]) -> bool {
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
fn restore(before: &Value, after: &mut Value, path: &[String]) {
    let ([first, rest @ ..], Value::Object(after)) = (path, after) else { return };
    let Some(old) = before.as_object().and_then(|before| before.get(first)) else { return };
    if rest.is_empty() || old.is_array() {
        after.insert(first.clone(), old.clone());
    } else if old.is_object() {
        let inner = after.entry(first.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
        restore(old, inner, rest);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn hiding(fields: &[&str]) -> Applied {
        Applied { hidden: fields.iter().map(|field| path(field).unwrap()).collect(), read_only: Vec::new() }
    }

    #[test]
    fn hidden_fields_are_taken_out_in_arrays_too() {
        let mut data = json!({ "a": 1, "b": { "c": 2, "d": 3 }, "e": [{ "f": 4, "g": 5 }, 6] });
        hiding(&["data.a", "data.b.c", "data.e.f", "data.nothing.x"]).hide(&mut data);
        assert_eq!(data, json!({ "b": { "d": 3 }, "e": [{ "g": 5 }, 6] }));
    }

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
    fn errors_do_not_tell_of_what_is_hidden() {
        let error = |pointer: &str| FieldError::new(pointer, "type", "x");
        let applied = hiding(&["data.s"]);
        assert_eq!(applied.discreet(vec![error("/data/s/x"), error("/data/so")]), [error("/data/so")]);
        assert_eq!(applied.discreet(vec![error("/data/s")])[0].pointer, "/data");
        assert!(applied.discreet(Vec::new()).is_empty());
    }

    #[test]
    fn rules_name_fields_below_data() {
        for (field, good) in
            [("data.a", true), ("data.\"a b\".c", true), ("data", false), ("id", false), ("data.a x", false)]
        {
            assert_eq!(path(field).is_some(), good, "{field}");
        }
    }
}

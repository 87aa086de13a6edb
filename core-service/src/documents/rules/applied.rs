//! The rules of a collection as they are for one caller.

use serde_json::Value;

use super::{FieldAccess, FieldRule};
use crate::access::Access;
use crate::documents::places::{holds, meets, name, path, pointer, remove, restore, same, touches};
use crate::documents::query::field::DataPath;
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

    /// 403 if a question looks at what is hidden.
    pub(in crate::documents) fn allow_query<'p>(
        &self,
        access: &Access,
        paths: impl IntoIterator<Item = &'p DataPath>,
    ) -> Result<()> {
        match paths.into_iter().find(|path| self.hides(path)) {
            Some(path) => Err(access.denied_field(&name(path), HIDDEN)),
            None => Ok(()),
        }
    }

    /// Whether a path leads to a hidden field or into one.
    pub(in crate::documents) fn hides(&self, path: &DataPath) -> bool {
        self.hidden.iter().any(|hidden| path.segments().starts_with(hidden.segments()))
    }

    /// Whether something at a path, or in what lies there, is hidden.
    pub(in crate::documents) fn keeps_of(&self, path: &DataPath) -> bool {
        self.hides(path) || self.hidden.iter().any(|hidden| hidden.segments().starts_with(path.segments()))
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

    /// For a JSON Patch: 403 if it reads or writes a hidden field, or anything that may hold one.
    pub(in crate::documents) fn allow_places(
        &self,
        access: &Access,
        places: impl Iterator<Item = Vec<String>>,
    ) -> Result<()> {
        for place in places {
            if let Some(path) = self.hidden.iter().find(|path| meets(&place, path.segments())) {
                return Err(access.denied_field(&name(path), HIDDEN));
            }
        }
        Ok(())
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

fn lies_in(pointer: &str, path: &str) -> bool {
    pointer.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
    fn errors_do_not_tell_of_what_is_hidden() {
        let error = |pointer: &str| FieldError::new(pointer, "type", "x");
        let applied = hiding(&["data.s"]);
        assert_eq!(applied.discreet(vec![error("/data/s/x"), error("/data/so")]), [error("/data/so")]);
        assert_eq!(applied.discreet(vec![error("/data/s")])[0].pointer, "/data");
        assert!(applied.discreet(Vec::new()).is_empty());
    }
}

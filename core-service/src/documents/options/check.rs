//! Whether options make sense, told field by field before they are set.

use std::collections::BTreeSet;

use super::annotations::Annotations;
use super::computed::Expression;
use super::{Lifecycle, Options};
use crate::documents::filter::Filter;
use crate::documents::places::path;
use crate::documents::query::field::DataPath;
use crate::documents::schema::{self, Schema};
use crate::problem::FieldError;

/// Everything that is wrong with a schema's annotations and with options.
pub(in crate::documents) fn check(schema: &Schema, options: &Options) -> Vec<FieldError> {
    let mut errors = defaults(schema);
    unique(options, &mut errors);
    let mut seen = BTreeSet::new();
    for (index, reference) in options.references.iter().enumerate() {
        let at = format!("/options/references/{index}/field");
        if field(&reference.field, &at, &mut errors).is_some() && !seen.insert(&reference.field) {
            errors.push(FieldError::new(at, "unique", "is named twice"));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, file) in options.files.iter().enumerate() {
        let at = format!("/options/files/{index}/field");
        let twice =
            !seen.insert(&file.field) || options.references.iter().any(|reference| reference.field == file.field);
        if field(&file.field, &at, &mut errors).is_some() && twice {
            errors.push(FieldError::new(at, "unique", "is named twice"));
        }
    }
    computed(options, &mut errors);
    if let Some(lifecycle) = &options.lifecycle {
        check_lifecycle(lifecycle, &mut errors);
    }
    for (index, searched) in options.search.iter().flat_map(|search| &search.fields).enumerate() {
        field(&searched.field, &format!("/options/search/fields/{index}/field"), &mut errors);
    }
    if let Some(filter) = options.public.as_ref().and_then(|public| public.filter.as_ref())
        && let Err(error) = Filter::parse(filter, &schema.declared(), &[])
    {
        errors.push(FieldError::new("/options/public/filter", "format", error.to_string()));
    }
    errors
}

fn field(name: &str, at: &str, errors: &mut Vec<FieldError>) -> Option<DataPath> {
    let path = path(name);
    if path.is_none() {
        errors.push(FieldError::new(at, "format", "is no field below `data`"));
    }
    path
}

/// A default that its own schema refuses would refuse every document that leaves the field out.
fn defaults(schema: &Schema) -> Vec<FieldError> {
    let annotations = Annotations::of(schema.source());
    let mut errors = Vec::new();
    for (path, default) in annotations.defaults() {
        let inner =
            path.segments().iter().try_fold(schema.source(), |schema, name| schema.get("properties")?.get(name));
        // One that refers to places elsewhere in the schema cannot stand alone: its default is tried with the first document.
        let alone = inner.and_then(|inner| schema::validator(inner).ok());
        if alone.is_some_and(|validator| !validator.is_valid(default)) {
            let mut pointer = "/schema".to_owned();
            for name in path.segments() {
                pointer.push_str("/properties");
                crate::documents::bounds::push_token(&mut pointer, name);
            }
            errors.push(FieldError::new(pointer + "/default", "default", "does not fit the field's own schema"));
        }
    }
    errors
}

fn unique(options: &Options, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, unique) in options.unique.iter().enumerate() {
        let at = format!("/options/unique/{index}/fields");
        for (inner, name) in unique.fields.iter().enumerate() {
            field(name, &format!("{at}/{inner}"), errors);
        }
        if !seen.insert(&unique.fields) || unique.fields.iter().collect::<BTreeSet<_>>().len() < unique.fields.len() {
            errors.push(FieldError::new(at, "unique", "names the same twice"));
        }
    }
}

fn computed(options: &Options, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, computed) in options.computed.iter().enumerate() {
        let at = format!("/options/computed/{index}");
        let path = field(&computed.field, &format!("{at}/field"), errors);
        match Expression::parse(&computed.value) {
            Err(error) => errors.push(FieldError::new(format!("{at}/value"), "format", error.to_string())),
            Ok(expression) if expression.fields().into_iter().any(|used| path.as_ref() == Some(used)) => {
                errors.push(FieldError::new(format!("{at}/value"), "cycle", "looks at the field itself"));
            }
            Ok(_) => {}
        }
        let state = options.lifecycle.as_ref().map(|lifecycle| &lifecycle.field);
        if !seen.insert(&computed.field) || state == Some(&computed.field) {
            errors.push(FieldError::new(format!("{at}/field"), "unique", "is worked out in two ways"));
        }
    }
}

fn check_lifecycle(lifecycle: &Lifecycle, errors: &mut Vec<FieldError>) {
    field(&lifecycle.field, "/options/lifecycle/field", errors);
    if !lifecycle.transitions.iter().any(|way| way.from.contains(&lifecycle.initial)) {
        errors.push(FieldError::new("/options/lifecycle/initial", "dead-end", "no transition begins there"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn wrong(schema: Value, options: Value) -> Vec<String> {
        let schema = Schema::compile(schema).unwrap();
        let options: Options = serde_json::from_value(options).unwrap();
        check(&schema, &options).into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let good = json!({
            "unique": [{ "fields": ["data.a"] }, { "fields": ["data.a", "data.b"] }],
            "references": [{ "field": "data.by", "collection": "x" }],
            "computed": [{ "field": "data.c", "value": "data.a & data.b" }],
            "lifecycle": { "field": "data.state", "initial": "draft", "transitions": [{ "from": ["draft"], "to": "x" }] },
        });
        assert!(wrong(json!({}), good).is_empty());
        let bad = json!({
            "unique": [{ "fields": ["a"] }, { "fields": ["data.a", "data.a"] }],
            "references": [{ "field": "data.by", "collection": "x" }, { "field": "data.by", "collection": "y" }],
            "computed": [{ "field": "data.c", "value": "1 +" }, { "field": "data.d", "value": "data.d + 1" },
                         { "field": "data.state", "value": "1" }],
            "lifecycle": { "field": "data.state", "initial": "draft", "transitions": [{ "from": ["y"], "to": "x" }] },
        });
        assert_eq!(
            wrong(json!({ "properties": { "n": { "type": "integer", "default": "one" } } }), bad),
            [
                "/schema/properties/n/default",
                "/options/unique/0/fields/0",
                "/options/unique/1/fields",
                "/options/references/1/field",
                "/options/computed/0/value",
                "/options/computed/1/value",
                "/options/computed/2/field",
                "/options/lifecycle/initial",
            ]
        );
    }
}

//! A collection's schema: JSON Schema 2020-12, and what it takes to trust one from a stranger.
//!
//! A schema is input like any other, but it is also a program that runs on every write. So:
//! - it fits the meta-schema, and every `$ref` stays inside it: nothing is fetched;
//! - its size, its depth, its patterns and the work that it can ask for are bounded ([`cost`]);
//! - patterns run on an engine of linear time, which knows no look-around and no back-references;
//! - `format` is asserted, not only noted.

pub mod cost;
pub mod declared;
mod positions;

use super::bounds::{self, MOST_ERRORS};
use crate::http::validation_errors;
use crate::problem::FieldError;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};
use uuid::Uuid;

/// How long a schema may be, as JSON without spaces.
pub const MAX_BYTES: usize = 64 * 1024;
/// The only dialect there is.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The product of a document's values and its schema's cost: a fraction of a second.
const MAX_WORK: u64 = 5_000_000;
/// Up to this product every error is told, beyond it the first: each may drag along those of all alternatives.
const MAX_WORK_FOR_ALL_ERRORS: u64 = 100_000;
/// How much of compiled schemas is remembered, by weight in bytes.
const REMEMBERED: usize = 32 * 1024 * 1024;
/// What a pattern weighs, compiled: usually less; at worst, which nobody writes by chance, some 32 times this.
const PATTERN_WEIGHT: usize = 16 * 1024;

/// A schema that was checked and compiled.
#[derive(Debug)]
pub struct Schema {
    source: Value,
    validator: Validator,
    /// How many checks one value may ask for.
    cost: u64,
    /// About how many bytes it takes, compiled.
    weight: usize,
}

impl Schema {
    /// Checks and compiles a schema. Errors have pointers into the schema.
    pub fn compile(source: Value) -> Result<Self, Vec<FieldError>> {
        let errors = bounds::check(&source, "", bounds::SCHEMA_DEPTH);
        if !errors.is_empty() {
            return Err(errors);
        }
        let length = source.to_string().len();
        if length > MAX_BYTES {
            let message = format!("is longer than {MAX_BYTES} bytes");
            return Err(vec![FieldError::new("", "maxLength", message)]);
        }
        check_head(&source)?;
        let meta = jsonschema::draft202012::meta::validator();
        let errors = tidy(validation_errors(meta.iter_errors(&source)));
        if !errors.is_empty() {
            return Err(errors);
        }
        let (positions, patterns) = positions::of(&source)?;
        let cost = cost::of(&positions)?;
        let weight = 1024 + length + patterns * PATTERN_WEIGHT;
        let validator = validator(&source)?;
        Ok(Self { source, validator, cost, weight })
    }

    /// The schema as it was written.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// What it promises of the values at a path.
    pub fn declared(&self) -> declared::Declared<'_> {
        declared::Declared::by(&self.source)
    }

    /// Everything that keeps `data` from being a document of this collection, told with `pointer`
    /// before its place.
    pub fn check(&self, data: &Value, pointer: &str) -> Vec<FieldError> {
        if !data.is_object() {
            return vec![FieldError::new(pointer, "type", "must be an object")];
        }
        let errors = bounds::check(data, pointer, bounds::DATA_DEPTH);
        if !errors.is_empty() {
            return errors;
        }
        if bounds::weight(data) > bounds::DATA_WEIGHT {
            return vec![FieldError::new(pointer, "maxLength", "is too large")];
        }
        let work = count(data).saturating_mul(self.cost);
        if work > MAX_WORK {
            let message = "holds more values than this schema can be checked against";
            return vec![FieldError::new(pointer, "maxWork", message)];
        }
        let mut errors = match self.validator.validate(data) {
            Ok(()) => return Vec::new(),
            Err(_) if work <= MAX_WORK_FOR_ALL_ERRORS => tidy(validation_errors(self.validator.iter_errors(data))),
            Err(first) => tidy(validation_errors(std::iter::once(first))),
        };
        for error in &mut errors {
            error.pointer.insert_str(0, pointer);
        }
        errors
    }
}

/// A schema, or a part of one that was checked, compiled.
pub(super) fn validator(source: &Value) -> Result<Validator, Vec<FieldError>> {
    // The sizes keep one pattern from taking megabytes.
    let patterns = PatternOptions::regex().size_limit(256 * 1024).dfa_size_limit(256 * 1024);
    let options = jsonschema::draft202012::options().should_validate_formats(true).with_pattern_options(patterns);
    options.build(source).map_err(|error| {
        let pointer = error.instance_path().to_string();
        vec![FieldError::new(pointer, error.kind().keyword(), error.to_string())]
    })
}

/// What the top of a schema must say before its dialect can be trusted to mean something.
fn check_head(source: &Value) -> Result<(), Vec<FieldError>> {
    let Some(schema) = source.as_object() else {
        return Err(vec![FieldError::new("", "type", "must be an object")]);
    };
    let mut errors = Vec::new();
    if let Some(dialect) = schema.get("$schema")
        && dialect.as_str().map(|d| d.trim_end_matches('#')) != Some(DIALECT)
    {
        let message = format!("must be {DIALECT}, or left out");
        errors.push(FieldError::new("/$schema", "const", message));
    }
    let allows_objects = match schema.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.contains(&"object".into()),
        _ => true,
    };
    if !allows_objects {
        let message = "must allow objects: a document's data is one";
        errors.push(FieldError::new("/type", "const", message));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// In order, each once, and not too many.
fn tidy(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.sort_by(|a, b| (&a.pointer, &a.code, &a.message).cmp(&(&b.pointer, &b.code, &b.message)));
    errors.dedup();
    errors.truncate(MOST_ERRORS);
    errors
}

/// How many values `data` holds, itself included.
fn count(data: &Value) -> u64 {
    1 + match data {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Compiled schemas by collection and version.
#[derive(Default)]
struct Compiled {
    schemas: HashMap<(Uuid, i64), Arc<Schema>>,
    weight: usize,
}

static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Default::default);

/// The compiled schema of a collection in a version, if it is remembered.
pub fn remembered(collection: Uuid, version: i64) -> Option<Arc<Schema>> {
    let compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    compiled.schemas.get(&(collection, version)).cloned()
}

/// Remembers a compiled schema, and forgets others when together they weigh too much.
pub fn remember(collection: Uuid, version: i64, schema: Arc<Schema>) {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    while compiled.weight + schema.weight > REMEMBERED {
        // The map's order is random: nobody can choose whose schema goes.
        let Some(any) = compiled.schemas.keys().next().copied() else { break };
        compiled.forget(any);
    }
    compiled.forget((collection, version));
    compiled.weight += schema.weight;
    compiled.schemas.insert((collection, version), schema);
}

impl Compiled {
    fn forget(&mut self, key: (Uuid, i64)) {
        if let Some(schema) = self.schemas.remove(&key) {
            self.weight -= schema.weight;
        }
    }
}

#[cfg(test)]
mod tests;

//! One compiled JSON Schema per body type, so that a bad body is told everything that is wrong with it at once.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use jsonschema::Validator;
use jsonschema::error::{ValidationError, ValidationErrorKind};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::problem::{FieldError, Problem, Result};

/// More errors than this help nobody.
const MOST_ERRORS: usize = 100;

static COMPILED: LazyLock<RwLock<HashMap<TypeId, Arc<Validator>>>> = LazyLock::new(Default::default);

/// The validator for `T`'s schema, compiled at its first use.
pub(super) fn validator<T: ToSchema + 'static>() -> Result<Arc<Validator>> {
    let id = TypeId::of::<T>();
    let known = COMPILED.read().ok().and_then(|map| map.get(&id).cloned());
    if let Some(validator) = known {
        return Ok(validator);
    }
    let validator = Arc::new(compile::<T>()?);
    if let Ok(mut map) = COMPILED.write() {
        map.insert(id, validator.clone());
    }
    Ok(validator)
}

fn compile<T: ToSchema>() -> Result<Validator> {
    let mut referenced = Vec::new();
    T::schemas(&mut referenced);
    let mut schemas = Map::new();
    for (name, schema) in referenced {
        schemas.insert(name, serde_json::to_value(schema).map_err(Problem::internal)?);
    }
    let mut root = serde_json::to_value(T::schema()).map_err(Problem::internal)?;
    if let Some(root) = root.as_object_mut() {
        // utoipa refers to other schemas as `#/components/schemas/…`.
        root.insert("components".into(), serde_json::json!({ "schemas": schemas }));
    }
    jsonschema::draft202012::options().should_validate_formats(true).build(&root).map_err(Problem::internal)
}

/// Everything that is wrong with `value`.
pub(super) fn check(validator: &Validator, value: &Value) -> Result<()> {
    check_at(validator, value, "")
}

/// The same of a part of a body, which stands at `pointer`.
pub(super) fn check_at(validator: &Validator, value: &Value, pointer: &str) -> Result<()> {
    if validator.is_valid(value) {
        return Ok(());
    }
    let mut errors = validation_errors(validator.iter_errors(value));
    errors.truncate(MOST_ERRORS);
    errors.iter_mut().for_each(|error| error.pointer.insert_str(0, pointer));
    Err(Problem::validation(errors))
}

/// JSON Schema's errors as field errors: a missing or unknown member is named by its own pointer. Messages never
/// quote the value, which may be a password.
pub fn validation_errors<'a>(errors: impl Iterator<Item = ValidationError<'a>>) -> Vec<FieldError> {
    let mut found = Vec::new();
    for error in errors {
        let at = error.instance_path().to_string();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                for name in unexpected {
                    let pointer = format!("{at}/{}", escaped(name));
                    found.push(FieldError::new(pointer, "unknown", "is not known here"));
                }
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let pointer = format!("{at}/{}", escaped(name));
                found.push(FieldError::new(pointer, "required", "is required"));
            }
            kind => {
                let message = error.masked_with("the value").to_string();
                found.push(FieldError::new(at, kind.keyword(), message));
            }
        }
    }
    found
}

/// Refuses U+0000 in any string or name, naming the place.
pub(crate) fn refuse_nul(value: &Value) -> Result<()> {
    let mut errors = Vec::new();
    find_nul(value, String::new(), &mut errors);
    errors.truncate(MOST_ERRORS);
    if errors.is_empty() { Ok(()) } else { Err(Problem::validation(errors)) }
}

fn find_nul(value: &Value, at: String, errors: &mut Vec<FieldError>) {
    match value {
        Value::String(text) if text.contains('\0') => {
            errors.push(FieldError::new(at, "characters", "must not hold U+0000"));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_nul(item, format!("{at}/{index}"), errors);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains('\0') {
                    errors.push(FieldError::new(&at, "characters", "must not have a member whose name holds U+0000"));
                }
                find_nul(member, format!("{at}/{}", escaped(name)), errors);
            }
        }
        _ => {}
    }
}

/// RFC 6901 section 3.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

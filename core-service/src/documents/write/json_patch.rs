//! JSON Patch (RFC 6902) of a document as it is represented, `{"data": …}`: all of it or nothing.

use json_patch::jsonptr::PointerBuf;
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchErrorKind, PatchOperation, RemoveOperation, ReplaceOperation,
    TestOperation,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::documents::bounds;
use crate::problem::{FieldError, Problem, Result, kinds};

/// How many operations one patch may have.
pub const MAX_OPERATIONS: usize = 1000;

/// JSON Patch (RFC 6902): operations in order, of which all take effect or none.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(max_items = 1000, example = json!([{ "op": "test", "path": "/data/status", "value": "open" },
                                            { "op": "add", "path": "/data/tags/-", "value": "urgent" }]))]
pub struct JsonPatchBody(Vec<JsonPatchOperation>);

/// One operation of a JSON Patch. Members that it does not know are ignored (RFC 6902 section 4).
#[derive(Debug, Deserialize, ToSchema)]
pub struct JsonPatchOperation {
    /// What to do.
    op: Verb,
    /// Where, as a JSON Pointer (RFC 6901): `/data/…`.
    #[schema(example = "/data/tags/-")]
    path: String,
    /// Whence, of `move` and `copy`.
    #[schema(required = false, nullable = false)]
    from: Option<String>,
    /// The value of `add`, `replace` and `test`.
    #[serde(default, deserialize_with = "present")]
    #[schema(required = false)]
    value: Option<Value>,
}

/// What an operation does (RFC 6902 section 4).
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Adds a member or an element, or replaces a member.
    Add,
    /// Removes what is there.
    Remove,
    /// Replaces what is there.
    Replace,
    /// Moves what is at `from`.
    Move,
    /// Copies what is at `from`.
    Copy,
    /// Fails unless `value` is there.
    Test,
}

/// A `null` that is there is a value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A well-formed patch of a document.
#[derive(Debug, Clone)]
pub struct JsonPatch(Vec<PatchOperation>);

impl JsonPatchBody {
    /// The patch, or everything that is wrong with it, told with `pointer` before its place.
    pub fn checked(self, pointer: &str) -> Result<JsonPatch> {
        if self.0.len() > MAX_OPERATIONS {
            let message = format!("has more than {MAX_OPERATIONS} operations");
            return Err(Problem::invalid_field(pointer, "maxItems", message));
        }
        let (mut operations, mut errors) = (Vec::new(), Vec::new());
        for (index, operation) in self.0.into_iter().enumerate() {
            match operation.checked(&format!("{pointer}/{index}")) {
                Ok(operation) => operations.push(operation),
                Err(error) => errors.push(error),
            }
        }
        errors.truncate(bounds::MOST_ERRORS);
        if errors.is_empty() { Ok(JsonPatch(operations)) } else { Err(Problem::validation(errors)) }
    }
}

impl JsonPatchOperation {
    fn checked(self, at: &str) -> std::result::Result<PatchOperation, FieldError> {
        let value = |value: Option<Value>| {
            value.ok_or_else(|| FieldError::new(format!("{at}/value"), "required", "is required"))
        };
        let from = |from: Option<String>| {
            let from = from.ok_or_else(|| FieldError::new(format!("{at}/from"), "required", "is required"))?;
            pointer(&from, &format!("{at}/from"))
        };
        let path = pointer(&self.path, &format!("{at}/path"))?;
        Ok(match self.op {
            Verb::Add => PatchOperation::Add(AddOperation { path, value: value(self.value)? }),
            Verb::Remove => PatchOperation::Remove(RemoveOperation { path }),
            Verb::Replace => PatchOperation::Replace(ReplaceOperation { path, value: value(self.value)? }),
            Verb::Move => PatchOperation::Move(MoveOperation { from: from(self.from)?, path }),
            Verb::Copy => PatchOperation::Copy(CopyOperation { from: from(self.from)?, path }),
            Verb::Test => PatchOperation::Test(TestOperation { path, value: value(self.value)? }),
        })
    }
}

/// A pointer to a document's data or into it: nothing else of a document can be patched.
fn pointer(text: &str, at: &str) -> std::result::Result<PointerBuf, FieldError> {
    match PointerBuf::parse(text) {
        Ok(pointer) if text == "/data" || text.starts_with("/data/") => Ok(pointer),
        Ok(_) => Err(FieldError::new(at, "pattern", "must be /data or begin with /data/")),
        Err(_) => Err(FieldError::new(at, "format", "must be a JSON Pointer (RFC 6901)")),
    }
}

impl JsonPatch {
    /// Every place that it reads or writes, as the names on the way from `data`.
    pub fn places(&self) -> impl Iterator<Item = Vec<String>> {
        let pointers = self.0.iter().flat_map(|operation| {
            let from = match operation {
                PatchOperation::Move(operation) => Some(&operation.from),
                PatchOperation::Copy(operation) => Some(&operation.from),
                _ => None,
            };
            [Some(operation.path()), from.map(|from| &**from)].into_iter().flatten()
        });
        pointers.map(|pointer| pointer.tokens().skip(1).map(|token| token.decoded().into_owned()).collect())
    }

    /// Applies it to a document's data. If any operation fails, the answer names it and `data` must be thrown away.
    pub fn apply(&self, data: &mut Value) -> Result<()> {
        let mut document = json!({ "data": data.take() });
        // Copies of copies could double the document with each operation.
        let mut weight = bounds::weight(&document);
        for (index, operation) in self.0.iter().enumerate() {
            if let PatchOperation::Copy(copy) = operation {
                weight += document.pointer(copy.from.as_str()).map_or(0, bounds::weight);
                if weight > bounds::DATA_WEIGHT {
                    return Err(failed(index, operation.path().as_str(), "the document would become too large"));
                }
            }
            apply_one(&mut document, operation).map_err(|(pointer, why)| failed(index, &pointer, &why))?;
        }
        if let Some(patched) = document.get_mut("data") {
            *data = patched.take();
            return Ok(());
        }
        Err(Problem::invalid_field("/data", "required", "is required"))
    }
}

fn apply_one(document: &mut Value, operation: &PatchOperation) -> std::result::Result<(), (String, String)> {
    if let PatchOperation::Test(test) = operation {
        let path = test.path.as_str();
        return match document.pointer(path) {
            Some(found) if equal(found, &test.value) => Ok(()),
            Some(_) => Err((path.to_owned(), "another value is there".to_owned())),
            None => Err((path.to_owned(), "there is nothing".to_owned())),
        };
    }
    json_patch::patch(document, std::slice::from_ref(operation)).map_err(|error| {
        let from = match (&error.kind, operation) {
            (PatchErrorKind::InvalidFromPointer, PatchOperation::Move(operation)) => Some(&operation.from),
            (PatchErrorKind::InvalidFromPointer, PatchOperation::Copy(operation)) => Some(&operation.from),
            _ => None,
        };
        match (&error.kind, from) {
            (_, Some(from)) => (from.to_string(), "there is nothing".to_owned()),
            (PatchErrorKind::CannotMoveInsideItself, _) => {
                (operation.path().to_string(), "a value cannot be moved into itself".to_owned())
            }
            _ => (operation.path().to_string(), "there is no such place".to_owned()),
        }
    })
}

/// 409: RFC 5789 section 2.2 for a patch that the resource's state does not allow.
fn failed(index: usize, pointer: &str, why: &str) -> Problem {
    Problem::new(&kinds::PATCH_FAILED)
        .detail(format!("Operation {index}, at {pointer:?}: {why}. Nothing was changed."))
        .with("operation", json!(index))
        .with("pointer", json!(pointer))
}

/// Equality after RFC 6902 section 4.6: numbers by their value, objects whatever their order.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64() && (x.is_f64() || y.is_f64()),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
#[path = "json_patch_tests.rs"]
mod tests;

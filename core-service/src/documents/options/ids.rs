//! Fields that hold ids: one, an array of them, or null.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use crate::documents::places;
use crate::documents::query::field::DataPath;
use crate::problem::FieldError;

/// How many things one field may name.
pub const MOST: usize = 100;

/// What documents name in a field: each pair of a document and an id, and those documents whose field holds something else.
pub(super) struct Named {
    pub(super) from: Vec<Uuid>,
    pub(super) to: Vec<Uuid>,
    pub(super) wrong: Vec<(Uuid, FieldError)>,
}

impl Named {
    /// By all of these documents.
    pub(super) fn by(
        documents: &[(Uuid, Value)],
        ids: impl Fn(&Value) -> std::result::Result<BTreeSet<Uuid>, FieldError>,
    ) -> Self {
        let mut named = Self { from: Vec::new(), to: Vec::new(), wrong: Vec::new() };
        for (document, data) in documents {
            match ids(data) {
                Err(error) => named.wrong.push((*document, error)),
                Ok(ids) => ids.into_iter().for_each(|id| {
                    named.from.push(*document);
                    named.to.push(id);
                }),
            }
        }
        named
    }
}

/// The ids that a document names in a field, or what is wrong there. `kind` is the code of the error, and `one` what an id is of.
pub(super) fn ids(
    path: &DataPath,
    data: &Value,
    kind: &'static str,
    one: &str,
) -> std::result::Result<BTreeSet<Uuid>, FieldError> {
    let wrong = |message: String| FieldError::new(places::pointer(path), kind, message);
    let of = |value: &Value| value.as_str().and_then(|id| id.parse().ok());
    match path.of(data) {
        None | Some(Value::Null) => Ok(BTreeSet::new()),
        Some(Value::Array(items)) if items.len() > MOST => Err(wrong(format!("names more than {MOST} {one}s"))),
        Some(Value::Array(items)) => {
            let ids = items.iter().map(|item| of(item).ok_or_else(|| wrong(format!("must be {one}s' ids"))));
            ids.collect()
        }
        Some(value) => of(value).map(|id| BTreeSet::from([id])).ok_or_else(|| wrong(format!("must be a {one}'s id"))),
    }
}

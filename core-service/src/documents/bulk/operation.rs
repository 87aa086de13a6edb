//! One operation of many.

use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::documents::collections::CollectionName;
use crate::documents::model::Document;
use crate::documents::write::json_patch::JsonPatchBody;
use crate::documents::write::{Change, Place};
use crate::http::IfMatch;
use crate::identity::Caller;
use crate::problem::{FieldError, Problem, Result};

/// What is to be done to one document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "op": "merge", "collection": "orders", "id": "0192f3a1-7b1c-7e63-9f0a-3a5f1d2c4b6e",
                           "if_match": "\"v3\"", "data": { "price": 13 } }))]
pub struct Operation {
    /// What to do.
    op: Op,
    /// The collection's name.
    collection: CollectionName,
    /// The document; not of `create`.
    #[schema(required = false, nullable = false)]
    id: Option<Uuid>,
    /// The version that is to change or go, as the header If-Match says it; not of `create`.
    #[schema(required = false, nullable = false, example = "\"v3\"")]
    if_match: Option<String>,
    /// The data of `create` and `replace`, and what `merge` changes in it (RFC 7396).
    #[schema(required = false, nullable = false, value_type = Object)]
    data: Option<Value>,
    /// The JSON Patch (RFC 6902) of `patch`.
    #[schema(required = false, nullable = false)]
    patch: Option<JsonPatchBody>,
}

/// What to do to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Op {
    /// Create it.
    Create,
    /// Replace its data.
    Replace,
    /// Merge something into its data.
    Merge,
    /// Patch it.
    Patch,
    /// Delete it.
    Delete,
}

/// A well-formed operation.
pub(super) struct Step {
    collection: CollectionName,
    act: Act,
}

enum Act {
    Create(Value),
    Change(Uuid, IfMatch, Change),
    Delete(Uuid, IfMatch),
}

impl Operation {
    /// The step, or everything that is wrong with it, told with `pointer` before its place.
    pub(super) fn checked(self, pointer: &str) -> Result<Step> {
        let op = self.op;
        // What each of them has, and whether it must.
        let (changes, has_data) = (op != Op::Create, matches!(op, Op::Create | Op::Replace | Op::Merge));
        let members = [
            ("id", self.id.is_some(), changes, true),
            ("if_match", self.if_match.is_some(), changes, false),
            ("data", self.data.is_some(), has_data, true),
            ("patch", self.patch.is_some(), op == Op::Patch, true),
        ];
        let mut errors = Vec::new();
        for (name, is_there, belongs, needed) in members {
            let at = format!("{pointer}/{name}");
            match (is_there, belongs) {
                (false, true) if needed => errors.push(FieldError::new(at, "required", "is required")),
                (true, false) => errors.push(FieldError::new(at, "unknown", "does not belong to this operation")),
                _ => {}
            }
        }
        let if_match = match self.if_match.as_deref().map(IfMatch::of).transpose() {
            Ok(tags) => tags.unwrap_or_default(),
            Err(_) => {
                let at = format!("{pointer}/if_match");
                errors.push(FieldError::new(at, "format", "must be entity tags, as If-Match has them"));
                IfMatch::default()
            }
        };
        if !errors.is_empty() {
            return Err(Problem::validation(errors));
        }
        let (id, data) = (self.id.unwrap_or_default(), self.data.unwrap_or_default());
        let act = match (op, self.patch) {
            (Op::Create, _) => Act::Create(data),
            (Op::Replace, _) => Act::Change(id, if_match, Change::Replace(data)),
            (Op::Patch, Some(patch)) => {
                Act::Change(id, if_match, Change::Patch(patch.checked(&format!("{pointer}/patch"))?))
            }
            (Op::Delete, _) => Act::Delete(id, if_match),
            // Of a patch, that it is there was looked at above.
            (Op::Merge | Op::Patch, _) => Act::Change(id, if_match, Change::Merge(data)),
        };
        Ok(Step { collection: self.collection, act })
    }
}

impl Step {
    /// Does it: the document that there is then, unless it was deleted, and the status that the operation alone would answer.
    pub(super) async fn run(
        self,
        tx: &mut PgConnection,
        caller: &Caller,
        workspace: Uuid,
    ) -> Result<(u16, Option<Document>)> {
        let place = Place { caller, workspace, collection: &self.collection };
        match self.act {
            Act::Create(data) => Ok((201, Some(place.create(tx, data).await?))),
            Act::Change(id, if_match, change) => Ok((200, Some(place.change(tx, id, &if_match, change).await?))),
            Act::Delete(id, if_match) => {
                place.delete(tx, id, &if_match).await?;
                Ok((204, None))
            }
        }
    }
}

//! The form of an index: which fields of a collection's documents are in it, with which weight.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::documents::options::{Options, Search, Weight};
use crate::documents::places::{self, path};
use crate::documents::query::field::DataPath;
use crate::documents::rules::{Applied, FieldRule};
use crate::hex::hex;
use crate::problem::Result;
use crate::search::{Entry, Language};

/// What is put into the index of a collection.
pub(super) struct Form {
    pub(super) workspace: Uuid,
    pub(super) collection: Uuid,
    pub(super) language: Language,
    fields: Vec<(DataPath, Weight)>,
    /// Hidden from anybody.
    hidden: Applied,
    /// Two that differ have different ones.
    pub(super) digest: String,
}

impl Form {
    /// By a collection's options and rules.
    pub(super) fn of((workspace, collection): (Uuid, Uuid), search: &Search, rules: &[FieldRule]) -> Self {
        let fields = search.fields.iter().filter_map(|field| Some((path(&field.field)?, field.weight))).collect();
        let of = json!({ "search": search, "rules": rules });
        let digest = hex(&Sha256::digest(of.to_string()));
        let hidden = Applied::to_links(rules);
        Self { workspace, collection, language: search.language, fields, hidden, digest }
    }

    /// Of those collections that are searched. For [`crate::database::Scope::worker`].
    pub(super) async fn find(tx: &mut PgConnection, collections: &[Uuid]) -> Result<Vec<Self>> {
        let found = sqlx::query!(
            r#"SELECT id, workspace_id, options AS "options: Json<Options>", field_rules AS "rules: Json<Vec<FieldRule>>"
               FROM collections WHERE id = ANY ($1) AND options -> 'search' IS NOT NULL"#,
            collections
        );
        let forms =
            found.fetch_all(tx).await?.into_iter().filter_map(|row| {
                Some(Self::of((row.workspace_id, row.id), row.options.0.search.as_ref()?, &row.rules.0))
            });
        Ok(forms.collect())
    }

    /// Whether anything of it is kept from a caller: then only what was indexed by today's rules is good enough for them.
    pub(super) fn touches(&self, rules: &Applied) -> bool {
        self.fields.iter().any(|(path, _)| rules.keeps_of(path))
    }

    /// A document's entry.
    pub(super) fn entry(&self, id: Uuid, version: i64, mut data: Value) -> Entry {
        self.hidden.hide(&mut data);
        let mut texts: [String; 4] = Default::default();
        for (path, weight) in &self.fields {
            if let (Some(value), Some(text)) = (path.of(&data), texts.get_mut(*weight as usize)) {
                collect(value, text);
            }
        }
        Entry { id, version, texts }
    }

    /// The text of each field that a document has, by the field's name. What is hidden from the caller is gone already.
    pub(super) fn texts(&self, data: &Value) -> Vec<(String, String)> {
        let text = |path: &DataPath| {
            let mut text = String::new();
            collect(path.of(data)?, &mut text);
            Some((places::name(path), text.trim_end().to_owned()))
        };
        self.fields.iter().filter_map(|(path, _)| text(path)).collect()
    }
}

/// Appends all that can be read in a value, piece by piece.
fn collect(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            text.push_str(&number.to_string());
            text.push('\n');
        }
        Value::String(string) => {
            text.push_str(string);
            text.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, text)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, text)),
    }
}

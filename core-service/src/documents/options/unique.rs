//! Unique fields, held in the table `document_keys`: its primary key, not the service, decides who was first.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Unique;
use crate::documents::places::{self, path};
use crate::documents::query::field::DataPath;
use crate::problem::{FieldError, Problem, Result, kinds};

/// A unique rule, understood.
#[derive(Debug)]
pub struct Rule {
    /// By which its keys are told from those of other rules: the fields' names.
    pub(super) name: String,
    fields: Vec<DataPath>,
}

/// What a document has of a rule: a hash of the values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub(super) rule: String,
    pub(super) hash: Vec<u8>,
}

/// Whose keys they are.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    pub(in crate::documents) workspace: Uuid,
    pub(in crate::documents) collection: Uuid,
    pub(in crate::documents) document: Uuid,
}

impl Rule {
    pub(super) fn of(unique: &Unique) -> Self {
        let fields: Vec<DataPath> = unique.fields.iter().filter_map(|field| path(field)).collect();
        let name = fields.iter().map(places::pointer).collect::<Vec<_>>().join(" ");
        Self { name, fields }
    }

    /// The key of a document; none if a value is absent or null.
    pub(super) fn key(&self, data: &Value) -> Option<Key> {
        let mut hash = Sha256::new();
        for path in &self.fields {
            let value = path.of(data).filter(|value| !value.is_null())?;
            hash.update(canonical(value).to_string());
            hash.update([0]);
        }
        Some(Key { rule: self.name.clone(), hash: hash.finalize().to_vec() })
    }

    /// Takes the keys of documents that are there, and says who came second.
    pub(super) async fn adopt(
        &self,
        tx: &mut PgConnection,
        workspace: Uuid,
        collection: Uuid,
        documents: &[(Uuid, Value)],
    ) -> Result<Vec<(Uuid, FieldError)>> {
        let (ids, keys): (Vec<Uuid>, Vec<Key>) =
            documents.iter().filter_map(|(id, data)| Some((*id, self.key(data)?))).unzip();
        let mut taken = take(tx, workspace, collection, &ids, &keys).await?;
        let second = ids.into_iter().zip(keys).filter(|(_, key)| match taken.iter().position(|taken| taken == key) {
            Some(index) => {
                taken.swap_remove(index);
                false
            }
            None => true,
        });
        let pointer = self.fields.first().map(places::pointer).unwrap_or_default();
        let error = || FieldError::new(pointer.clone(), "unique", "is the value of another document, too");
        Ok(second.map(|(id, _)| (id, error())).collect())
    }

    /// 409, naming the fields.
    fn taken(&self) -> Problem {
        let fields: Vec<String> = self.fields.iter().map(places::name).collect();
        let errors =
            self.fields.iter().map(|path| FieldError::new(places::pointer(path), "unique", "is taken")).collect();
        let detail = format!("Another document of the collection has this value of {}.", fields.join(" and "));
        Problem::new(&kinds::VALUE_TAKEN).detail(detail).errors(errors)
    }
}

/// One spelling for values that are equal: numbers by their value, objects in order of names.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            // Beyond 2^53 doubles skip whole numbers, and such a double is written as it is.
            Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() < 9e15 => (double as i64).into(),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            Value::Object(
                sorted.into_iter().map(|(name, value)| (name.clone(), canonical(value))).collect::<Map<_, _>>(),
            )
        }
        _ => value.clone(),
    }
}

/// The keys of a document under all rules, in order: whoever takes several takes them in the same one.
pub(super) fn keys(rules: &[Rule], data: &Value) -> Vec<Key> {
    let mut keys: Vec<Key> = rules.iter().filter_map(|rule| rule.key(data)).collect();
    keys.sort();
    keys
}

/// Gives up the keys that a document no longer has and takes those that are new to it; 409 if one is taken.
pub(super) async fn exchange(
    tx: &mut PgConnection,
    rules: &[Rule],
    holder: Holder,
    before: Option<&Value>,
    after: &Value,
) -> Result<()> {
    let old = before.map(|data| keys(rules, data)).unwrap_or_default();
    let new = keys(rules, after);
    let gone: Vec<String> = old.iter().filter(|key| !new.contains(key)).map(|key| key.rule.clone()).collect();
    if !gone.is_empty() {
        sqlx::query!("DELETE FROM document_keys WHERE document_id = $1 AND rule = ANY ($2)", holder.document, &gone)
            .execute(&mut *tx)
            .await?;
    }
    let wanted: Vec<Key> = new.into_iter().filter(|key| !old.contains(key)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let taken = take(tx, holder.workspace, holder.collection, &vec![holder.document; wanted.len()], &wanted).await?;
    match rules.iter().find(|rule| wanted.iter().any(|key| key.rule == rule.name && !taken.contains(key))) {
        Some(rule) => Err(rule.taken()),
        None => Ok(()),
    }
}

/// Takes keys for documents, and gives those that could be had. Who comes second waits until the first has committed.
pub(super) async fn take(
    tx: &mut PgConnection,
    workspace: Uuid,
    collection: Uuid,
    documents: &[Uuid],
    keys: &[Key],
) -> Result<Vec<Key>> {
    let rules: Vec<String> = keys.iter().map(|key| key.rule.clone()).collect();
    let hashes: Vec<Vec<u8>> = keys.iter().map(|key| key.hash.clone()).collect();
    let taken = sqlx::query_as!(
        Key,
        "INSERT INTO document_keys (workspace_id, collection_id, document_id, rule, hash)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::bytea[])
         ON CONFLICT DO NOTHING RETURNING rule, hash",
        workspace,
        collection,
        documents,
        &rules,
        &hashes
    );
    Ok(taken.fetch_all(tx).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_values_have_equal_keys_and_others_have_not() {
        let rule = Rule::of(&Unique { fields: vec!["data.a".into(), "data.b.c".into()] });
        let key = |a: Value, c: Value| rule.key(&json!({ "a": a, "b": { "c": c } }));
        assert_eq!(key(json!(1), json!("x")), key(json!(1.0), json!("x")));
        assert_eq!(key(json!({ "x": 1, "y": 2 }), json!(1)), key(json!({ "y": 2.0, "x": 1 }), json!(1)));
        let keys = [
            key(json!(1), json!("x")),
            key(json!("1"), json!("x")),
            key(json!(true), json!("x")),
            key(json!(9_007_199_254_740_993_i64), json!("x")),
            key(json!(9_007_199_254_740_992_i64), json!("x")),
            key(json!("ab"), json!("c")),
            key(json!("a"), json!("bc")),
            key(json!([1]), json!("x")),
            key(json!("X"), json!("x")),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(key.is_some() && !keys[..index].contains(key), "{index}");
        }
        assert_eq!(key(json!(null), json!(1)), None);
        assert_eq!(rule.key(&json!({ "a": 1 })), None);
    }
}

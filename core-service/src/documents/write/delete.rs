//! Deletion, and what it means for documents that refer to the one that goes.
//!
//! Rules: nothing refers to a document that is gone; whoever deletes must be allowed to write what else changes by it; a
//! document is locked before it is asked who refers to it, and whoever would begin to waits for that lock: no reference
//! comes in between.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Place;
use crate::access::{Permission, Resource, authorize_on};
use crate::documents::collections::{CollectionName, Target};
use crate::documents::model::Row;
use crate::documents::options::OnDelete;
use crate::documents::options::references::Link;
use crate::documents::places;
use crate::documents::rules::Applied;
use crate::documents::trash::{self, Going};
use crate::http::IfMatch;
use crate::problem::{Problem, Result, kinds};

/// How many documents one deletion may change or take along.
const MOST: usize = 1000;

/// A document that names another.
struct Referring {
    collection: String,
    document: Uuid,
    field: String,
}

/// What a deletion has met so far.
#[derive(Default)]
struct Met {
    going: Vec<Going>,
    /// Those that do not let a document go, unless they go, too.
    holding: Vec<(Uuid, String, String)>,
    changed: usize,
}

impl Place<'_> {
    /// Deletes a document, and with it those that go with it.
    pub(in crate::documents) async fn delete(&self, tx: &mut PgConnection, id: Uuid, if_match: &IfMatch) -> Result<()> {
        let resource = Resource::Document(self.collection.as_str(), id);
        authorize_on(tx, self.caller, self.workspace, Permission::DocumentsWrite, resource).await?;
        let target = Target::for_writing(tx, self.workspace, self.collection).await?;
        let row = Row::lock(tx, target.id, id).await?;
        if_match.check(row.version)?;
        let mut met = Met::default();
        met.going.push(Going { id, days: target.options.trash_days() });
        // What was found is looked at in turn, for what refers to it.
        let mut next = 0;
        while let Some(going) = met.going.get(next).map(|going| going.id) {
            next += 1;
            for referring in referring(tx, going).await? {
                self.meet(tx, going, &referring, &mut met).await?;
            }
        }
        met.let_go()?;
        trash::put(tx, &met.going, id, self.caller.user).await
    }

    async fn meet(&self, tx: &mut PgConnection, going: Uuid, referring: &Referring, met: &mut Met) -> Result<()> {
        let id = referring.document;
        if met.going.iter().any(|going| going.id == id) {
            return Ok(());
        }
        if met.going.len() + met.changed > MOST {
            let detail = format!("More than {MOST} documents would go or change with it. Delete some of them before.");
            return Err(Problem::new(&kinds::STILL_REFERENCED).detail(detail));
        }
        let name = CollectionName::try_from(referring.collection.clone()).map_err(Problem::internal)?;
        let place = Place { caller: self.caller, workspace: self.workspace, collection: &name };
        let target = Target::for_writing(tx, self.workspace, &name).await?;
        let model = target.model();
        let link = model.links.iter().find(|link| link.rule.field == referring.field);
        let on_delete = link.map_or(OnDelete::Restrict, |link| link.rule.on_delete);
        if on_delete == OnDelete::Restrict {
            met.holding.push((id, referring.collection.clone(), referring.field.clone()));
            return Ok(());
        }
        let resource = Resource::Document(&referring.collection, id);
        let access = authorize_on(tx, self.caller, self.workspace, Permission::DocumentsWrite, resource).await?;
        let row = Row::lock(tx, target.id, id).await?;
        match link {
            Some(link) if on_delete == OnDelete::SetNull => {
                let mut data = row.data.0.clone();
                forget(link, &mut data, going);
                let rules = Applied::to(&target.rules, &access);
                model.settle(&target.schema, &mut data, &rules).map_err(|_| {
                    let detail = format!("A document of {} would not fit its schema without it.", referring.collection);
                    Problem::new(&kinds::STILL_REFERENCED).detail(detail)
                })?;
                row.write(tx, &data, self.caller.user).await?;
                model.exchange(tx, place.holder(&target, id), Some(&row.data.0), &data).await?;
                met.changed += 1;
            }
            _ => met.going.push(Going { id, days: target.options.trash_days() }),
        }
        Ok(())
    }
}

impl Met {
    /// 409 if a document that stays does not let another go.
    fn let_go(&self) -> Result<()> {
        let mut held: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (document, collection, field) in &self.holding {
            if !self.going.iter().any(|going| going.id == *document) {
                *held.entry((collection, field)).or_default() += 1;
            }
        }
        if held.is_empty() {
            return Ok(());
        }
        let count: u64 = held.values().sum();
        let references: Vec<Value> = held
            .into_iter()
            .map(|((collection, field), documents)| {
                json!({ "collection": collection, "field": field, "documents": documents })
            })
            .collect();
        let detail = format!("{count} documents refer to it and do not let it go; `references` says in which fields.");
        Err(Problem::new(&kinds::STILL_REFERENCED).detail(detail).with("references", json!(references)))
    }
}

/// Takes one id out of a field.
fn forget(link: &Link, data: &mut Value, id: Uuid) {
    let path = link.path.segments();
    let is = |value: &Value| value.as_str().and_then(|text| text.parse().ok()) == Some(id);
    let left = match link.path.of(data) {
        Some(Value::Array(items)) => Value::Array(items.iter().filter(|item| !is(item)).cloned().collect()),
        _ => Value::Null,
    };
    places::put(data, path, left);
}

/// Who refers to a document, which is locked: one more than a deletion may change.
async fn referring(tx: &mut PgConnection, id: Uuid) -> Result<Vec<Referring>> {
    let found = sqlx::query!(
        r#"SELECT c.name AS "collection?", r.document_id AS document, r.field
           FROM document_references r LEFT JOIN collections c ON c.id = r.collection_id
           WHERE r.target_id = $1 ORDER BY r.document_id LIMIT $2"#,
        id,
        MOST as i64 + 1
    );
    let found = found.fetch_all(tx).await?.into_iter().map(|row| {
        let hidden = || Problem::new(&kinds::STILL_REFERENCED).detail("Documents that you may not see refer to it.");
        let collection = row.collection.ok_or_else(hidden)?;
        Ok(Referring { collection, document: row.document, field: row.field })
    });
    found.collect()
}

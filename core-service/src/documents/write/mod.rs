//! The writes of documents, as functions over a transaction: single requests and bulk operations call the same.
//!
//! Rules: what the caller may not see or change is refused before anything is looked at that it could tell of; what the
//! collection says of its documents holds when a write has ended; a write locks its document and holds its collection as
//! it is ([`Target::for_writing`]), so that what was checked still holds when it commits; every version is kept.

pub mod body;
mod delete;
pub mod json_patch;
pub mod merge_patch;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use self::json_patch::JsonPatch;
use super::collections::{CollectionName, Target};
use super::model::{Document, Row};
use super::options::unique::Holder;
use super::rules::Applied;
use crate::access::{Permission, Resource, authorize_on};
use crate::http::IfMatch;
use crate::identity::Caller;
use crate::problem::Result;

/// Where and for whom something is written.
pub(super) struct Place<'a> {
    pub(super) caller: &'a Caller,
    pub(super) workspace: Uuid,
    pub(super) collection: &'a CollectionName,
}

/// What becomes of a document's data.
pub(super) enum Change {
    /// All of it is replaced.
    Replace(Value),
    /// It is merged (RFC 7396).
    Merge(Value),
    /// It is patched (RFC 6902).
    Patch(JsonPatch),
    /// It becomes what it was in a version, as far as the caller can see it.
    Restore(i64),
}

impl Place<'_> {
    fn holder(&self, target: &Target, document: Uuid) -> Holder {
        Holder { workspace: self.workspace, collection: target.id, document }
    }

    /// Creates a document.
    pub(super) async fn create(&self, tx: &mut PgConnection, mut data: Value) -> Result<Document> {
        let resource = Resource::Collection(self.collection.as_str());
        let access = authorize_on(tx, self.caller, self.workspace, Permission::DocumentsWrite, resource).await?;
        let target = Target::for_writing(tx, self.workspace, self.collection).await?;
        let model = target.model();
        let rules = Applied::to(&target.rules, &access);
        rules.allow_new(&access, &data)?;
        model.begin(&mut data)?;
        model.settle(&target.schema, &mut data, &rules)?;
        let row = Row::insert(tx, self.workspace, target.id, &data, self.caller.user).await?;
        model.exchange(tx, self.holder(&target, row.id), None, &data).await?;
        Ok(row.shown(self.collection, &rules))
    }

    /// Changes a document.
    pub(super) async fn change(
        &self,
        tx: &mut PgConnection,
        id: Uuid,
        if_match: &IfMatch,
        change: Change,
    ) -> Result<Document> {
        let resource = Resource::Document(self.collection.as_str(), id);
        let access = authorize_on(tx, self.caller, self.workspace, Permission::DocumentsWrite, resource).await?;
        let target = Target::for_writing(tx, self.workspace, self.collection).await?;
        let model = target.model();
        let row = Row::lock(tx, target.id, id).await?;
        if_match.check(row.version)?;
        let rules = Applied::to(&target.rules, &access);
        let before = &row.data.0;
        let mut data = match change {
            Change::Replace(mut data) => {
                rules.allow_body(&access, &data)?;
                rules.keep(&access, before, &mut data)?;
                model.keep(before, &mut data)?;
                data
            }
            Change::Merge(patch) => {
                rules.allow_body(&access, &patch)?;
                let mut data = before.clone();
                merge_patch::apply(&mut data, patch);
                rules.allow_patch(&access, before, &data)?;
                model.allow_patch(before, &data)?;
                data
            }
            Change::Patch(patch) => {
                rules.allow_places(&access, patch.places())?;
                let mut data = before.clone();
                patch.apply(&mut data)?;
                rules.allow_patch(&access, before, &data)?;
                model.allow_patch(before, &data)?;
                data
            }
            Change::Restore(version) => {
                let mut data = row.in_version(tx, version).await?;
                rules.hide(&mut data);
                model.overlay(before, &mut data);
                rules.keep(&access, before, &mut data)?;
                data
            }
        };
        model.allow_transition(&access, before, &data)?;
        model.settle(&target.schema, &mut data, &rules)?;
        let written = row.write(tx, &data, self.caller.user).await?;
        model.exchange(tx, self.holder(&target, id), Some(before), &data).await?;
        Ok(written.shown(self.collection, &rules))
    }
}

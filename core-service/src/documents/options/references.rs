//! References between documents, held in the table `document_references`: a foreign key sees to it that what a document
//! names is there, also while others delete; what happens when it goes is told in `write/delete.rs`.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Reference;
use super::ids::{Named, ids};
use super::unique::Holder;
use crate::documents::places::{self, path};
use crate::documents::query::field::DataPath;
use crate::problem::{FieldError, OnConstraint, Problem, Result};

/// A field that names documents, understood.
#[derive(Debug)]
pub struct Link {
    pub(in crate::documents) path: DataPath,
    pub(in crate::documents) rule: Reference,
}

impl Link {
    pub(in crate::documents) fn of(rule: &Reference) -> Option<Self> {
        Some(Self { path: path(&rule.field)?, rule: rule.clone() })
    }

    /// The ids that a document names, or what is wrong.
    pub(in crate::documents) fn ids(&self, data: &Value) -> std::result::Result<BTreeSet<Uuid>, FieldError> {
        ids(&self.path, data, "reference", "document")
    }

    /// Holds what documents that are there name, and says whose names mean nothing.
    pub(super) async fn adopt(
        &self,
        tx: &mut PgConnection,
        workspace: Uuid,
        collection: Uuid,
        documents: &[(Uuid, Value)],
    ) -> Result<Vec<(Uuid, FieldError)>> {
        let Named { from, to, mut wrong } = Named::by(documents, |data| self.ids(data));
        let target = target(tx, self).await?;
        // Locked until the transaction ends: what is there now is there then.
        let there = sqlx::query_scalar!(
            "SELECT id FROM documents WHERE collection_id = $1 AND id = ANY ($2) FOR KEY SHARE",
            target,
            &to
        );
        let there: BTreeSet<Uuid> = there.fetch_all(&mut *tx).await?.into_iter().collect();
        let dangling = |id: Uuid| {
            let message = format!("names {id}, which is no document of {}", self.rule.collection.as_str());
            FieldError::new(places::pointer(&self.path), "reference", message)
        };
        wrong.extend(
            from.iter().zip(&to).filter(|(_, to)| !there.contains(to)).map(|(from, to)| (*from, dangling(*to))),
        );
        if wrong.is_empty() {
            sqlx::query!(
                "INSERT INTO document_references
                     (workspace_id, collection_id, document_id, field, target_collection_id, target_id)
                 SELECT $1, $2, r.document, $3, $4, r.target FROM unnest($5::uuid[], $6::uuid[]) AS r (document, target)",
                workspace,
                collection,
                self.rule.field,
                target,
                &from,
                &to
            )
            .execute(tx)
            .await?;
        }
        Ok(wrong)
    }

    fn dangling(&self, id: Uuid) -> Problem {
        let message = format!("{id} is no document of {}", self.rule.collection.as_str());
        Problem::invalid_field(places::pointer(&self.path), "reference", message)
    }
}

/// 422 for every field that should name documents and does not.
pub(super) fn check(links: &[Link], data: &Value) -> Vec<FieldError> {
    links.iter().filter_map(|link| link.ids(data).err()).collect()
}

/// Lets go of what a document no longer names and holds what is new; 422 if that is not there. What stays is not touched:
/// whoever changes something else does not wait for those who delete what is named.
pub(super) async fn exchange(
    tx: &mut PgConnection,
    links: &[Link],
    holder: Holder,
    before: Option<&Value>,
    after: &Value,
) -> Result<()> {
    for link in links {
        let old = before.and_then(|data| link.ids(data).ok()).unwrap_or_default();
        let new = link.ids(after).map_err(|error| Problem::validation(vec![error]))?;
        let gone: Vec<Uuid> = old.difference(&new).copied().collect();
        if !gone.is_empty() {
            sqlx::query!(
                "DELETE FROM document_references WHERE document_id = $1 AND field = $2 AND target_id = ANY ($3)",
                holder.document,
                link.rule.field,
                &gone
            )
            .execute(&mut *tx)
            .await?;
        }
        let wanted: Vec<Uuid> = new.difference(&old).copied().collect();
        if !wanted.is_empty() {
            let collection = target(tx, link).await?;
            for id in wanted {
                hold(tx, link, holder, collection, id).await?;
            }
        }
    }
    Ok(())
}

/// The collection that a field's documents are in.
pub(super) async fn target(tx: &mut PgConnection, link: &Link) -> Result<Uuid> {
    let name = link.rule.collection.as_str();
    let found = sqlx::query_scalar!("SELECT breakwater_collection_named($1)", name).fetch_one(tx).await?;
    found.ok_or_else(|| Problem::internal(format!("{} refers to {name}, which is not there", link.rule.field)))
}

/// One after the other, so that it can be told which one is not there.
pub(super) async fn hold(tx: &mut PgConnection, link: &Link, holder: Holder, target: Uuid, id: Uuid) -> Result<()> {
    sqlx::query!(
        "INSERT INTO document_references
             (workspace_id, collection_id, document_id, field, target_collection_id, target_id)
         VALUES ($1, $2, $3, $4, $5, $6)",
        holder.workspace,
        holder.collection,
        holder.document,
        link.rule.field,
        target,
        id
    )
    .execute(tx)
    .await
    .map(drop)
    .on_constraint("document_references_target", || link.dangling(id))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::documents::options::OnDelete;
    use crate::documents::options::ids::MOST;
    use serde_json::json;

    #[test]
    fn a_field_names_one_document_or_several() {
        let collection = String::from("customers").try_into().unwrap();
        let rule = Reference { field: "data.by".into(), collection, on_delete: OnDelete::Restrict };
        let link = Link::of(&rule).unwrap();
        let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
        let ids = |by: Value| link.ids(&json!({ "by": by }));
        assert_eq!(ids(json!(a)).unwrap(), BTreeSet::from([a]));
        assert_eq!(ids(json!([b, a, b])).unwrap(), BTreeSet::from([a, b]));
        assert!(ids(json!(null)).unwrap().is_empty() && link.ids(&json!({})).unwrap().is_empty());
        for wrong in [json!("x"), json!(1), json!([a, 1]), json!({ "id": a }), json!(vec![a; MOST + 1])] {
            assert_eq!(ids(wrong).unwrap_err().pointer, "/data/by");
        }
    }
}

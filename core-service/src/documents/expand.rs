//! The documents that references name, read along: beside the documents, each once, so that these stay as their schema says.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::collections::Target;
use super::model::{Document, Row};
use super::query::expansions::Expansion;
use super::query::field::DataPath;
use super::referred::referred;
use super::rules::Applied;
use crate::access::Access;
use crate::problem::{Problem, Result, kinds};

/// How many documents are read along at most.
const MOST: usize = 1000;

/// The documents that were read along, by their ids.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Included(BTreeMap<Uuid, Document>);

/// What is to be followed next: references of a collection, in documents of it.
type Next<'e> = (&'e [Expansion], Target, Vec<Value>);

impl Included {
    /// The documents that those on `rows`, whose hidden fields are gone, name. Those that the caller may not read are left out.
    pub(super) async fn by(
        expansions: &[Expansion],
        tx: &mut PgConnection,
        access: &Access,
        workspace: Uuid,
        target: &Target,
        rows: &[Row],
    ) -> Result<Self> {
        let mut included = Self::default();
        let data = rows.iter().map(|row| row.data.0.clone()).collect();
        let mut open: Vec<Next<'_>> = vec![(expansions, target.clone(), data)];
        while let Some(next) = open.pop() {
            open.extend(included.follow(tx, access, workspace, next).await?);
        }
        Ok(included)
    }

    async fn follow<'e>(
        &mut self,
        tx: &mut PgConnection,
        access: &Access,
        workspace: Uuid,
        (expansions, target, data): Next<'e>,
    ) -> Result<Vec<Next<'e>>> {
        let wanted = |path: &DataPath| expansions.iter().any(|expansion| expansion.path == *path);
        let references = referred(tx, workspace, &target.options, wanted).await?;
        let mut next = Vec::new();
        for expansion in expansions {
            let referred = references.iter().find(|referred| referred.link.path == expansion.path);
            let Some(referred) = referred else {
                let detail = format!("`expand`: {} is no reference of its collection.", expansion.name);
                return Err(Problem::new(&kinds::INVALID_QUERY).detail(detail));
            };
            // Whoever does not see the collection reads none of its documents.
            let Some(other) = &referred.target else { continue };
            let ids: BTreeSet<Uuid> = data.iter().filter_map(|data| referred.link.ids(data).ok()).flatten().collect();
            let rules = Applied::to(&other.rules, access);
            let name = &referred.link.rule.collection;
            let mut found = Vec::new();
            for mut row in named(tx, other.id, ids.into_iter().collect()).await? {
                rules.hide(&mut row.data);
                found.push(row.data.0.clone());
                self.0.insert(row.id, row.document(name));
            }
            if self.0.len() > MOST {
                let detail = format!("`expand` would include more than {MOST} documents; ask for smaller pages.");
                return Err(Problem::new(&kinds::INVALID_QUERY).detail(detail));
            }
            if !expansion.within.is_empty() {
                next.push((&expansion.within[..], other.clone(), found));
            }
        }
        Ok(next)
    }
}

/// Documents of a collection that the caller may read; no more than one too many.
async fn named(tx: &mut PgConnection, collection: Uuid, ids: Vec<Uuid>) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id!", version AS "version!", created_at AS "created_at!", updated_at AS "updated_at!", created_by,
                  updated_by, data AS "data!: Json<Value>"
           FROM member_documents WHERE collection_id = $1 AND id = ANY ($2) LIMIT $3"#,
        collection,
        &ids,
        MOST as i64 + 1
    );
    Ok(rows.fetch_all(tx).await?)
}

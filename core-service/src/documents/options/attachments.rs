//! Files that documents name, held in the table `document_files`: whoever deletes a file looks there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::FileField;
use super::ids::{Named, ids};
use super::unique::Holder;
use crate::documents::places::{self, path};
use crate::documents::query::field::DataPath;
use crate::http::essence;
use crate::problem::{FieldError, OnConstraint, Problem, Result};

/// A field that names files, understood.
#[derive(Debug)]
pub(in crate::documents) struct Attached {
    path: DataPath,
    rule: FileField,
}

impl Attached {
    pub(super) fn of(rule: &FileField) -> Option<Self> {
        Some(Self { path: path(&rule.field)?, rule: rule.clone() })
    }

    fn ids(&self, data: &Value) -> std::result::Result<BTreeSet<Uuid>, FieldError> {
        ids(&self.path, data, "file", "file")
    }

    fn wrong(&self, message: String) -> FieldError {
        FieldError::new(places::pointer(&self.path), "file", message)
    }

    /// Holds files for documents, and says whose are not there or not of a kind that the field takes.
    pub(super) async fn adopt(
        &self,
        tx: &mut PgConnection,
        workspace: Uuid,
        collection: Uuid,
        documents: &[(Uuid, Value)],
    ) -> Result<Vec<(Uuid, FieldError)>> {
        let Named { from, to, mut wrong } = Named::by(documents, |data| self.ids(data));
        wrong.extend(self.take(tx, workspace, collection, &from, &to).await?);
        Ok(wrong)
    }

    /// Holds for each document the file beside it, unless one of them cannot be named: these are told.
    async fn take(
        &self,
        tx: &mut PgConnection,
        workspace: Uuid,
        collection: Uuid,
        from: &[Uuid],
        to: &[Uuid],
    ) -> Result<Vec<(Uuid, FieldError)>> {
        let known = there(tx, workspace, to).await?;
        let pairs = || from.iter().zip(to);
        let wrong: Vec<_> = pairs()
            .filter_map(|(document, file)| Some((*document, self.judge(*file, known.get(file)).err()?)))
            .collect();
        if !wrong.is_empty() {
            return Ok(wrong);
        }
        self.hold(tx, workspace, collection, from, to).await?;
        // What is held now cannot go; what went meanwhile was not held in time.
        let known = there(tx, workspace, to).await?;
        let gone = pairs().filter(|(_, file)| !known.contains_key(file));
        Ok(gone.map(|(document, file)| (*document, self.dangling(*file))).collect())
    }

    /// Holds them: the foreign key locks each file, so that nobody deletes it until the transaction is over.
    async fn hold(
        &self,
        tx: &mut PgConnection,
        workspace: Uuid,
        collection: Uuid,
        from: &[Uuid],
        to: &[Uuid],
    ) -> Result<()> {
        let hold = sqlx::query!(
            "INSERT INTO document_files (workspace_id, collection_id, document_id, field, file_id)
             SELECT $1, $2, f.document, $3, f.file FROM unnest($4::uuid[], $5::uuid[]) AS f (document, file)",
            workspace,
            collection,
            self.rule.field,
            from,
            to
        );
        let gone = || Problem::invalid_field(places::pointer(&self.path), "file", "names a file that is not there");
        hold.execute(tx).await.map(drop).on_constraint("document_files_file", gone)
    }

    fn judge(&self, file: Uuid, media_type: Option<&String>) -> std::result::Result<(), FieldError> {
        let Some(media_type) = media_type else { return Err(self.dangling(file)) };
        if self.rule.accept.is_empty() || self.rule.accept.iter().any(|pattern| fits(pattern, media_type)) {
            return Ok(());
        }
        Err(self.wrong(format!("{file} is {media_type}, which this field does not take")))
    }

    fn dangling(&self, file: Uuid) -> FieldError {
        self.wrong(format!("{file} is no file of this workspace"))
    }
}

/// Whether a media type is one of those that a pattern means: itself, or `image/*`.
fn fits(pattern: &str, media_type: &str) -> bool {
    let (essence, pattern) = (essence(media_type), pattern.to_ascii_lowercase());
    match pattern.strip_suffix('*') {
        Some(kind) => essence.starts_with(kind),
        None => essence == pattern,
    }
}

/// Those of these files that are there, and not in the trash, with their media types.
async fn there(tx: &mut PgConnection, workspace: Uuid, files: &[Uuid]) -> Result<BTreeMap<Uuid, String>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", media_type AS "media_type!" FROM current_files
           WHERE workspace_id = $1 AND id = ANY ($2) AND deleted_at IS NULL"#,
        workspace,
        files
    );
    Ok(rows.fetch_all(tx).await?.into_iter().map(|row| (row.id, row.media_type)).collect())
}

/// 422 for every field that should name files and does not.
pub(super) fn check(attached: &[Attached], data: &Value) -> Vec<FieldError> {
    attached.iter().filter_map(|field| field.ids(data).err()).collect()
}

/// Lets go of what a document no longer names and holds what is new; 422 if that is not there.
pub(super) async fn exchange(
    tx: &mut PgConnection,
    attached: &[Attached],
    holder: Holder,
    before: Option<&Value>,
    after: &Value,
) -> Result<()> {
    for field in attached {
        let old = before.and_then(|data| field.ids(data).ok()).unwrap_or_default();
        let new = field.ids(after).map_err(|error| Problem::validation(vec![error]))?;
        let gone: Vec<Uuid> = old.difference(&new).copied().collect();
        if !gone.is_empty() {
            sqlx::query!(
                "DELETE FROM document_files WHERE document_id = $1 AND field = $2 AND file_id = ANY ($3)",
                holder.document,
                field.rule.field,
                &gone
            )
            .execute(&mut *tx)
            .await?;
        }
        let wanted: Vec<Uuid> = new.difference(&old).copied().collect();
        if !wanted.is_empty() {
            let from = vec![holder.document; wanted.len()];
            let wrong = field.take(tx, holder.workspace, holder.collection, &from, &wanted).await?;
            if !wrong.is_empty() {
                return Err(Problem::validation(wrong.into_iter().map(|(_, error)| error).collect()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_type_or_a_family() {
        for (pattern, media_type, fit) in [
            ("image/*", "image/png", true),
            ("image/*", "Image/PNG", true),
            ("image/*", "imagery/png", false),
            ("*/*", "image/png", false),
            ("*", "image/png", true),
            ("text/plain", "text/plain; charset=utf-8", true),
            ("text/plain", "text/html", false),
        ] {
            assert_eq!(fits(pattern, media_type), fit, "{pattern} {media_type}");
        }
    }
}

//! Texts go into the index and out of it.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Language;
use crate::problem::Result;

/// More of an entry's texts, in bytes, is not looked at: with their places, words take up to twice that, and an index entry
/// holds a mebibyte at the most.
const LONGEST: usize = 400_000;

/// Longer words are nobody's spelling.
const LONGEST_WORD: i32 = 60;

/// What is searched of one thing.
#[derive(Debug)]
pub struct Entry {
    /// What it is.
    pub id: Uuid,
    /// Its version: an older one never takes the place of a newer one.
    pub version: i64,
    /// Its texts, from the weightiest to the least.
    pub texts: [String; 4],
}

/// Puts entries of a collection into the index, in the place of what they were.
pub async fn put(
    tx: &mut PgConnection,
    (workspace, collection): (Uuid, Uuid),
    language: Language,
    form: &str,
    entries: &[Entry],
) -> Result<()> {
    let configuration = language.configuration();
    let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
    let versions: Vec<_> = entries.iter().map(|entry| entry.version).collect();
    let mut texts: [Vec<&str>; 4] = Default::default();
    for entry in entries {
        for (text, column) in entry.cut().into_iter().zip(&mut texts) {
            column.push(text);
        }
    }
    let [a, b, c, d] = texts;
    sqlx::query!(
        "INSERT INTO search_documents (document_id, workspace_id, collection_id, version, form, words)
         SELECT e.id, $1, $2, e.version, $3,
                setweight(to_tsvector($4::text::regconfig, e.a), 'A') || setweight(to_tsvector($4::text::regconfig, e.b), 'B')
                || setweight(to_tsvector($4::text::regconfig, e.c), 'C') || setweight(to_tsvector($4::text::regconfig, e.d), 'D')
         FROM unnest($5::uuid[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[])
              AS e (id, version, a, b, c, d)
         ON CONFLICT (document_id) DO UPDATE SET version = EXCLUDED.version, form = EXCLUDED.form, words = EXCLUDED.words
         WHERE search_documents.version <= EXCLUDED.version",
        workspace,
        collection,
        form,
        configuration,
        &ids,
        &versions,
        &a as _,
        &b as _,
        &c as _,
        &d as _
    )
    .execute(&mut *tx)
    .await?;
    // In their order, so that two who add the same words wait for each other and not both for both.
    sqlx::query!(
        "INSERT INTO search_words (workspace_id, collection_id, word)
         SELECT DISTINCT $1::uuid, $2::uuid, word
         FROM unnest($3::text[] || $4::text[] || $5::text[] || $6::text[]) AS text,
              unnest(tsvector_to_array(to_tsvector('breakwater_simple', text))) AS word
         WHERE length(word) <= $7 ORDER BY word
         ON CONFLICT DO NOTHING",
        workspace,
        collection,
        &a as _,
        &b as _,
        &c as _,
        &d as _,
        LONGEST_WORD
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes things out of the index.
pub async fn forget(tx: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    sqlx::query!("DELETE FROM search_documents WHERE document_id = ANY ($1)", ids).execute(tx).await?;
    Ok(())
}

impl Entry {
    /// As much of its texts as is looked at, the weightiest first.
    fn cut(&self) -> [&str; 4] {
        let mut left = LONGEST;
        self.texts.each_ref().map(|text| {
            let cut = &text[..text.floor_char_boundary(left)];
            left -= cut.len();
            cut
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_behind_what_is_weightier() {
        let texts = ["ä".repeat(150_000), "b".repeat(99_999), "cä".to_owned(), "d".to_owned()];
        let entry = Entry { id: Uuid::nil(), version: 1, texts };
        assert_eq!(entry.cut().map(str::len), [300_000, 99_999, 1, 0]);
    }
}

//! A question in words, and what may have been meant by them.

use std::collections::BTreeMap;
use std::fmt::Write;

use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Language;
use crate::problem::{Problem, Result, kinds};

/// How many words count.
const MOST_WORDS: usize = 10;
/// How long a question may be, in bytes.
const LONGEST: usize = 1000;
/// How many other words one may mean.
const MOST_MEANT: i64 = 5;

/// A question that the index of a collection can answer.
#[derive(Debug, Clone)]
pub struct Question {
    collection: Uuid,
    pub(super) configuration: String,
    /// Every word, as it is written.
    exact: String,
    /// Every word, what begins with it, or one that is spelt nearly so.
    pub(super) loose: String,
    /// Only entries of this form are good enough.
    form: Option<String>,
}

impl Question {
    /// Reads a question, and looks up what its words may mean in the collection. All of them are to be found.
    pub async fn ask(
        tx: &mut PgConnection,
        collection: Uuid,
        language: Language,
        text: &str,
        form: Option<String>,
    ) -> Result<Self> {
        let words = words(text)?;
        let mut meant: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        sqlx::query!("SELECT set_config('pg_trgm.similarity_threshold', '0.2', true)").fetch_one(&mut *tx).await?;
        // The shorter a word, the nearer it has to be.
        let near = sqlx::query!(
            r#"SELECT asked.place AS "place!", near.word AS "word!"
               FROM unnest($1::text[]) WITH ORDINALITY AS asked (word, place)
               CROSS JOIN LATERAL (
                   SELECT s.word, levenshtein_less_equal(s.word, asked.word, 2) AS distance FROM member_search_words s
                   WHERE s.search_in = $2 AND s.word % asked.word AND s.word <> asked.word
                     AND levenshtein_less_equal(s.word, asked.word, 2)
                         <= CASE WHEN length(asked.word) < 4 THEN 0 WHEN length(asked.word) < 5 THEN 1 ELSE 2 END
                   ORDER BY distance, s.word LIMIT $3) AS near"#,
            &words,
            collection,
            MOST_MEANT
        );
        for row in near.fetch_all(&mut *tx).await? {
            meant.entry(row.place).or_default().push(row.word);
        }
        let (mut exact, mut loose) = (String::new(), String::new());
        for (index, word) in words.iter().enumerate() {
            let and = if index == 0 { "" } else { " & " };
            // Words are letters and digits, so that nothing in the quotes can end them.
            let _ = write!(exact, "{and}'{word}'");
            let _ = write!(loose, "{and}('{word}':*");
            for other in meant.get(&(index as i64 + 1)).into_iter().flatten() {
                let _ = write!(loose, " | '{}'", other.replace(['\'', '\\'], " "));
            }
            loose.push(')');
        }
        Ok(Self { collection, configuration: language.configuration(), exact, loose, form })
    }

    /// Appends the condition that an entry of the view `member_search` is found.
    pub fn push(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("search_in = ").push_bind(self.collection).push(" AND search_words @@ ");
        self.push_words(query, &self.loose);
        if let Some(form) = &self.form {
            query.push(" AND search_form = ").push_bind(form.clone());
        }
    }

    /// Appends how good an entry is: a whole number, in which words as they are written count for most.
    pub fn push_score(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("((2 * ts_rank(search_words, ");
        self.push_words(query, &self.exact);
        query.push(") + ts_rank(search_words, ");
        self.push_words(query, &self.loose);
        query.push(")) * 1000000)::bigint");
    }

    fn push_words(&self, query: &mut QueryBuilder<Postgres>, words: &str) {
        query.push("to_tsquery(").push_bind(self.configuration.clone()).push("::text::regconfig, ");
        query.push_bind(words.to_owned()).push(")");
    }
}

/// The words of a question, in lower case; 400 if there are none.
fn words(text: &str) -> Result<Vec<String>> {
    let wrong = |detail: &str| Problem::new(&kinds::INVALID_QUERY).detail(format!("`q`: {detail}"));
    if text.len() > LONGEST {
        return Err(wrong("a question has at most 1000 bytes"));
    }
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(str::to_lowercase).take(MOST_WORDS).collect();
    if words.is_empty() { Err(wrong("there is no word in it")) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words_are_letters_and_digits() {
        assert_eq!(words("Rope's 20m — Größe!").unwrap(), ["rope", "s", "20m", "größe"]);
        assert_eq!(words("' | !*:() & \\ x").unwrap(), ["x"]);
        assert_eq!(words(&"a ".repeat(50)).unwrap().len(), MOST_WORDS);
        for none in ["", " ", "'&|!", &"a".repeat(1001)] {
            assert!(words(none).is_err(), "{none}");
        }
    }
}

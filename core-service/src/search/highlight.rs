//! Where the words of a question stand in a text.

use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::Question;
use crate::problem::Result;

/// More of a text is not looked at.
const LONGEST: usize = 20_000;

/// Characters that no text keeps.
const BEGIN: char = '\u{2}';
const END: char = '\u{3}';

/// Excerpts of a text, as HTML: the text is escaped, and what was found stands in `<mark>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(example = "20 m of <mark>rope</mark>, &amp; a hook")]
pub struct Highlighted(String);

/// Excerpts of each of the texts, in their order; `None` of those in which nothing is found.
pub async fn highlights(
    tx: &mut PgConnection,
    question: &Question,
    texts: &[String],
) -> Result<Vec<Option<Highlighted>>> {
    let clean = |text: &String| text.chars().filter(|c| *c != BEGIN && *c != END).take(LONGEST).collect::<String>();
    let texts: Vec<String> = texts.iter().map(clean).collect();
    let options = format!("StartSel=\"{BEGIN}\", StopSel=\"{END}\", MaxFragments=2, MaxWords=24, MinWords=8");
    let found = sqlx::query_scalar!(
        r#"SELECT ts_headline($1::text::regconfig, text, to_tsquery($1::text::regconfig, $2), $3) AS "headline!"
           FROM unnest($4::text[]) WITH ORDINALITY AS t (text, place) ORDER BY place"#,
        question.configuration,
        question.loose,
        options,
        &texts
    )
    .fetch_all(tx)
    .await?;
    Ok(found.iter().map(|text| text.contains(BEGIN).then(|| Highlighted(escaped(text)))).collect())
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            BEGIN => html.push_str("<mark>"),
            END => html.push_str("</mark>"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_are_tags() {
        assert_eq!(escaped("<b>&\u{2}\"x'\u{3}"), "&lt;b&gt;&amp;<mark>&quot;x&#39;</mark>");
    }
}

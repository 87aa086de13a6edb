//! What is wrong with the file, and where: told as compilers tell it.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in the file: names of tables and keys, and numbers in lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place(Vec<String>);

/// The place with this name at the file's outermost level.
pub(super) fn at(name: &str) -> Place {
    Place::default().of(name)
}

impl Place {
    /// The place with this name or number inside this one.
    pub(super) fn of(mut self, step: impl ToString) -> Self {
        self.0.push(step.to_string());
        self
    }

    /// A place that was told from this one on.
    pub(super) fn within(mut self, inside: Self) -> Self {
        self.0.extend(inside.0);
        self
    }

    /// Says what is wrong here.
    pub(super) fn wrong(self, text: impl Into<String>) -> Mistake {
        Mistake { place: self, text: text.into() }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    place: Place,
    text: String,
}

/// All that was found wrong with one version of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(Vec<Located>);

/// A mistake with its place in the text; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Located {
    line: usize,
    column: usize,
    /// Characters that it is about.
    width: usize,
    /// The line itself.
    source: String,
    text: String,
}

impl Mistakes {
    /// Finds the mistakes' places in the text.
    pub(super) fn locate(text: &str, mistakes: Vec<Mistake>) -> Self {
        let tree = DeTable::parse(text).ok();
        let located = mistakes.into_iter().map(|mistake| {
            let span = tree.as_ref().map_or(0..0, |tree| span(tree, &mistake.place));
            Located::new(text, span, mistake.text)
        });
        let mut located: Vec<_> = located.collect();
        located.sort_by_key(|mistake| (mistake.line, mistake.column));
        Self(located)
    }

    /// The text is no TOML, or not what belongs here.
    pub(super) fn unreadable(text: &str, error: &toml::de::Error) -> Self {
        Self(vec![Located::new(text, error.span().unwrap_or(0..0), error.message().to_owned())])
    }

    /// With the lines that they are in, for a person at a terminal.
    pub fn explain(&self, name: &str) -> String {
        self.0.iter().map(|mistake| mistake.explain(name)).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Located { line, column, text, .. }) in self.0.iter().enumerate() {
            let apart = if index == 0 { "" } else { "; " };
            write!(f, "{apart}line {line}, column {column}: {text}")?;
        }
        Ok(())
    }
}

impl Located {
    fn new(text: &str, span: Range<usize>, message: String) -> Self {
        let start = text.floor_char_boundary(span.start);
        let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let about = text[start..].chars().take(span.end.min(end).saturating_sub(start)).count();
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            width: about.max(1),
            source: text[begin..end].trim_end().to_owned(),
            text: message,
        }
    }

    fn explain(&self, name: &str) -> String {
        let Self { line, column, width, source, text } = self;
        let margin = " ".repeat(line.to_string().len());
        let marker = format!("{}{}", " ".repeat(column - 1), "^".repeat(*width));
        format!("{name}:{line}:{column}: {text}\n{margin} |\n{line} | {source}\n{margin} | {marker}\n")
    }
}

/// Where a place is in the text: as much of it as there is.
fn span(root: &Spanned<DeTable<'_>>, place: &Place) -> Range<usize> {
    let mut span = 0..0;
    let (mut table, mut list) = (Some(root.get_ref()), None);
    for step in &place.0 {
        let named = table.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == step));
        let numbered = || list.and_then(|list: &toml::de::DeArray<'_>| list.get(step.parse::<usize>().ok()?));
        let next =
            named.map(|(key, value)| (key.span(), value)).or_else(|| numbered().map(|value| (value.span(), value)));
        let Some((key, value)) = next else { break };
        let inside: &DeValue<'_> = value.get_ref();
        (table, list) = (inside.as_table(), inside.as_array());
        // Of what is long, its name.
        span = if table.is_none() && list.is_none() { value.span() } else { key };
    }
    span
}

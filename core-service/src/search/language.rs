//! The languages whose words are known by their stems.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A language. Words are found in any of their forms: `ropes` finds `rope`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Language {
    /// None: every word is as it is written.
    #[default]
    Simple,
    Arabic,
    Danish,
    Dutch,
    English,
    Finnish,
    French,
    German,
    Greek,
    Hungarian,
    Indonesian,
    Irish,
    Italian,
    Lithuanian,
    Nepali,
    Norwegian,
    Portuguese,
    Romanian,
    Russian,
    Spanish,
    Swedish,
    Tamil,
    Turkish,
}

impl Language {
    /// The text search configuration (`migrations/0075_search.sql`).
    pub(super) fn configuration(self) -> String {
        // Debug is the variant's name, and those are the languages'.
        format!("breakwater_{}", format!("{self:?}").to_lowercase())
    }
}

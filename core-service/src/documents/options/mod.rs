//! What a collection says of its documents besides their schema: unique fields, references, files, computed fields, a life cycle.
//!
//! Defaults and read-only fields stand in the schema itself, in JSON Schema's own words `default` and `readOnly`
//! ([`annotations`]). All fields are named as filters name them, `data.…`. Options are checked when they are set
//! ([`check`]), and hold for every document from then on, those that were there included.

pub mod annotations;
mod attachments;
mod check;
pub mod computed;
mod ids;
pub mod lifecycle;
pub mod model;
pub mod references;
pub mod unique;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) use self::check::check;
pub use self::lifecycle::{Lifecycle, Transition};
pub(super) use self::model::Model;
use crate::documents::collections::CollectionName;
use crate::search::Language;

/// What a collection says of its documents besides their schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// What no two documents have in common.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 10)]
    pub unique: Vec<Unique>,
    /// Which fields name documents of which collections.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 20)]
    pub references: Vec<Reference>,
    /// Which fields name files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 20)]
    pub files: Vec<FileField>,
    /// Fields that are worked out from others, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 20)]
    pub computed: Vec<Computed>,
    /// The states that documents go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub lifecycle: Option<Lifecycle>,
    /// Which documents everybody may read, without an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub public: Option<Public>,
    /// Which fields are searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub search: Option<Search>,
    /// For how many days deleted documents can be restored; 30 if it is not said, 0 for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, maximum = 3650)]
    pub trash_days: Option<u16>,
}

impl Options {
    /// For how long deleted documents stay in the trash, in days.
    pub(super) fn trash_days(&self) -> u16 {
        self.trash_days.unwrap_or(30)
    }

    /// Lets references follow a collection to another name.
    pub(super) fn rename(&mut self, from: &str, to: &CollectionName) {
        for reference in self.references.iter_mut().filter(|reference| reference.collection.as_str() == from) {
            reference.collection = to.clone();
        }
    }
}

/// Which documents everybody may read. Edges keep the answers until something is written to the collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Public {
    /// Those that this filter finds; all if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, max_length = 4096, example = r#"data.state eq "live""#)]
    pub filter: Option<String>,
    /// For how many seconds browsers, which nobody can tell of a write, may use an answer without asking; 0 if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, maximum = 86400)]
    pub max_age: Option<u32>,
}

/// What is searched in documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// In which language they are.
    #[serde(default)]
    #[schema(required = false)]
    pub language: Language,
    /// The fields. Of arrays and objects, all that can be read in them.
    #[schema(min_items = 1, max_items = 20)]
    pub fields: Vec<SearchField>,
}

/// A field that is searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchField {
    /// The field, as filters name it.
    #[schema(max_length = 500, example = "data.title")]
    pub field: String,
    /// How much a word counts that stands in it.
    #[serde(default)]
    #[schema(required = false)]
    pub weight: Weight,
}

/// How much a word counts: 1, 0.4, 0.2 and 0.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// As in a title.
    Highest,
    /// As in a summary.
    High,
    /// As in a heading.
    Medium,
    /// As in a text.
    #[default]
    Low,
}

/// A field, or several together, whose value no two documents of the collection share. Documents in which one of them is
/// absent or null do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unique {
    /// The fields, as filters name them.
    #[schema(min_items = 1, max_items = 4, example = json!(["data.slug"]))]
    pub fields: Vec<String>,
}

/// A field that holds the id of a document, or an array of such ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The field, as filters name it.
    #[schema(max_length = 500, example = "data.customer")]
    pub field: String,
    /// The collection of the documents that it names.
    pub collection: CollectionName,
    /// What happens when such a document is deleted.
    #[serde(default)]
    #[schema(required = false)]
    pub on_delete: OnDelete,
}

/// A field that holds the id of a file, or an array of such ids. A file that a document names is not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileField {
    /// The field, as filters name it.
    #[schema(max_length = 500, example = "data.photo")]
    pub field: String,
    /// Media types that such a file may have when it is named, `image/*` means all images; any, if it is not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 20, example = json!(["image/*"]))]
    pub accept: Vec<String>,
}

/// What happens to a document when one that it refers to is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The other one is not deleted.
    #[default]
    Restrict,
    /// The field becomes null; in an array, the id goes.
    SetNull,
    /// It is deleted, too.
    Cascade,
}

/// A field that is worked out from others whenever a document is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Computed {
    /// The field, as filters name it.
    #[schema(max_length = 500, example = "data.total")]
    pub field: String,
    /// How: numbers with `+ - * /`, texts joined by `&`, fields, parentheses.
    #[schema(max_length = 1000, example = "data.price * data.pieces")]
    pub value: String,
}

//! A member of a JSON Merge Patch (RFC 7396): absent, null, or a value.

use serde::{Deserialize, Deserializer};

/// What a patch says about one member. In a DTO: `#[serde(default)] #[schema(value_type = Option<T>)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing: it stays.
    #[default]
    Absent,
    /// Remove it.
    Null,
    /// Set it.
    Value(T),
}

impl<T> Patch<T> {
    /// What the member becomes when it is `current` now.
    pub fn or(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Absent => current,
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

//! Reads typed values out of one section, naming the key when one is bad.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use toml::{Table, Value};

use super::{ConfigError, Secret};

/// One section of the merged table. The loader has checked that keys and types are those of the defaults.
pub(super) struct Section<'a> {
    name: String,
    table: &'a Table,
}

impl<'a> Section<'a> {
    /// The section `name` of `table`.
    pub(super) fn of(table: &'a Table, name: &str) -> Result<Self, ConfigError> {
        let inner = table.get(name).and_then(Value::as_table);
        Ok(Self { name: name.to_owned(), table: inner.ok_or_else(|| ConfigError::new(name, "is missing"))? })
    }

    /// The section inside this one.
    pub(super) fn section(&self, name: &str) -> Result<Section<'a>, ConfigError> {
        let mut section = Section::of(self.table, name)?;
        section.name = self.key(name);
        Ok(section)
    }

    /// The names in this section.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.table.keys().map(String::as_str)
    }

    /// The full name of `key`.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    /// An error about `key`.
    pub(super) fn bad(&self, key: &str, reason: impl Into<String>) -> ConfigError {
        ConfigError::new(self.key(key), reason)
    }

    /// A string, trimmed; empty means not set.
    pub(super) fn optional(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        let value = self.table.get(key).and_then(Value::as_str);
        let value = value.ok_or_else(|| self.bad(key, "must be a string"))?.trim();
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// A string that must be set.
    pub(super) fn string(&self, key: &str) -> Result<&'a str, ConfigError> {
        self.optional(key)?.ok_or_else(|| self.bad(key, "must be set"))
    }

    /// A string that `T` can be read from.
    pub(super) fn parse<T>(&self, key: &str) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.string(key)?;
        text.parse().map_err(|error| self.bad(key, format!("`{text}`: {error}")))
    }

    /// The same, where it need not be set.
    pub(super) fn parse_optional<T>(&self, key: &str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.optional(key)?.map(|_| self.parse(key)).transpose()
    }

    /// A whole number within `range`.
    pub(super) fn integer<T>(&self, key: &str, range: RangeInclusive<i64>) -> Result<T, ConfigError>
    where
        T: TryFrom<i64>,
    {
        let (low, high) = (*range.start(), *range.end());
        let bad = || self.bad(key, format!("must be a whole number from {low} to {high}"));
        let value = self.table.get(key).and_then(Value::as_integer).ok_or_else(bad)?;
        if !range.contains(&value) {
            return Err(bad());
        }
        T::try_from(value).map_err(|_| bad())
    }

    /// A whole number of seconds.
    pub(super) fn seconds(&self, key: &str, range: RangeInclusive<i64>) -> Result<Duration, ConfigError> {
        self.integer(key, range).map(Duration::from_secs)
    }

    /// A whole number of milliseconds.
    pub(super) fn milliseconds(&self, key: &str, range: RangeInclusive<i64>) -> Result<Duration, ConfigError> {
        self.integer(key, range).map(Duration::from_millis)
    }

    /// True or false.
    pub(super) fn boolean(&self, key: &str) -> Result<bool, ConfigError> {
        self.table.get(key).and_then(Value::as_bool).ok_or_else(|| self.bad(key, "must be true or false"))
    }

    /// A list of strings.
    pub(super) fn list(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let bad = || self.bad(key, "must be a list of strings");
        let items = self.table.get(key).and_then(Value::as_array).ok_or_else(bad)?;
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(bad)).collect()
    }

    /// A secret: the value of `key`, or what the file named by `<key>_file` holds, which wins.
    pub(super) fn secret(&self, key: &str) -> Result<Option<Secret>, ConfigError> {
        let file_key = format!("{key}_file");
        let Some(path) = self.optional(&file_key)? else {
            return Ok(self.optional(key)?.map(Secret::new));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| self.bad(&file_key, format!("`{path}` cannot be read: {error}")))?;
        let text = text.trim();
        if text.is_empty() {
            return Err(self.bad(&file_key, format!("`{path}` is empty")));
        }
        Ok(Some(Secret::new(text)))
    }
}

//! Merges the defaults, a file and the environment into one table of known keys.
//!
//! The defaults are the register of what exists: a key that they lack is unknown, and a value of another type than
//! theirs is bad. A section named `*` is the form of those that an operator names.

use std::path::Path;

use toml::{Table, Value};

use super::ConfigError;

const PREFIX: &str = "BREAKWATER_";

/// The merged table.
pub(super) fn merged(
    defaults: &str,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Table, ConfigError> {
    let mut table: Table =
        defaults.parse().map_err(|error| ConfigError::new("config.default.toml", format!("{error}")))?;
    if let Some(path) = file {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(&name, format!("cannot be read: {error}")))?;
        let overrides: Table = text.parse().map_err(|error| ConfigError::new(&name, format!("is no TOML: {error}")))?;
        overlay(&mut table, overrides, "")?;
    }
    for (variable, value) in environment {
        // A name without `__` is no setting (BREAKWATER_TEST_POSTGRES, for example).
        if let Some(path) = variable.strip_prefix(PREFIX).filter(|p| p.contains("__")) {
            set_from_environment(&mut table, &variable, path, &value)?;
        }
    }
    Ok(table)
}

fn overlay(base: &mut Table, overrides: Table, prefix: &str) -> Result<(), ConfigError> {
    for (key, value) in overrides {
        let full = format!("{prefix}{key}");
        if value.is_table() {
            name_section(base, &key);
        }
        match (base.get_mut(&key), value) {
            (None, _) => return Err(ConfigError::new(full, "is no known key")),
            (Some(Value::Table(inner)), Value::Table(value)) => {
                overlay(inner, value, &format!("{full}."))?;
            }
            (Some(known), value) if known.same_type(&value) => *known = value,
            (Some(known), value) => {
                return Err(ConfigError::new(
                    full,
                    format!("must be of type {}, is {}", known.type_str(), value.type_str()),
                ));
            }
        }
    }
    Ok(())
}

/// Adds the section `name` after the form `*`, where there is one.
fn name_section(table: &mut Table, name: &str) {
    if let (false, Some(form)) = (table.contains_key(name), table.get("*").cloned()) {
        table.insert(name.to_owned(), form);
    }
}

fn set_from_environment(table: &mut Table, variable: &str, path: &str, text: &str) -> Result<(), ConfigError> {
    let unknown = || ConfigError::new(variable, "is no known setting");
    let mut segments = path.split("__").peekable();
    let mut table = table;
    loop {
        let segment = segments.next().ok_or_else(unknown)?.to_lowercase();
        // Variables cannot hold the dash of `sign-in`.
        let dashed = segment.replace('_', "-");
        name_section(table, &dashed);
        let key = [segment, dashed].into_iter().find(|key| table.contains_key(key)).ok_or_else(unknown)?;
        let value = table.get_mut(&key).ok_or_else(unknown)?;
        if segments.peek().is_none() {
            *value = parsed(value, variable, text)?;
            return Ok(());
        }
        table = value.as_table_mut().ok_or_else(unknown)?;
    }
}

fn parsed(known: &Value, variable: &str, text: &str) -> Result<Value, ConfigError> {
    let bad = |what: &str| ConfigError::new(variable, format!("must be {what}"));
    Ok(match known {
        Value::String(_) => Value::String(text.to_owned()),
        Value::Integer(_) => Value::Integer(text.trim().parse().map_err(|_| bad("a whole number"))?),
        Value::Boolean(_) => Value::Boolean(text.trim().parse().map_err(|_| bad("true or false"))?),
        Value::Array(_) => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        ),
        _ => return Err(ConfigError::new(variable, "names a section, not a setting")),
    })
}

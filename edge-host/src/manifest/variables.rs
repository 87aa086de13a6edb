//! The manifest's variables, as Spin's environment provider gives them, and templates over them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// A variable's declaration. Spin has more fields, which mean nothing here.
#[derive(Deserialize)]
pub struct Declared {
    default: Option<String>,
}

/// Variables by name.
pub struct Variables<'a, E> {
    declared: &'a BTreeMap<String, Declared>,
    environment: E,
}

impl<'a, E: Fn(&str) -> Option<String>> Variables<'a, E> {
    pub fn new(declared: &'a BTreeMap<String, Declared>, environment: E) -> Self {
        Self { declared, environment }
    }

    fn get(&self, name: &str) -> Result<String> {
        let declared = self.declared.get(name).with_context(|| format!("[variables] has no `{name}`"))?;
        let key = format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase());
        (self.environment)(&key)
            .or_else(|| declared.default.clone())
            .with_context(|| format!("the variable `{name}` is not set: put it into the environment as {key}"))
    }

    /// Fills in `{{ name }}`.
    pub fn fill(&self, template: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { bail!("`{template}` has {{{{ without }}}}") };
            filled.push_str(before);
            filled.push_str(&self.get(name.trim())?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn fills_in() {
        let declared = BTreeMap::from([
            ("a".to_owned(), Declared { default: Some("1".to_owned()) }),
            ("b_c".to_owned(), Declared { default: Some("2".to_owned()) }),
            ("none".to_owned(), Declared { default: None }),
        ]);
        let variables = Variables::new(&declared, |name| (name == "SPIN_VARIABLE_B_C").then(|| "set".to_owned()));
        assert_eq!(variables.fill("x{{a}}y{{ b_c }}z").unwrap(), "x1ysetz");
        assert_eq!(variables.fill("plain } {").unwrap(), "plain } {");
        for bad in ["{{ a", "{{ unknown }}", "{{ none }}"] {
            assert!(variables.fill(bad).is_err(), "{bad}");
        }
    }
}

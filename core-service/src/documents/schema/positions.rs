//! Where in a schema its subschemas are, and which of them look at which value.

use crate::documents::bounds::push_token;
use crate::problem::FieldError;
use serde_json::Value;
use std::collections::HashMap;

/// One subschema, by what its own subschemas look at. Numbers are places in the list of all.
#[derive(Debug, Default)]
pub(super) struct Position {
    pub(super) pointer: String,
    /// Look at the same value, every one.
    pub(super) same: Vec<usize>,
    /// Look at a value inside it, each at another one.
    pub(super) apart: Vec<usize>,
    /// Look at values inside it, perhaps all at the same one.
    pub(super) inside: Vec<usize>,
}

/// How many patterns a schema may have: each is a compiled automaton.
const MAX_PATTERNS: usize = 64;

/// All subschemas, the whole first, and how many patterns they have. The schema fits the meta-schema already.
pub(super) fn of(schema: &Value) -> Result<(Vec<Position>, usize), Vec<FieldError>> {
    let mut walk = Walk::default();
    walk.visit(schema, &mut String::new());
    if walk.patterns > MAX_PATTERNS {
        let message = format!("has more than {MAX_PATTERNS} patterns");
        walk.errors.push(FieldError::new("", "maxPatterns", message));
    }
    walk.follow();
    if walk.errors.is_empty() {
        Ok((walk.positions, walk.patterns))
    } else {
        walk.errors.truncate(crate::documents::bounds::MOST_ERRORS);
        Err(walk.errors)
    }
}

#[derive(Default)]
struct Walk {
    positions: Vec<Position>,
    /// By fragment: a JSON Pointer, or an anchor's name.
    targets: HashMap<String, usize>,
    references: Vec<(usize, &'static str, String)>,
    patterns: usize,
    errors: Vec<FieldError>,
}

impl Walk {
    fn visit(&mut self, schema: &Value, pointer: &mut String) -> usize {
        let index = self.positions.len();
        self.positions.push(Position { pointer: pointer.clone(), ..Position::default() });
        self.targets.insert(pointer.clone(), index);
        let Some(schema) = schema.as_object() else {
            return index; // `true` or `false`
        };
        for (keyword, value) in schema {
            let length = pointer.len();
            push_token(pointer, keyword);
            match keyword.as_str() {
                "allOf" | "anyOf" | "oneOf" | "dependentSchemas" => {
                    let subschemas = self.visit_each(value, pointer);
                    self.positions[index].same.extend(subschemas);
                }
                "not" | "if" | "then" | "else" => {
                    let subschema = self.visit(value, pointer);
                    self.positions[index].same.push(subschema);
                }
                "properties" | "prefixItems" => {
                    let subschemas = self.visit_each(value, pointer);
                    self.positions[index].apart.extend(subschemas);
                }
                "patternProperties" => {
                    self.patterns += value.as_object().map_or(0, serde_json::Map::len);
                    let subschemas = self.visit_each(value, pointer);
                    self.positions[index].inside.extend(subschemas);
                }
                "items"
                | "contains"
                | "additionalProperties"
                | "propertyNames"
                | "unevaluatedItems"
                | "unevaluatedProperties" => {
                    let subschema = self.visit(value, pointer);
                    self.positions[index].inside.push(subschema);
                }
                "$defs" | "definitions" => drop(self.visit_each(value, pointer)),
                "pattern" => self.patterns += 1,
                "$ref" => self.refer(index, "$ref", value),
                "$dynamicRef" => self.refer(index, "$dynamicRef", value),
                "$anchor" | "$dynamicAnchor" => {
                    let name = value.as_str().unwrap_or_default().to_owned();
                    if self.targets.insert(name, index).is_some_and(|other| other != index) {
                        let message = "is the name of another anchor too";
                        self.errors.push(FieldError::new(&**pointer, "unique", message));
                    }
                }
                "$id" | "$schema" if index > 0 => {
                    let message = "is allowed at the top only";
                    self.errors.push(FieldError::new(&**pointer, "unknown", message));
                }
                _ => {}
            }
            pointer.truncate(length);
        }
        index
    }

    /// Visits the subschemas in an array or an object.
    fn visit_each(&mut self, value: &Value, pointer: &mut String) -> Vec<usize> {
        let length = pointer.len();
        let mut visit = |name: &str, subschema: &Value| {
            push_token(pointer, name);
            let index = self.visit(subschema, pointer);
            pointer.truncate(length);
            index
        };
        match value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(place, item)| visit(&place.to_string(), item)).collect()
            }
            Value::Object(members) => members.iter().map(|(name, member)| visit(name, member)).collect(),
            _ => Vec::new(),
        }
    }

    fn refer(&mut self, index: usize, keyword: &'static str, value: &Value) {
        let reference = value.as_str().unwrap_or_default().to_owned();
        self.references.push((index, keyword, reference));
    }

    /// Finds what every reference refers to. With one resource only, a dynamic reference is a plain one.
    fn follow(&mut self) {
        for (index, keyword, reference) in std::mem::take(&mut self.references) {
            let fragment = reference
                .strip_prefix('#')
                .map(|fragment| percent_encoding::percent_decode_str(fragment).decode_utf8_lossy().into_owned());
            match fragment.and_then(|fragment| self.targets.get(&fragment)) {
                Some(&target) => self.positions[index].same.push(target),
                None => {
                    let pointer = format!("{}/{keyword}", self.positions[index].pointer);
                    let message = "must be `#` and the place of a schema in this schema";
                    self.errors.push(FieldError::new(pointer, keyword, message));
                }
            }
        }
    }
}

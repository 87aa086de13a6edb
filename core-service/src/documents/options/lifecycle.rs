//! The life cycle of documents: named states, and who may lead from which to which.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::{Access, RoleName};
use crate::documents::places::{self, path};
use crate::documents::query::field::DataPath;
use crate::problem::{Problem, Result, kinds};

/// The states that a collection's documents go through. A state is what its field says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// The field that says the state, as filters name it.
    #[schema(max_length = 500, example = "data.state")]
    pub field: String,
    /// The state of new documents.
    #[schema(min_length = 1, max_length = 100, example = "draft")]
    pub initial: String,
    /// The ways from state to state.
    #[schema(min_items = 1, max_items = 100)]
    pub transitions: Vec<Transition>,
}

/// A way from one state, or several, to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// From any of these.
    #[schema(min_items = 1, max_items = 50, example = json!(["draft"]))]
    pub from: Vec<String>,
    /// To this.
    #[schema(min_length = 1, max_length = 100, example = "review")]
    pub to: String,
    /// For who has one of these roles; when none is named, for everybody who may write the document. Owners may go all ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 50)]
    pub roles: Vec<RoleName>,
}

impl Transition {
    fn is_for(&self, roles: &[String]) -> bool {
        let named = |role: &String| role == "owner" || self.roles.iter().any(|named| named.as_str() == role);
        self.roles.is_empty() || roles.iter().any(named)
    }
}

impl Lifecycle {
    /// Every state that there is.
    pub fn states(&self) -> BTreeSet<&str> {
        let ways = self.transitions.iter().flat_map(|way| way.from.iter().chain([&way.to]));
        ways.chain([&self.initial]).map(String::as_str).collect()
    }

    fn path(&self) -> DataPath {
        // Checked when it was set.
        path(&self.field).unwrap_or_else(|| DataPath::new([""]))
    }

    /// Puts a new document into the initial state; 409 if it says another.
    pub fn begin(&self, data: &mut Value) -> Result<()> {
        let path = self.path();
        match path.of(data) {
            Some(Value::String(state)) if *state == self.initial => Ok(()),
            Some(_) => Err(refused(&self.field, &json!(null), &[&self.initial], "A new document begins in")),
            None => {
                places::put(data, path.segments(), json!(self.initial));
                Ok(())
            }
        }
    }

    /// 409 if there is no such way, 403 if it is not for the caller.
    pub fn allow(&self, access: &Access, before: &Value, after: &Value) -> Result<()> {
        let path = self.path();
        let (before, after) = (path.of(before), path.of(after));
        if before == after {
            return Ok(());
        }
        let Some(from) = before.and_then(Value::as_str) else {
            // It was there before there was a life cycle.
            let begins = after.and_then(Value::as_str) == Some(&self.initial);
            let problem = || refused(&self.field, &json!(before), &[&self.initial], "From no state, one can go to");
            return if begins { Ok(()) } else { Err(problem()) };
        };
        let ways = || self.transitions.iter().filter(|way| way.from.iter().any(|state| state == from));
        let open: Vec<&str> = ways().filter(|way| way.is_for(access.roles())).map(|way| way.to.as_str()).collect();
        let to = after.and_then(Value::as_str);
        match to {
            Some(to) if open.contains(&to) => Ok(()),
            Some(to) if ways().any(|way| way.to == to) => {
                let why = format!("does not go from {from:?} to {to:?} with your roles");
                Err(access.denied_field(&self.field, &why).with("allowed", json!(open)))
            }
            _ => Err(refused(&self.field, &json!(from), &open, &format!("From {from:?}, one can go to"))),
        }
    }
}

fn refused(field: &str, from: &Value, allowed: &[&str], begins: &str) -> Problem {
    let states = if allowed.is_empty() { "no other".to_owned() } else { allowed.join(", ") };
    Problem::new(&kinds::TRANSITION_REFUSED)
        .detail(format!("{begins}: {states}."))
        .with("field", json!(field))
        .with("from", from.clone())
        .with("allowed", json!(allowed))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_document_begins_where_it_should() {
        let way = Transition { from: vec!["draft".into()], to: "live".into(), roles: vec![] };
        let cycle = Lifecycle { field: "data.at.state".into(), initial: "draft".into(), transitions: vec![way] };
        let mut data = json!({ "at": {} });
        cycle.begin(&mut data).unwrap();
        assert_eq!(data, json!({ "at": { "state": "draft" } }));
        cycle.begin(&mut data).unwrap();
        for wrong in [json!({ "at": { "state": "live" } }), json!({ "at": { "state": 1 } })] {
            assert_eq!(cycle.begin(&mut wrong.clone()).unwrap_err().kind(), &kinds::TRANSITION_REFUSED);
        }
        assert_eq!(cycle.states().into_iter().collect::<Vec<_>>(), ["draft", "live"]);
    }
}

//! `gateway.toml`: what an operator declares for the edges, beside what the core says of itself.
//!
//! Rules: unknown names are refused; every mistake is told with its line; what comes of the file is tried on the edges'
//! own policies before it is published (docs/decisions/0020), so that a mistake stops the core's start or keeps the
//! last good file, and never reaches an edge; no route takes requests of the core's own unless it says so.

mod callers;
mod check;
mod file;
mod limit;
mod mistake;
mod notices;
mod route;
mod shadow;
mod trail;
mod trial;
mod upstream;
pub mod watch;

use serde_json::{Value, json};

pub(super) use self::callers::Issuer;
pub(super) use self::file::File;
pub(super) use self::mistake::Mistakes;
use super::routes::Own;

/// Where the file's own entries begin in the lists of the snapshot that hold ours as well.
struct Offsets {
    routes: usize,
    limits: usize,
}

/// Adds to the snapshot's document what the file says, or tells what is wrong with it.
///
/// The issuers whose keys are fetched are not in it: they come and go with their keys.
pub(super) fn merge(document: &mut Value, text: &str, file: &File, own: &Own) -> Result<(), Mistakes> {
    let told = |mistakes| Mistakes::locate(text, mistakes);
    let mistakes = check::all(file, document, own);
    if !mistakes.is_empty() {
        return Err(told(mistakes));
    }
    let length = |list: &Value| list.as_array().map_or(0, Vec::len);
    if file.routes.iter().any(|route| route.id == Own::FILES) {
        let routes = document["routing"]["routes"].as_array_mut();
        routes.into_iter().for_each(|routes| routes.retain(|route| route["id"] != Own::FILES));
    }
    let offsets = Offsets {
        routes: length(&document["routing"]["routes"]),
        limits: length(&document["rate_limiting"]["limits"]),
    };
    fill(document, file, own).map_err(|mistake| told(vec![mistake]))?;
    let mistakes = trial::all(document, file, &offsets);
    if mistakes.is_empty() { Ok(()) } else { Err(told(mistakes)) }
}

fn fill(document: &mut Value, file: &File, own: &Own) -> Result<(), mistake::Mistake> {
    for (name, upstream) in &file.upstreams {
        document["upstreams"][name] = upstream.published();
    }
    let routing = &mut document["routing"];
    extend(&mut routing["routes"], file.routes.iter().map(|route| route.published(file.versioning.as_ref(), own)));
    if let Some(versioning) = &file.versioning {
        routing["versioning"] = versioning.published();
    }
    if let Some(maintenance) = &file.maintenance {
        routing["maintenance"] = json!(maintenance);
    }
    extend(&mut document["rate_limiting"]["limits"], file.limits.iter().map(|limit| without_nulls(json!(limit))));
    if let (Some(caching), Value::Object(more)) = (document["caching"].as_object_mut(), json!(file.caching)) {
        caching.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    callers::fill(&mut document["authentication"], file)
}

fn extend(list: &mut Value, more: impl Iterator<Item = Value>) {
    if let Some(list) = list.as_array_mut() {
        list.extend(more);
    }
}

/// TOML has no null: what is null was not said.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members.into_iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

//! The snapshot is tried on the edges' own policies, and on its schema, before anybody gets it.

use breakwater_auth::Authenticator;
use breakwater_cache::Cache;
use breakwater_pipeline::{Snapshot, SnapshotError};
use breakwater_rate_limit::RateLimiter;
use breakwater_router::Router;
use serde_json::{Value, json};

use super::file::File;
use super::mistake::{Mistake, Place, at};
use super::{Offsets, extend};

/// Members that a route can do without: one whose absence cures the route is the one that was wrong.
const OPTIONAL: [(&str, &str); 12] = [
    ("hosts", "hosts"),
    ("when", "when"),
    ("version", "version"),
    ("rewrite", "rewrite"),
    ("query", "query"),
    ("request", "request"),
    ("response", "response"),
    ("notices", "link"),
    ("maintenance", "maintenance"),
    ("cors", "cors"),
    ("mirror", "mirror"),
    ("limits", "limits"),
];

/// Everything that edges would refuse.
pub(super) fn all(document: &Value, file: &File, offsets: &Offsets) -> Vec<Mistake> {
    let document = &completed(document, file);
    let mut mistakes = routes(document, file, offsets);
    let section = |name: &str| document[name].to_string().into_bytes();
    if let Err(reason) = RateLimiter::default().configure(&section("rate_limiting")) {
        mistakes.push(limit(file, &reason).wrong(reason));
    }
    if let Err(reason) = Authenticator::default().configure(&section("authentication")) {
        mistakes.push(issuer(file, &reason).wrong(reason));
    }
    if let Err(reason) = Cache::default().configure(&section("caching")) {
        mistakes.push(at("caching").wrong(reason));
    }
    if mistakes.is_empty() {
        mistakes.extend(pipeline(document));
    }
    if mistakes.is_empty() {
        mistakes.extend(schema(document, file, offsets));
    }
    mistakes
}

/// What the pipeline reads for itself.
fn pipeline(document: &Value) -> Option<Mistake> {
    match Snapshot::parse(document.to_string().as_bytes()).err()? {
        SnapshotError::Upstream(name, reason) => Some(at("upstreams").of(name).wrong(reason)),
        error => Some(at("upstreams").wrong(error.to_string())),
    }
}

/// With something in place of what is filled in later: the version, and keys that are fetched or ours.
fn completed(document: &Value, file: &File) -> Value {
    let mut document = document.clone();
    document["version"] = json!("0");
    let issuers = &mut document["authentication"]["issuers"];
    issuers[0]["algorithms"] = json!(["EdDSA"]);
    issuers[0]["jwks_uri"] = json!("https://to.be.filled.in");
    let fetched = file.issuers.iter().filter(|issuer| issuer.jwks_uri.is_some());
    extend(issuers, fetched.map(|issuer| issuer.published(json!({ "keys": [] }))));
    document
}

/// Each route by itself, and then all of them beside each other.
fn routes(document: &Value, file: &File, offsets: &Offsets) -> Vec<Mistake> {
    let (all, versioning) = (&document["routing"]["routes"], &document["routing"]["versioning"]);
    let refused = |routes: Value| {
        let section = json!({ "routes": routes, "versioning": versioning });
        Router::default().configure(section.to_string().as_bytes()).err()
    };
    if let Some(reason) = refused(json!([])) {
        return vec![at("versioning").wrong(reason)];
    }
    let mut mistakes = Vec::new();
    for (number, route) in all.as_array().into_iter().flatten().skip(offsets.routes).enumerate() {
        let Some(reason) = refused(json!([route])) else { continue };
        let is_to_blame = |member: &str| {
            let mut without = route.clone();
            let removed = without.as_object_mut().and_then(|members| members.remove(member));
            removed.is_some() && refused(json!([without])).is_none()
        };
        let blamed = OPTIONAL.iter().find(|(member, _)| is_to_blame(member)).map(|(_, name)| *name);
        let blamed = blamed.unwrap_or_else(|| required(&reason));
        let reason = reason.split_once("\": ").map_or(reason.as_str(), |(_, reason)| reason).to_owned();
        mistakes.push(at("routes").of(number).of(blamed).wrong(reason));
    }
    if mistakes.is_empty()
        && let Some(reason) = refused(all.clone())
    {
        mistakes.push(conflict(file, reason));
    }
    mistakes
}

/// The router's words begin with what they are about.
fn required(reason: &str) -> &'static str {
    let about = |word: &str| reason.contains(&format!("\": {word}"));
    if about("path ") {
        "path"
    } else if about("redirect ") || about("template ") {
        "redirect"
    } else if reason.contains("method") {
        "methods"
    } else if about("a split ") {
        "split"
    } else if about("scopes ") {
        "scopes"
    } else {
        "id"
    }
}

/// The later one of the two that the router names.
fn conflict(file: &File, reason: String) -> Mistake {
    let named = file.routes.iter().rposition(|route| reason.contains(&format!("{:?}", route.id)));
    named.map_or_else(|| at("routes"), |number| at("routes").of(number).of("path")).wrong(reason)
}

fn limit(file: &File, reason: &str) -> Place {
    let named = file.limits.iter().rposition(|limit| reason.contains(&format!("{:?}", limit.name)));
    named.map_or_else(|| at("limits"), |number| at("limits").of(number).of("name"))
}

fn issuer(file: &File, reason: &str) -> Place {
    let named = file.issuers.iter().rposition(|issuer| reason.contains(&format!("{:?}", issuer.issuer)));
    let members = ["introspection", "api_keys", "certificates", "claim_headers"];
    // The policy's words begin with the member, with blanks.
    let member = members.into_iter().find(|member| {
        reason.contains(member) || reason.contains(&member.replace('_', " ").trim_end_matches('s').to_owned())
    });
    match (named, member) {
        (Some(number), _) => at("issuers").of(number).of("issuer"),
        (None, Some(member)) => at(member),
        (None, None) => at("issuers"),
    }
}

/// The schema that is published: other edges than ours may be stricter than our policies.
fn schema(document: &Value, file: &File, offsets: &Offsets) -> Option<Mistake> {
    let schema = include_str!("../../../../docs/schemas/edge-snapshot.schema.json");
    let schema = serde_json::from_str(schema).map_err(|error| error.to_string());
    let validator = schema.and_then(|schema: Value| jsonschema::validator_for(&schema).map_err(|e| e.to_string()));
    let validator = match validator {
        Ok(validator) => validator,
        Err(error) => return Some(Place::default().wrong(format!("the schema of the snapshot: {error}"))),
    };
    let error = validator.iter_errors(document).next()?;
    let path = error.instance_path().to_string();
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    Some(place_of(&steps, document, file, offsets).wrong(error.to_string()))
}

/// Where the file says what the snapshot has at this path.
fn place_of(steps: &[&str], document: &Value, file: &File, offsets: &Offsets) -> Place {
    let number = |text: &str| text.parse::<usize>().unwrap_or_default();
    let (place, rest) = match steps {
        ["routing", "routes", n, rest @ ..] => (at("routes").of(number(n).saturating_sub(offsets.routes)), rest),
        ["rate_limiting", "limits", n, rest @ ..] => (at("limits").of(number(n).saturating_sub(offsets.limits)), rest),
        ["authentication", "issuers", n, rest @ ..] => {
            let name = &document["authentication"]["issuers"][number(n)]["issuer"];
            let place = file.issuers.iter().position(|issuer| *name == issuer.issuer);
            (at("issuers").of(place.unwrap_or_default()), rest)
        }
        // Upstreams and caching have the same names in both.
        [section @ ("upstreams" | "caching"), rest @ ..] => (at(section), rest),
        [_, rest @ ..] => (Place::default(), rest),
        [] => (Place::default(), steps),
    };
    rest.iter().fold(place, Place::of)
}

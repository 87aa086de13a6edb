//! What upstreams are told of a caller: claims as headers, and the plan.

use std::collections::BTreeMap;

use breakwater_kit::types::{Caller, Field};
use serde_json::{Map, Value};

/// Headers that mean something to HTTP, to the edge or to an upstream's safety, and are no place for claims.
const RESERVED: [&str; 22] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "traceparent",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-request-id",
];

/// Which claims go where.
#[derive(Default)]
pub struct Told {
    /// Header and claim.
    headers: Vec<(String, String)>,
    plan: String,
}

impl Told {
    /// Headers and the claims that they hold, and the claim that names the plan.
    pub fn new(headers: &BTreeMap<String, String>, plan: &str) -> Result<Self, String> {
        let mut told = Self { headers: Vec::with_capacity(headers.len()), plan: plan.to_owned() };
        for (name, claim) in headers {
            let name = name.to_ascii_lowercase();
            let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let ours = ["breakwater-", "spin-", "x-forwarded-", "sec-"].iter().any(|prefix| name.starts_with(prefix));
            if !named || ours || RESERVED.contains(&name.as_str()) {
                return Err(format!("claim_headers: {name:?} is no header that may hold a claim"));
            }
            told.headers.push((name, claim.clone()));
        }
        told.headers.sort();
        if let Some(twice) = told.headers.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!("claim_headers: {:?} is there twice", twice[0].0));
        }
        Ok(told)
    }

    /// Adds to a caller what these claims say. Does nothing without claims or headers to fill.
    pub fn tell(&self, caller: &mut Caller, claims: &Value) {
        caller.plan = claim(claims, &self.plan).and_then(text);
        for (name, source) in &self.headers {
            if let Some(value) = claim(claims, source).and_then(text) {
                caller.headers.push(Field::new(name.as_str(), value));
            }
        }
    }
}

/// A claim by its name, or by a JSON pointer (RFC 6901) to one inside.
fn claim<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    if name.starts_with('/') { claims.pointer(name) } else { claims.get(name) }
}

/// A claim as a header's value; lists are lists (RFC 9110, section 5.6.1). What could not stand in one is left out.
fn text(claim: &Value) -> Option<String> {
    let plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control) && text.trim() == text;
    match claim {
        Value::String(text) => plain(text).then(|| text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(claim.to_string()),
        Value::Array(items) => {
            let items =
                items.iter().filter(|item| !item.is_array()).filter_map(text).filter(|item| !item.contains(','));
            let list = items.collect::<Vec<_>>().join(", ");
            (!list.is_empty()).then_some(list)
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// What is known of a caller without a token, as claims.
pub fn claims_of(caller: &Caller, more: &Map<String, Value>) -> Value {
    let mut claims = more.clone();
    claims.insert("iss".into(), caller.issuer.as_str().into());
    claims.insert("sub".into(), caller.subject.as_str().into());
    claims.insert("scope".into(), caller.scopes.join(" ").into());
    Value::Object(claims)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn claims_become_headers() {
        let names = [
            ("X-User", "sub"),
            ("x-admin", "admin"),
            ("x-groups", "groups"),
            ("x-roles", "/realm_access/roles"),
            ("x-bad", "bad"),
            ("x-none", "none"),
            ("x-object", "realm_access"),
        ];
        let names = names.map(|(name, claim)| (name.to_owned(), claim.to_owned())).into();
        let told = Told::new(&names, "plan").unwrap();
        let mut caller = Caller::default();
        let claims = json!({
            "sub": "ada", "admin": true, "plan": "gold", "bad": "a\r\nx-admin: true",
            "groups": ["a", "b,c", 7, "d\n", ["e"]], "realm_access": {"roles": ["r1", "r2"]},
        });
        told.tell(&mut caller, &claims);
        let headers: Vec<_> =
            caller.headers.iter().map(|f| format!("{}: {}", f.name, String::from_utf8_lossy(&f.value))).collect();
        assert_eq!(headers, ["x-admin: true", "x-groups: a, 7", "x-roles: r1, r2", "x-user: ada"]);
        assert_eq!(caller.plan.as_deref(), Some("gold"));
    }

    #[test]
    fn what_is_no_place_for_claims_is_refused() {
        for name in ["", "authorization", "Host", "breakwater-edge", "x-forwarded-for", "x user", "x_user", "x\n"] {
            assert!(Told::new(&[(name.to_owned(), "sub".to_owned())].into(), "plan").is_err(), "{name}");
        }
    }
}

//! The section `authentication` of the snapshot, and the checks that it asks for.

use std::collections::HashSet;

use breakwater_kit::types::Caller;
use serde::Deserialize;
use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::keys::Key;
use crate::token::Token;

/// More leeway than this is a mistake, not a clock.
const MAX_LEEWAY_SECONDS: u64 = 600;

/// Whom the edge believes.
#[derive(Default)]
pub struct Trust {
    /// What the issuers were made from, to see whether a new section changes them.
    source: Source,
    issuers: Vec<Issuer>,
    revoked: HashSet<String>,
}

#[derive(Default, PartialEq)]
struct Source {
    leeway: u64,
    issuers: Vec<RawIssuer>,
}

struct Issuer {
    name: String,
    audiences: Vec<String>,
    /// Lower-case, without `application/`.
    types: Vec<String>,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Section {
    #[serde(default = "default_leeway")]
    leeway_seconds: u64,
    issuers: Vec<RawIssuer>,
    #[serde(default)]
    revoked_sessions: Vec<Revoked>,
}

#[derive(PartialEq, Deserialize)]
struct RawIssuer {
    issuer: String,
    audiences: Vec<String>,
    algorithms: Vec<String>,
    #[serde(default = "default_types")]
    token_types: Vec<String>,
    jwks: Jwks,
}

#[derive(PartialEq, Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// The core says until when the session's tokens could live; after that it leaves the entry out.
#[derive(Deserialize)]
struct Revoked {
    session: String,
}

fn default_leeway() -> u64 {
    60
}

fn default_types() -> Vec<String> {
    vec!["at+jwt".into()]
}

impl Trust {
    /// Takes a new section, or says what is wrong with it. The answer is whether anything but revocations changed.
    pub fn update(&mut self, section: &[u8]) -> Result<bool, String> {
        let section: Section = serde_json::from_slice(section).map_err(|error| format!("authentication: {error}"))?;
        let source = Source { leeway: section.leeway_seconds, issuers: section.issuers };
        let changed = source != self.source;
        if changed {
            self.issuers = read(&source)?;
            self.source = source;
        }
        self.revoked = section.revoked_sessions.into_iter().map(|entry| entry.session).collect();
        Ok(changed)
    }

    /// The caller behind a token, if everything about it is good. The cheap questions come first.
    pub fn check(&self, text: &str, now: u64) -> Option<Caller> {
        let Token { header, claims, message, signature } = Token::parse(text)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.name == claims.iss)?;
        let plausible = !header.crit
            && issuer.takes_type(header.typ.as_deref()?)
            && claims.aud.is_one_of(&issuer.audiences)
            && !claims.sub.is_empty()
            && claims.nbf <= now.saturating_add(self.source.leeway);
        if !plausible {
            return None;
        }
        let scopes = claims.scope.as_deref().unwrap_or_default().split(' ').filter(|scope| !scope.is_empty());
        let caller = Caller {
            issuer: claims.iss,
            subject: claims.sub,
            session: claims.sid,
            scopes: scopes.map(Into::into).collect(),
            expires_at: claims.exp,
        };
        if !self.still_good(&caller, now) {
            return None;
        }
        let key = issuer.key(header.kid.as_deref(), header.alg)?;
        key.verify(header.alg, message.as_bytes(), &signature).then_some(caller)
    }

    /// What can change about a token that was good once: its time and its session.
    pub fn still_good(&self, caller: &Caller, now: u64) -> bool {
        now < caller.expires_at.saturating_add(self.source.leeway)
            && caller.session.as_ref().is_none_or(|session| !self.revoked.contains(session))
    }
}

impl Issuer {
    /// RFC 9068, section 4; the prefix may be left out, and case does not count (RFC 7515, section 4.1.9).
    fn takes_type(&self, typ: &str) -> bool {
        self.types.contains(&media_type(typ))
    }

    /// The key of this id. A token without one is checked by the issuer's only key for the algorithm, if it has just one.
    fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut keys = self.keys.iter().filter(|key| key.takes(algorithm));
        match id {
            Some(id) => keys.find(|key| key.id.as_deref() == Some(id)),
            None => keys.next().filter(|_| keys.next().is_none()),
        }
    }
}

fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower.strip_prefix("application/").map(Into::into).unwrap_or(lower)
}

fn read(source: &Source) -> Result<Vec<Issuer>, String> {
    if source.leeway > MAX_LEEWAY_SECONDS {
        return Err(format!("leeway_seconds is more than {MAX_LEEWAY_SECONDS}"));
    }
    let mut issuers: Vec<Issuer> = Vec::with_capacity(source.issuers.len());
    for raw in &source.issuers {
        let issuer = issuer(raw).map_err(|error| format!("issuer {:?}: {error}", raw.issuer))?;
        if issuers.iter().any(|other| other.name == issuer.name) {
            return Err(format!("issuer {:?}: there are two of this name", issuer.name));
        }
        issuers.push(issuer);
    }
    Ok(issuers)
}

fn issuer(raw: &RawIssuer) -> Result<Issuer, String> {
    let blank = |list: &[String]| list.is_empty() || list.iter().any(String::is_empty);
    if raw.issuer.is_empty() {
        return Err("the name is empty".into());
    }
    if blank(&raw.audiences) {
        return Err("audiences are missing or empty".into());
    }
    if blank(&raw.token_types) {
        return Err("token_types are missing or empty".into());
    }
    if raw.algorithms.is_empty() {
        return Err("algorithms are missing".into());
    }
    let algorithm = |name: &String| name.parse().map_err(|_| format!("algorithm {name:?} is not known"));
    let algorithms = raw.algorithms.iter().map(algorithm).collect::<Result<Vec<Algorithm>, _>>()?;
    let keys: Vec<Key> = raw.jwks.keys.iter().filter_map(|jwk| Key::new(jwk, &algorithms)).collect();
    if keys.is_empty() {
        return Err("no key can be used with its algorithms".into());
    }
    Ok(Issuer {
        name: raw.issuer.clone(),
        audiences: raw.audiences.clone(),
        types: raw.token_types.iter().map(|name| media_type(name)).collect(),
        keys,
    })
}

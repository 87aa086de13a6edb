//! The section `authentication` of the snapshot, and the checks that it asks for.

use std::collections::{BTreeMap, HashSet};

use breakwater_kit::network::Network;
use breakwater_kit::types::{Caller, Introspection, Opinion};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::algorithm::Algorithm;
use crate::api_keys::ApiKeys;
use crate::certificates::Certificates;
use crate::cookies::Cookies;
use crate::introspection::{Said, Server};
use crate::keys::Key;
use crate::memory::Known;
use crate::own_keys::{self, OwnKeys};
use crate::token::{Token, claims};
use crate::told::Told;

/// More leeway than this is a mistake, not a clock.
const MAX_LEEWAY_SECONDS: u64 = 600;

/// Whom the edge believes.
#[derive(Default)]
pub struct Trust {
    /// What the rest was made from, to see whether a new section changes it.
    source: Source,
    issuers: Vec<Issuer>,
    revoked: HashSet<String>,
    /// What `api_keys` was made from.
    keys_source: Box<str>,
    pub api_keys: ApiKeys,
    pub certificates: Certificates,
    pub told: Told,
}

#[derive(Default, PartialEq)]
struct Source {
    leeway: u64,
    issuers: Vec<RawIssuer>,
    introspection: Option<Server>,
    own_keys: Option<OwnKeys>,
    cookies: Option<Cookies>,
    claim_headers: BTreeMap<String, String>,
    plan_claim: String,
}

/// Who is asked about a token that cannot be read here.
pub enum Asked<'a> {
    /// An authorization server.
    Server(&'a Server),
    /// The core.
    Core(&'a OwnKeys),
}

struct Issuer {
    name: String,
    audiences: Vec<String>,
    /// Lower-case, without `application/`.
    types: Vec<String>,
    keys: Vec<Key>,
    /// Whether the core fetches its keys, so that one that is missing may only be new.
    fetched: bool,
}

#[derive(Deserialize)]
struct Section<'a> {
    #[serde(default = "default_leeway")]
    leeway_seconds: u64,
    issuers: Vec<RawIssuer>,
    introspection: Option<Server>,
    own_keys: Option<OwnKeys>,
    cookies: Option<Cookies>,
    #[serde(borrow)]
    api_keys: Option<&'a RawValue>,
    #[serde(default)]
    certificates: Certificates,
    #[serde(default)]
    claim_headers: BTreeMap<String, String>,
    #[serde(default = "default_plan_claim")]
    plan_claim: String,
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
    jwks_uri: Option<String>,
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

fn default_plan_claim() -> String {
    "plan".into()
}

/// Why a token is not good.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is nobody's business why.
    Invalid,
    /// This issuer may have signed it with a key that is not known here yet.
    UnknownKey(String),
}

impl Asked<'_> {
    /// What is asked about a token that came from this address; none if nobody need be asked to refuse it.
    pub fn question(&self, token: &str, address: &str) -> Option<Introspection> {
        match self {
            Self::Server(server) => Some(server.question(token)),
            Self::Core(keys) => keys.could_be(token).then(|| keys.question(token, address)),
        }
    }

    /// The networks that the token is good from; nothing if what was said of them cannot be understood.
    pub fn addresses(&self, claims: &Value) -> Option<Vec<Network>> {
        match self {
            Self::Server(_) => Some(Vec::new()),
            Self::Core(_) => own_keys::addresses(claims),
        }
    }

    /// What was said; nothing if it cannot be understood.
    pub fn read(&self, answer: &Opinion, now: u64) -> Option<Said> {
        match self {
            Self::Server(server) => server.read(answer, now),
            Self::Core(keys) => keys.read(answer, now),
        }
    }
}

impl Trust {
    /// Takes a new section, or says what is wrong with it. The answer is whether anything changed that tokens were
    /// judged by, besides revocations.
    pub fn update(&mut self, section: &[u8]) -> Result<bool, String> {
        let section: Section = serde_json::from_slice(section).map_err(|error| format!("authentication: {error}"))?;
        let source = Source {
            leeway: section.leeway_seconds,
            issuers: section.issuers,
            introspection: section.introspection,
            own_keys: section.own_keys,
            cookies: section.cookies,
            claim_headers: section.claim_headers,
            plan_claim: section.plan_claim,
        };
        // Everything that can fail, before anything is changed.
        let keys = section.api_keys.map_or("{}", RawValue::get);
        let new_keys = (*keys != *self.keys_source).then(|| ApiKeys::read(keys)).transpose()?;
        let prefix = new_keys.as_ref().unwrap_or(&self.api_keys).prefix();
        if let (Some(own), Some(prefix)) = (&source.own_keys, prefix)
            && own.prefix.starts_with(prefix)
        {
            return Err(format!("api_keys: the prefix {prefix:?} is also that of the core's own keys"));
        }
        let changed = source != self.source;
        if changed {
            let told = Told::new(&source.claim_headers, &source.plan_claim)?;
            source.introspection.as_ref().map_or(Ok(()), Server::check)?;
            source.own_keys.as_ref().map_or(Ok(()), OwnKeys::check)?;
            self.issuers = read(&source)?;
            (self.told, self.source) = (told, source);
        }
        if let Some(new_keys) = new_keys {
            (self.api_keys, self.keys_source) = (new_keys, keys.into());
        }
        self.certificates = section.certificates;
        self.revoked = section.revoked_sessions.into_iter().map(|entry| entry.session).collect();
        Ok(changed)
    }

    /// How access tokens come in cookies, if they do.
    pub fn cookies(&self) -> Option<&Cookies> {
        self.source.cookies.as_ref()
    }

    /// Who is asked about a token, if it is one that cannot be read here.
    pub fn asked_about(&self, token: &str) -> Option<Asked<'_>> {
        let own = self.source.own_keys.as_ref().filter(|keys| keys.are_meant(token)).map(Asked::Core);
        own.or_else(|| self.source.introspection.as_ref().filter(|_| !Token::has_form(token)).map(Asked::Server))
    }

    /// The caller behind a token, if everything about it is good. The cheap questions come first.
    pub fn check(&self, text: &str, now: u64) -> Result<Known, Unfit> {
        let token = Token::parse(text).ok_or(Unfit::Invalid)?;
        let (issuer, known) = self.plausible(&token, now).ok_or(Unfit::Invalid)?;
        let Token { header, message, signature, .. } = &token;
        let Some(key) = issuer.key(header.kid.as_deref(), header.alg) else {
            return Err(if issuer.fetched { Unfit::UnknownKey(issuer.name.clone()) } else { Unfit::Invalid });
        };
        if !key.verify(header.alg, message.as_bytes(), signature) {
            return Err(Unfit::Invalid);
        }
        self.describe(known, text)
    }

    /// What a token claims, if that could be so.
    fn plausible(&self, token: &Token<'_>, now: u64) -> Option<(&Issuer, Known)> {
        let Token { header, claims, .. } = token;
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
            issuer: claims.iss.clone(),
            subject: claims.sub.clone(),
            session: claims.sid.clone(),
            scopes: scopes.map(Into::into).collect(),
            expires_at: claims.exp,
            ..Caller::default()
        };
        let until = claims.exp.saturating_add(self.source.leeway);
        let known = Known { caller, until, addresses: Vec::new(), csrf: None };
        self.still_good(&known, now).then_some((issuer, known))
    }

    /// Adds what upstreams are told. The claims are read once more, now that the token is known to be good.
    fn describe(&self, mut known: Known, text: &str) -> Result<Known, Unfit> {
        let claims = claims(text).ok_or(Unfit::Invalid)?;
        self.told.tell(&mut known.caller, &claims);
        let cookies = self.source.cookies.as_ref();
        known.csrf = cookies.and_then(|cookies| cookies.hash(&known.caller.issuer, &claims)).map(Into::into);
        Ok(known)
    }

    /// What can change about a token that was good once: its time and its session.
    pub fn still_good(&self, known: &Known, now: u64) -> bool {
        now < known.until && known.caller.session.as_ref().is_none_or(|session| !self.revoked.contains(session))
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
    let fetched = raw.jwks_uri.is_some();
    // The core publishes an issuer before its keys could be fetched; until then its tokens are not good.
    if keys.is_empty() && !fetched {
        return Err("no key can be used with its algorithms".into());
    }
    Ok(Issuer {
        name: raw.issuer.clone(),
        audiences: raw.audiences.clone(),
        types: raw.token_types.iter().map(|name| media_type(name)).collect(),
        keys,
        fetched,
    })
}

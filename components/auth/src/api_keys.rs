//! API keys: the section holds their hashes, so that who reads it has none of them.
//!
//! A key is random and long, so a plain hash hides it. The look-up's time says nothing either: it depends on the hash of
//! what was sent, which nobody can choose towards another's.

use std::collections::HashMap;
use std::net::IpAddr;

use breakwater_kit::network::Network;
use breakwater_kit::types::Caller;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::told::{Told, claims_of};

/// The issuer of callers that the configuration itself knows.
pub const CONSUMERS: &str = "urn:breakwater:consumers";

/// The keys and where they are sent.
#[derive(Default)]
pub struct ApiKeys {
    header: String,
    prefix: Option<String>,
    keys: HashMap<[u8; 32], ApiKey>,
}

struct ApiKey {
    caller: Caller,
    claims: Map<String, Value>,
    /// None: from everywhere.
    addresses: Vec<Network>,
}

#[derive(Deserialize)]
struct Section {
    #[serde(default = "default_header")]
    header: String,
    prefix: Option<String>,
    #[serde(default)]
    keys: Vec<RawKey>,
}

#[derive(Deserialize)]
struct RawKey {
    name: String,
    hash: String,
    issuer: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    plan: Option<String>,
    #[serde(default)]
    expires_at: Option<u64>,
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    claims: Map<String, Value>,
}

fn default_header() -> String {
    "x-api-key".into()
}

impl ApiKeys {
    /// Reads `api_keys` of the section.
    pub fn read(json: &str) -> Result<Self, String> {
        let section: Section = serde_json::from_str(json).map_err(|error| format!("api_keys: {error}"))?;
        let header = section.header.to_ascii_lowercase();
        if header.is_empty() || header == "authorization" {
            return Err("api_keys: the header must have a name of its own".into());
        }
        if section.prefix.as_ref().is_some_and(|prefix| prefix.len() < 2 || prefix.contains('.')) {
            return Err("api_keys: the prefix must tell a key from a token: two characters and no dot".into());
        }
        let mut keys = HashMap::with_capacity(section.keys.len());
        for raw in section.keys {
            let name = raw.name.clone();
            let (hash, key) = raw.read().map_err(|reason| format!("API key {name:?}: {reason}"))?;
            if keys.insert(hash, key).is_some() {
                return Err(format!("API key {name:?}: another has the same hash"));
            }
        }
        Ok(Self { header, prefix: section.prefix, keys })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Where they are sent.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// What a bearer token begins with that is one of them.
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// Whether a bearer token is one of them by its looks.
    pub fn has_prefix(&self, token: &str) -> bool {
        self.prefix.as_ref().is_some_and(|prefix| token.starts_with(prefix.as_str()))
    }

    /// Whose key this is, if it is good now and from here.
    pub fn caller(&self, key: &str, address: &str, told: &Told, now: u64) -> Option<Caller> {
        let digest: [u8; 32] = Sha256::digest(key).into();
        let key = self.keys.get(&digest).filter(|key| now < key.caller.expires_at)?;
        let inside = |address: IpAddr| key.addresses.iter().any(|network| network.contains(address));
        if !key.addresses.is_empty() && !address.parse().is_ok_and(inside) {
            return None;
        }
        let mut caller = key.caller.clone();
        let plan = caller.plan.take();
        let claims = claims_of(&caller, &key.claims);
        told.tell(&mut caller, &claims);
        caller.plan = plan.or(caller.plan);
        Some(caller)
    }
}

impl RawKey {
    fn read(self) -> Result<([u8; 32], ApiKey), String> {
        if self.name.is_empty() {
            return Err("it has no name".into());
        }
        let addresses = self.addresses.iter().map(|text| text.parse().map_err(|error| format!("{error}")));
        let key = ApiKey {
            addresses: addresses.collect::<Result<_, String>>()?,
            claims: self.claims,
            caller: Caller {
                issuer: self.issuer.unwrap_or_else(|| CONSUMERS.into()),
                subject: self.subject.unwrap_or_else(|| self.name.clone()),
                scopes: self.scopes,
                plan: self.plan,
                key: Some(self.name),
                expires_at: self.expires_at.unwrap_or(u64::MAX),
                ..Caller::default()
            },
        };
        Ok((sha256(&self.hash).ok_or("its hash is no SHA-256 in hexadecimal")?, key))
    }
}

/// 32 bytes in hexadecimal.
pub fn sha256(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}

//! API keys of the core's own. There may be a million, so the snapshot has none of them: the core is asked about one, as an
//! authorization server is, and says whose it is, where from it is good, and which of the ended "sessions" will be its end.

use breakwater_kit::network::Network;
use breakwater_kit::types::{Field, Introspection, Opinion};
use serde::Deserialize;
use serde_json::Value;

use crate::introspection::{Said, Terms, form};

/// The core answers at once, or it is away.
const TIMEOUT_MS: u32 = 2_000;

/// After the prefix: 40 random letters and digits, and a checksum of six.
const RANDOM: usize = 40;
const CHECKSUM: usize = 6;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `own_keys` of the section.
#[derive(Clone, PartialEq, Deserialize)]
pub struct OwnKeys {
    pub prefix: String,
    issuer: String,
    path: String,
    cache_seconds: u64,
}

impl OwnKeys {
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.prefix.len() < 2 || self.issuer.is_empty() || !self.path.starts_with('/') {
            return Err("own_keys: prefix, issuer and path are needed".into());
        }
        if !(1..=300).contains(&self.cache_seconds) {
            return Err("own_keys: cache_seconds is from 1 to 300".into());
        }
        Ok(())
    }

    /// Whether this is meant to be such a key, well-formed or not.
    pub fn are_meant(&self, token: &str) -> bool {
        token.starts_with(&self.prefix)
    }

    /// Whether it could be one, which costs nobody a question.
    pub fn could_be(&self, token: &str) -> bool {
        let Some(rest) = token.strip_prefix(&self.prefix) else { return false };
        rest.len() == RANDOM + CHECKSUM
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && token.ends_with(&checksum(&token[..token.len() - CHECKSUM]))
    }

    /// The question to the core, which has to be signed.
    pub fn question(&self, key: &str, address: &str) -> Introspection {
        Introspection {
            origin: None,
            path_and_query: self.path.clone(),
            headers: vec![
                Field::new("accept", "application/json"),
                Field::new("content-type", "application/x-www-form-urlencoded"),
            ],
            body: format!("token={}&address={}", form(key), form(address)).into_bytes(),
            timeout: TIMEOUT_MS,
        }
    }

    /// What the core said.
    pub fn read(&self, answer: &Opinion, now: u64) -> Option<Said> {
        let terms = Terms { issuer: &self.issuer, audiences: &[], cache_seconds: self.cache_seconds };
        match terms.read(answer, now)? {
            // Limits count a key apart from its owner's others.
            Said::Active(mut caller, claims, until) => {
                caller.key = caller.session.clone();
                Some(Said::Active(caller, claims, until))
            }
            inactive => Some(inactive),
        }
    }
}

/// The networks that the core says a key is good from; nothing if it says what cannot be read.
pub fn addresses(claims: &Value) -> Option<Vec<Network>> {
    let Some(list) = claims.get("addresses") else { return Some(Vec::new()) };
    list.as_array()?.iter().map(|network| network.as_str()?.parse().ok()).collect()
}

/// CRC-32 (IEEE 802.3) in base 62.
fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [0; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[rest % 62];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

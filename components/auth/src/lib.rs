//! Policy `authentication`: who is calling.
//!
//! Access tokens are JWTs (RFC 9068) in the `Authorization` header, and nowhere else (RFC 6750, section 2.1). A signature
//! check is the dearest thing that a stranger can ask of the edge, so everything that is cheap is looked at before:
//! size, structure, type, algorithm, issuer, audience, times, revocation, key. A token that has verified is remembered
//! until it expires, its session is revoked, or the issuers' configuration changes.
//!
//! - The issuer's own list says which algorithms count, and each key only takes those of its type (RFC 8725, section
//!   3.1). What the token says chooses among them and adds nothing; `jwk`, `jku` and `x5u` are not looked at.
//! - Credentials that are not good are refused wherever they are looked at, even where none would do.
//! - A refusal never says what was wrong with a token.

mod algorithm;
mod bearer;
mod config;
#[cfg(target_arch = "wasm32")]
mod entropy;
#[cfg(target_arch = "wasm32")]
mod guest;
mod keys;
mod memory;
mod token;

use bearer::Credentials;
use breakwater_kit::problems;
use breakwater_kit::types::*;
use config::Trust;
use memory::Memory;
use sha2::{Digest, Sha256};

/// What `www-authenticate` says to a client without credentials (RFC 6750, section 3).
const CHALLENGE: &str = r#"Bearer realm="breakwater""#;
const INVALID_REQUEST: &str = r#"Bearer realm="breakwater", error="invalid_request""#;
const INVALID_TOKEN: &str = r#"Bearer realm="breakwater", error="invalid_token""#;

/// The policy.
#[derive(Default)]
pub struct Authenticator {
    trust: Trust,
    memory: Memory,
}

impl Authenticator {
    /// Takes the section `authentication` of the snapshot, or says what is wrong with it and keeps what it had.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        if self.trust.update(section)? {
            // Whatever was verified, was verified under other rules.
            self.memory.clear();
        }
        Ok(())
    }

    /// Who is calling. `now` is Unix seconds.
    pub fn authenticate(&mut self, request: &RequestHead, requirement: &Requirement, now: u64) -> Verdict {
        let scopes: &[String] = match requirement {
            Requirement::Public => return Verdict::Anonymous,
            Requirement::Optional => &[],
            Requirement::Required(scopes) => scopes,
        };
        let token = match bearer::credentials(&request.headers) {
            Credentials::Token(token) => token,
            Credentials::None if *requirement == Requirement::Optional => return Verdict::Anonymous,
            Credentials::None | Credentials::OtherScheme => {
                return Verdict::Refuse(problems::authentication_required(CHALLENGE));
            }
            Credentials::Malformed(detail) => {
                return Verdict::Refuse(problems::bad_request(detail).with("www-authenticate", INVALID_REQUEST));
            }
        };
        match self.known(token, now) {
            None => Verdict::Refuse(problems::invalid_token(INVALID_TOKEN)),
            Some(caller) if scopes.iter().all(|scope| caller.scopes.contains(scope)) => Verdict::Known(caller),
            Some(_) => Verdict::Refuse(problems::insufficient_scope(&scope_challenge(scopes))),
        }
    }

    /// The caller behind a token, from memory or by looking.
    fn known(&mut self, token: &str, now: u64) -> Option<Caller> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(caller) = self.memory.get(&digest) {
            if self.trust.still_good(caller, now) {
                return Some(caller.clone());
            }
            self.memory.forget(&digest);
            return None;
        }
        let caller = self.trust.check(token, now)?;
        self.memory.keep(digest, caller.clone());
        Some(caller)
    }
}

/// What is missing, as RFC 6750, section 3.1 has it. A scope that cannot stand in a quoted string is left out.
fn scope_challenge(scopes: &[String]) -> String {
    let plain = |scope: &&String| scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    let names: Vec<&str> = scopes.iter().filter(plain).map(String::as_str).collect();
    format!(r#"{CHALLENGE}, error="insufficient_scope", scope="{}""#, names.join(" "))
}

#[cfg(test)]
mod tests;

//! Policy `authentication`: who is calling.
//!
//! Credentials are an access token in the `Authorization` header (RFC 6750, section 2.1) or, from a browser's page, in a
//! cookie, an API key, or the certificate that the client connected with; of several in one request, none is chosen. A token that is a JWT (RFC 9068) is
//! checked here, another kind by the authorization server that the section names (RFC 7662), if it names one.
//!
//! A signature check is the dearest thing that a stranger can ask of the edge, so everything that is cheap is looked at
//! before: size, structure, type, algorithm, issuer, audience, times, revocation, key. A token that was good is
//! remembered until it expires, its session is revoked, or the issuers' configuration changes; what a server said of a
//! token, for as long as the section says.
//!
//! - The issuer's own list says which algorithms count, and each key only takes those of its type (RFC 8725, section
//!   3.1). What the token says chooses among them and adds nothing; `jwk`, `jku` and `x5u` are not looked at.
//! - Credentials that are not good are refused wherever they are looked at, even where none would do.
//! - A refusal never says what was wrong with a token.

mod algorithm;
mod api_keys;
mod certificates;
mod config;
mod cookies;
mod credentials;
#[cfg(target_arch = "wasm32")]
mod entropy;
#[cfg(target_arch = "wasm32")]
mod guest;
mod introspection;
mod keys;
mod memory;
mod own_keys;
mod token;
mod told;

use breakwater_kit::problems;
use breakwater_kit::types::*;
use config::{Trust, Unfit};
use credentials::Credentials;
use introspection::Said;
use memory::{Known, Memory};

/// What `www-authenticate` says to a client without credentials (RFC 6750, section 3).
const CHALLENGE: &str = r#"Bearer realm="breakwater""#;
const INVALID_REQUEST: &str = r#"Bearer realm="breakwater", error="invalid_request""#;
const INVALID_TOKEN: &str = r#"Bearer realm="breakwater", error="invalid_token""#;

/// Bytes of tokens that are remembered: about ten thousand.
const KNOWN_BYTES: usize = 12 * 1024 * 1024;

/// Bytes of tokens that are remembered because they are not active.
const INACTIVE_BYTES: usize = 1024 * 1024;

/// Seconds after which a request is worth repeating whose token nobody could be asked about.
const AWAY_RETRY_SECONDS: u64 = 1;

/// The policy.
pub struct Authenticator {
    trust: Trust,
    known: Memory<Known>,
    /// Until when a token counts as not active without being asked about.
    inactive: Memory<u64>,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self { trust: Trust::default(), known: Memory::new(KNOWN_BYTES), inactive: Memory::new(INACTIVE_BYTES) }
    }
}

/// What comes of a token.
enum Found {
    /// With the hash of what has to come besides, if the token is for cookies.
    Caller(Caller, Option<Box<str>>),
    Unfit(Unfit),
    Ask(Introspection),
}

impl Authenticator {
    /// Takes the section `authentication` of the snapshot, or says what is wrong with it and keeps what it had.
    pub fn configure(&mut self, section: &[u8]) -> Result<(), String> {
        if self.trust.update(section)? {
            // Whatever was verified, was verified under other rules.
            self.known.clear();
            self.inactive.clear();
        }
        Ok(())
    }

    /// The request headers that the policy reads.
    pub fn reads(&self) -> Vec<String> {
        let keys = &self.trust.api_keys;
        let mut names = vec!["authorization".to_owned()];
        if !keys.is_empty() {
            names.push(keys.header().to_owned());
        }
        if self.trust.cookies().is_some() {
            names.extend(cookies::READS.map(str::to_owned));
        }
        names
    }

    /// Who is calling. `now` is Unix seconds.
    pub fn authenticate(
        &mut self,
        presented: &Presented,
        requirement: &Requirement,
        certificate: Option<&ClientCertificate>,
        now: u64,
    ) -> Verdict {
        if *requirement == Requirement::Public {
            return Verdict::Anonymous;
        }
        match credentials::read(presented, &self.trust.api_keys, self.cookie()) {
            Credentials::Cookie(token) => self.by_cookie(token, presented, requirement, now),
            Credentials::Token(token) => match self.look(token, &presented.client_address, now) {
                Found::Caller(caller, None) => permit(caller, requirement),
                // A token for cookies is nothing that a script, or whoever stole it there, may hold.
                Found::Caller(_, Some(_)) => refuse(Unfit::Invalid),
                Found::Unfit(unfit) => refuse(unfit),
                Found::Ask(question) => Verdict::Introspect(question),
            },
            Credentials::ApiKey(key) => {
                let Trust { api_keys, told, .. } = &self.trust;
                let caller = api_keys.caller(key, &presented.client_address, told, now);
                caller.map_or_else(|| refuse(Unfit::Invalid), |caller| permit(caller, requirement))
            }
            Credentials::Malformed(detail) => {
                Verdict::Refuse(problems::bad_request(detail).with("www-authenticate", INVALID_REQUEST))
            }
            Credentials::OtherScheme => Verdict::Refuse(problems::authentication_required(CHALLENGE)),
            Credentials::None => {
                let Trust { certificates, told, .. } = &self.trust;
                let shown = certificate.and_then(|shown| certificates.caller(shown, told, now));
                match (shown, requirement) {
                    (Some(caller), _) => permit(caller, requirement),
                    (None, Requirement::Required(_)) => Verdict::Refuse(problems::authentication_required(CHALLENGE)),
                    (None, Requirement::Optional | Requirement::Public) => Verdict::Anonymous,
                }
            }
        }
    }

    /// The same for a token in a cookie. Whose page asks is looked at first: it costs nothing.
    fn by_cookie(&mut self, token: &str, presented: &Presented, requirement: &Requirement, now: u64) -> Verdict {
        let cross_site = || Verdict::Refuse(problems::cross_site_request());
        if !self.trust.cookies().is_some_and(|cookies| cookies.may_ask(presented)) {
            return cross_site();
        }
        match self.look(token, &presented.client_address, now) {
            Found::Caller(caller, Some(hash)) => {
                let shown = self.trust.cookies().is_some_and(|cookies| cookies.shows(presented, &hash));
                if shown { permit(caller, requirement) } else { cross_site() }
            }
            // No API key and no token that was made for `Authorization` comes in a cookie.
            Found::Caller(_, None) | Found::Ask(_) => refuse(Unfit::Invalid),
            Found::Unfit(unfit) => refuse(unfit),
        }
    }

    fn cookie(&self) -> Option<&str> {
        self.trust.cookies().map(|cookies| cookies.access.as_str())
    }

    /// The same, once the authorization server has said what it thinks of the token; none if it said nothing.
    pub fn introspected(
        &mut self,
        presented: &Presented,
        requirement: &Requirement,
        answer: Option<&Opinion>,
        now: u64,
    ) -> Verdict {
        let Credentials::Token(token) = credentials::read(presented, &self.trust.api_keys, self.cookie()) else {
            return refuse(Unfit::Invalid);
        };
        let Some(asked) = self.trust.asked_about(token) else { return refuse(Unfit::Invalid) };
        match answer.and_then(|answer| asked.read(answer, now)) {
            // A token that may be good is not called bad.
            None => Verdict::Refuse(problems::upstream_unavailable(AWAY_RETRY_SECONDS)),
            Some(Said::Inactive(until)) => {
                self.inactive.keep(token, until);
                refuse(Unfit::Invalid)
            }
            Some(Said::Active(mut caller, claims, until)) => {
                self.trust.told.tell(&mut caller, &claims);
                let Some(addresses) = asked.addresses(&claims) else { return refuse(Unfit::Invalid) };
                let known = Known { caller: *caller, until, addresses, csrf: None };
                if !self.trust.still_good(&known, now) {
                    return refuse(Unfit::Invalid);
                }
                self.known.keep(token, known.clone());
                if !known.is_good_from(&presented.client_address) {
                    return refuse(Unfit::Invalid);
                }
                permit(known.caller, requirement)
            }
        }
    }

    /// The caller behind a token, from memory or by looking.
    fn look(&mut self, token: &str, address: &str, now: u64) -> Found {
        if let Some(known) = self.known.get(token) {
            if self.trust.still_good(known, now) {
                return match known.is_good_from(address) {
                    true => Found::Caller(known.caller.clone(), known.csrf.clone()),
                    false => Found::Unfit(Unfit::Invalid),
                };
            }
            // The core has said that a key of its own ended: nobody need be asked.
            if known.caller.key.is_some() && now < known.until {
                return Found::Unfit(Unfit::Invalid);
            }
            self.known.forget(token);
        }
        if let Some(asked) = self.trust.asked_about(token) {
            let inactive = self.inactive.get(token).is_some_and(|until| now < *until);
            let question = (!inactive).then(|| asked.question(token, address)).flatten();
            return question.map_or(Found::Unfit(Unfit::Invalid), Found::Ask);
        }
        match self.trust.check(token, now) {
            Ok(known) => {
                self.known.keep(token, known.clone());
                Found::Caller(known.caller, known.csrf)
            }
            Err(unfit) => Found::Unfit(unfit),
        }
    }
}

fn permit(caller: Caller, requirement: &Requirement) -> Verdict {
    match requirement {
        Requirement::Required(scopes) if !scopes.iter().all(|scope| caller.scopes.contains(scope)) => {
            Verdict::Refuse(problems::insufficient_scope(&scope_challenge(scopes)))
        }
        _ => Verdict::Known(caller),
    }
}

/// Whatever it was: the client is told the same.
fn refuse(unfit: Unfit) -> Verdict {
    let problem = problems::invalid_token(INVALID_TOKEN);
    match unfit {
        Unfit::Invalid => Verdict::Refuse(problem),
        Unfit::UnknownKey(issuer) => Verdict::UnknownKey((issuer, problem)),
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

//! Access tokens: JWTs after RFC 9068, signed by the current key, verified against every living one.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::caller::UserSession;
use super::live::Live;
use super::support::Support;
use crate::config::IdentityConfig;
use crate::problem::{Problem, Result};

/// RFC 9068 section 2.1.
const TYPE: &str = "at+jwt";

/// Ours are a few hundred bytes; nothing longer is looked at.
const LONGEST: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: u64,
    exp: u64,
    jti: Uuid,
    /// RFC 8176: how the user proved who they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    /// RFC 8693 section 4.1: who acts, if it is not the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Actor>,
    /// Set in a token that comes in a cookie: the hash of what has to come with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Actor {
    sub: Uuid,
    /// The only workspace that it is about.
    workspace: Uuid,
}

/// RFC 8176 section 2: several factors.
const SEVERAL_FACTORS: &str = "mfa";

/// Whose token it was, and how it has to come.
pub(super) struct Verified {
    pub(super) session: UserSession,
    /// For a token in a cookie: the hash of what has to come with it.
    pub(super) csrf: Option<String>,
}

/// A new token for `caller`; with a hash, for a cookie.
pub(super) fn sign(live: &Live, config: &IdentityConfig, caller: UserSession, csrf: Option<String>) -> Result<String> {
    let missing = || Problem::internal("there is no current signing key");
    let key = live.current().ok_or_else(missing)?;
    let signing = key.signing.as_ref().ok_or_else(missing)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Problem::internal)?.as_secs();
    let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid.clone()), ..Header::new(key.algorithm) };
    let claims = Claims {
        iss: config.issuer.clone(),
        aud: config.audience.clone(),
        sub: caller.user,
        sid: caller.session,
        iat: now,
        exp: now + config.access_token_life.as_secs(),
        jti: Uuid::now_v7(),
        amr: caller.mfa.then(|| SEVERAL_FACTORS.to_owned()).into_iter().collect(),
        act: caller.support.map(|support| Actor { sub: support.by, workspace: support.workspace }),
        csrf,
    };
    jsonwebtoken::encode(&header, &claims, signing).map_err(Problem::internal)
}

/// Whose token it is; `None` when it is not to be accepted, for whatever reason.
pub(super) fn verify(live: &Live, token: &str) -> Option<Verified> {
    if token.len() > LONGEST {
        return None;
    }
    // The cheap questions first; the signature is the dearest.
    let header = jsonwebtoken::decode_header(token).ok()?;
    let key = live.keys.iter().find(|key| Some(&key.kid) == header.kid.as_ref())?;
    // The key says the algorithm, not the token: RFC 8725 section 3.1.
    if header.alg != key.algorithm || !is_our_type(header.typ.as_deref()?) || header.crit.is_some() {
        return None;
    }
    let claims = jsonwebtoken::decode::<Claims>(token, &key.verifying, &key.validation).ok()?.claims;
    if live.is_revoked(claims.sid) {
        return None;
    }
    let mfa = claims.amr.iter().any(|method| method == SEVERAL_FACTORS);
    let support = claims.act.map(|act| Support { by: act.sub, workspace: act.workspace });
    let session = UserSession { user: claims.sub, session: claims.sid, mfa, support };
    Some(Verified { session, csrf: claims.csrf })
}

/// What a token must say beside its signature (RFC 9068 section 4).
pub(super) fn validation(config: &IdentityConfig, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = config.leeway.as_secs();
    validation.validate_nbf = true;
    validation.iss = Some(HashSet::from([config.issuer.clone()]));
    validation.aud = Some(HashSet::from([config.audience.clone()]));
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation
}

/// RFC 9068 section 2.1; media types are compared without regard to case (RFC 7515 section 4.1.9).
fn is_our_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    typ == TYPE || typ.strip_prefix("application/") == Some(TYPE)
}

//! ID tokens: signed by the provider, for us, for this flow (OpenID Connect Core 1.0 section 3.1.3.7).

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::metadata::Metadata;

/// Nothing longer is looked at.
const LONGEST: usize = 32 * 1024;

/// Signatures that anybody can check and only the provider can make: not `none`, and no secret that clients share.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What an ID token, or userinfo, may say.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Claims {
    #[serde(default)]
    pub(super) iss: String,
    #[serde(default)]
    pub(super) sub: String,
    #[serde(default)]
    aud: Value,
    #[serde(default)]
    iat: u64,
    azp: Option<String>,
    nonce: Option<String>,
    pub(super) email: Option<String>,
    /// A boolean; some write it as a string.
    #[serde(default)]
    pub(super) email_verified: Value,
    pub(super) name: Option<String>,
    /// Microsoft's: the tenant, and whether the owner of the address's domain is verified.
    pub(super) tid: Option<String>,
    #[serde(default)]
    pub(super) xms_edov: Value,
}

/// What a token has to fit.
pub(super) struct Expected<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) leeway: u64,
}

/// The header, if a token of this form may be good at all.
pub(super) fn header(token: &str) -> anyhow::Result<Header> {
    ensure!(token.len() <= LONGEST, "the ID token is too long");
    // An unknown algorithm, `none` among them, is no header.
    let header = jsonwebtoken::decode_header(token).context("the ID token's header")?;
    ensure!(ALGORITHMS.contains(&header.alg), "the ID token's algorithm is not accepted");
    ensure!(header.crit.is_none(), "the ID token has critical extensions");
    Ok(header)
}

/// The key that a token says it is signed with. Without a key id, it must be the only one that can be.
pub(super) fn key<'a>(keys: &'a [Jwk], header: &Header) -> Option<&'a Jwk> {
    let fits = |key: &&Jwk| {
        let algorithm = key.common.key_algorithm.map(|algorithm| algorithm.to_string());
        algorithm.is_none_or(|algorithm| algorithm == format!("{:?}", header.alg))
    };
    let mut keys = keys.iter().filter(fits);
    match &header.kid {
        Some(kid) => keys.find(|key| key.common.key_id.as_ref() == Some(kid)),
        None => keys.next().filter(|_| keys.next().is_none()),
    }
}

/// The claims of a token that is good.
pub(super) fn verify(token: &str, header: &Header, key: &Jwk, expected: &Expected<'_>) -> anyhow::Result<Claims> {
    let mut validation = Validation::new(header.alg);
    validation.leeway = expected.leeway;
    validation.validate_nbf = true;
    validation.aud = Some(HashSet::from([expected.client_id.to_owned()]));
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let key = DecodingKey::from_jwk(key).context("the ID token's key")?;
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).context("the ID token")?.claims;
    ensure!(claims.iss == expected.metadata.issuer_of(claims.tid.as_deref()), "the ID token is of another issuer");
    ensure!(claims.nonce.as_deref() == Some(expected.nonce), "the ID token is of another sign-in");
    match &claims.azp {
        Some(azp) => ensure!(azp == expected.client_id, "the ID token was issued to another client"),
        None => ensure!(claims.aud.as_array().is_none_or(|all| all.len() == 1), "the ID token is for several clients"),
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    ensure!(claims.iat <= now + expected.leeway, "the ID token is from the future");
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        bail!("the ID token's subject is empty or too long");
    }
    Ok(claims)
}

//! JSON Web Keys (RFC 7517, RFC 7518, RFC 8037), made ready to verify with.

use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use crate::token::decode;

const HMAC: &[Algorithm] = &[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
const RSA: &[Algorithm] =
    &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

/// One key and the algorithms that it may be used with.
pub struct Key {
    pub id: Option<String>,
    verifiers: Vec<(Algorithm, Box<dyn JwtVerifier>)>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    k: Option<String>,
}

impl Key {
    /// The key, if it is one that can verify one of the `accepted` algorithms. Others are ignored, as RFC 7517, section 5
    /// wants it, so that an issuer may publish what we do not know yet.
    pub fn new(jwk: &Value, accepted: &[Algorithm]) -> Option<Self> {
        let jwk = Jwk::deserialize(jwk).ok()?;
        let signs = jwk.r#use.as_deref().is_none_or(|usage| usage == "sig")
            && jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"));
        if !signs {
            return None;
        }
        let (key, possible) = material(&jwk)?;
        let verifiers: Vec<_> = possible
            .into_iter()
            .filter(|algorithm| accepted.contains(algorithm))
            .filter(|algorithm| jwk.alg.as_ref().is_none_or(|only| only.parse() == Ok(*algorithm)))
            .filter_map(|algorithm| Some((algorithm, (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key).ok()?)))
            .collect();
        if verifiers.is_empty() {
            return None;
        }
        Some(Self { id: jwk.kid, verifiers })
    }

    /// Whether this key may be used with an algorithm.
    pub fn takes(&self, algorithm: Algorithm) -> bool {
        self.verifiers.iter().any(|(own, _)| *own == algorithm)
    }

    /// Whether the signature is this key's.
    pub fn verify(&self, algorithm: Algorithm, message: &str, signature: &Vec<u8>) -> bool {
        self.verifiers
            .iter()
            .find(|(own, _)| *own == algorithm)
            .is_some_and(|(_, verifier)| verifier.verify(message.as_bytes(), signature).is_ok())
    }
}

/// The key and what its type and size allow. The sizes are checked here, because the libraries below index by them.
fn material(jwk: &Jwk) -> Option<(DecodingKey, Vec<Algorithm>)> {
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("OKP", Some("Ed25519")) => {
            let x = sized(jwk.x.as_ref()?, 32)?;
            Some((DecodingKey::from_ed_der(&x), vec![Algorithm::EdDSA]))
        }
        ("EC", Some("P-256")) => Some((point(jwk, 32)?, vec![Algorithm::ES256])),
        ("EC", Some("P-384")) => Some((point(jwk, 48)?, vec![Algorithm::ES384])),
        ("RSA", _) => {
            let n = decode(jwk.n.as_ref()?)?;
            let e = decode(jwk.e.as_ref()?)?;
            // At least 2048 bits (RFC 7518, section 3.3); at most what the library takes.
            let bytes = n.iter().skip_while(|byte| **byte == 0).count();
            let fits = (256..=512).contains(&bytes) && (1..=8).contains(&e.len());
            fits.then(|| (DecodingKey::from_rsa_raw_components(&n, &e), RSA.to_vec()))
        }
        ("oct", _) => {
            let secret = decode(jwk.k.as_ref()?)?;
            // At least as long as the hash (RFC 7518, section 3.2).
            let allowed = HMAC.iter().zip([32, 48, 64]).filter(|(_, size)| secret.len() >= *size);
            Some((DecodingKey::from_secret(&secret), allowed.map(|(algorithm, _)| *algorithm).collect()))
        }
        _ => None,
    }
}

fn point(jwk: &Jwk, size: usize) -> Option<DecodingKey> {
    let (x, y) = (jwk.x.as_ref()?, jwk.y.as_ref()?);
    sized(x, size)?;
    sized(y, size)?;
    DecodingKey::from_ec_components(x, y).ok()
}

fn sized(text: &str, size: usize) -> Option<Vec<u8>> {
    decode(text).filter(|bytes| bytes.len() == size)
}

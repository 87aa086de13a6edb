//! JSON Web Keys (RFC 7517, RFC 7518, RFC 8037), made ready to verify with.
//!
//! The signatures are the RustCrypto crates' work. `jsonwebtoken` does the same with them, but built for a browser's
//! WebAssembly it wants JavaScript around it, and a policy imports nothing; the tests sign with it.

use hmac::{Hmac, Mac};
use rsa::traits::SignatureScheme;
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha384, Sha512};
use signature::Verifier;

use crate::algorithm::Algorithm;
use crate::token::decode;

/// One key and the algorithms that it may be used with.
pub struct Key {
    pub id: Option<String>,
    material: Material,
    algorithms: Vec<Algorithm>,
}

enum Material {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Rsa(RsaPublicKey),
    Secret(Vec<u8>),
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
        let material = Material::new(&jwk)?;
        let mut algorithms = material.algorithms();
        algorithms.retain(|own| accepted.contains(own));
        algorithms.retain(|own| jwk.alg.as_ref().is_none_or(|only| only.parse() == Ok(*own)));
        if algorithms.is_empty() {
            return None;
        }
        Some(Self { id: jwk.kid, material, algorithms })
    }

    /// Whether this key may be used with an algorithm.
    pub fn takes(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether the signature is this key's.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.takes(algorithm) && self.material.verify(algorithm, message, signature)
    }
}

impl Material {
    fn new(jwk: &Jwk) -> Option<Self> {
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => {
                let x = decode(jwk.x.as_ref()?)?.try_into().ok()?;
                ed25519_dalek::VerifyingKey::from_bytes(&x).ok().map(Self::Ed25519)
            }
            ("EC", Some("P-256")) => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point(jwk, 32)?).ok().map(Self::P256),
            ("EC", Some("P-384")) => p384::ecdsa::VerifyingKey::from_sec1_bytes(&point(jwk, 48)?).ok().map(Self::P384),
            ("EC", Some("P-521")) => p521::ecdsa::VerifyingKey::from_sec1_bytes(&point(jwk, 66)?).ok().map(Self::P521),
            ("RSA", _) => {
                let n = BigUint::from_bytes_be(&decode(jwk.n.as_ref()?)?);
                let e = BigUint::from_bytes_be(&decode(jwk.e.as_ref()?)?);
                // At least 2048 bits (RFC 7518, section 3.3); the library refuses more than 4096.
                if n.bits() < 2048 { None } else { RsaPublicKey::new(n, e).ok().map(Self::Rsa) }
            }
            ("oct", _) => decode(jwk.k.as_ref()?).map(Self::Secret),
            _ => None,
        }
    }

    /// What type and size allow. A secret is at least as long as the hash (RFC 7518, section 3.2).
    fn algorithms(&self) -> Vec<Algorithm> {
        use Algorithm::*;
        match self {
            Self::Ed25519(_) => vec![EdDSA],
            Self::P256(_) => vec![ES256],
            Self::P384(_) => vec![ES384],
            Self::P521(_) => vec![ES512],
            Self::Rsa(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
            Self::Secret(secret) => {
                let sizes = [(HS256, 32), (HS384, 48), (HS512, 64)];
                sizes.into_iter().filter(|(_, size)| secret.len() >= *size).map(|(algorithm, _)| algorithm).collect()
            }
        }
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        use Algorithm::*;
        match (self, algorithm) {
            // Strictly: no keys or points of small order.
            (Self::Ed25519(key), EdDSA) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            (Self::P256(key), ES256) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::P384(key), ES384) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::P521(key), ES512) => p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::Rsa(key), RS256) => is_rsa::<Sha256>(key, Pkcs1v15Sign::new::<Sha256>(), message, signature),
            (Self::Rsa(key), RS384) => is_rsa::<Sha384>(key, Pkcs1v15Sign::new::<Sha384>(), message, signature),
            (Self::Rsa(key), RS512) => is_rsa::<Sha512>(key, Pkcs1v15Sign::new::<Sha512>(), message, signature),
            (Self::Rsa(key), PS256) => is_rsa::<Sha256>(key, Pss::new::<Sha256>(), message, signature),
            (Self::Rsa(key), PS384) => is_rsa::<Sha384>(key, Pss::new::<Sha384>(), message, signature),
            (Self::Rsa(key), PS512) => is_rsa::<Sha512>(key, Pss::new::<Sha512>(), message, signature),
            (Self::Secret(secret), HS256) => {
                Hmac::<Sha256>::new_from_slice(secret).is_ok_and(|mac| is_mac(mac, message, signature))
            }
            (Self::Secret(secret), HS384) => {
                Hmac::<Sha384>::new_from_slice(secret).is_ok_and(|mac| is_mac(mac, message, signature))
            }
            (Self::Secret(secret), HS512) => {
                Hmac::<Sha512>::new_from_slice(secret).is_ok_and(|mac| is_mac(mac, message, signature))
            }
            _ => false,
        }
    }
}

fn is_rsa<D: Digest>(key: &RsaPublicKey, scheme: impl SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
    key.verify(scheme, &D::digest(message), signature).is_ok()
}

/// In constant time.
fn is_mac(mac: impl Mac, message: &[u8], signature: &[u8]) -> bool {
    mac.chain_update(message).verify_slice(signature).is_ok()
}

/// An uncompressed point (SEC 1, section 2.3.3).
fn point(jwk: &Jwk, size: usize) -> Option<Vec<u8>> {
    let (x, y) = (decode(jwk.x.as_ref()?)?, decode(jwk.y.as_ref()?)?);
    (x.len() == size && y.len() == size).then(|| [[4].as_slice(), &x, &y].concat())
}

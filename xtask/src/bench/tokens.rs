//! Tokens for HAProxy to check, and the core's edge link, made with the machine's openssl.
//!
//! Only a measurement needs them, so that xtask does without cryptographic crates.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{machine, process};

/// The issuer that HAProxy wants to see.
pub const ISSUER: &str = "https://issuer.example";
/// The audience that HAProxy wants to see.
pub const AUDIENCE: &str = "breakwater";

/// Keys for both algorithms and a token of each.
pub struct Tokens {
    pub secret: String,
    pub public_key: PathBuf,
    pub hs256: String,
    pub es256: String,
}

impl Tokens {
    /// Makes keys in a folder and tokens that live for hours.
    pub fn make(folder: &Path) -> Result<Self> {
        machine::program_or_install(&["openssl"], "openssl", "openssl")?;
        let secret = machine::random(32)?;
        let (private, public_key) = (folder.join("es256.pem"), folder.join("es256.pub.pem"));
        let mut generate = openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"]);
        process::output(generate.arg(&private))?;
        let mut publish = openssl(&["pkey", "-pubout", "-in"]);
        process::output(publish.arg(&private).arg("-out").arg(&public_key))?;

        let unsigned = unsigned("HS256")?;
        let hs256 = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(hmac(secret.as_bytes(), &unsigned)?));

        let unsigned = self::unsigned("ES256")?;
        let mut sign = openssl(&["dgst", "-sha256", "-binary", "-sign"]);
        let signature = process::filter(sign.arg(&private), unsigned.as_bytes())?;
        let es256 = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(fixed(&signature).context("no ECDSA signature")?));
        Ok(Self { secret, public_key, hs256, es256 })
    }
}

/// Signs a method and path as an edge would: the value of `breakwater-edge`, good for a minute around `time`.
pub fn edge_link(
    edge_key: &str,
    time: u64,
    (method, path): (&str, &str),
    client: &str,
    request_id: &str,
) -> Result<String> {
    let (id, secret) = edge_key.split_once('.').context("an edge key has an id")?;
    let secret = URL_SAFE_NO_PAD.decode(secret)?;
    let signed = format!("breakwater-edge-v1\n{time}\n{method}\n{path}\n{client}\n{request_id}");
    Ok(format!("v1 key={id},time={time},mac={}", URL_SAFE_NO_PAD.encode(hmac(&secret, &signed)?)))
}

/// Unix seconds.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn unsigned(algorithm: &str) -> Result<String> {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt"}}"#);
    let claims = serde_json::json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "01997b6a-0000-7000-8000-000000000000",
        "sid": machine::random(16)?, "jti": machine::random(16)?, "iat": now(), "exp": now() + 24 * 60 * 60,
    });
    Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string())))
}

fn hmac(key: &[u8], text: &str) -> Result<Vec<u8>> {
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut openssl = openssl(&["dgst", "-sha256", "-binary", "-mac", "HMAC", "-macopt"]);
    process::filter(openssl.arg(format!("hexkey:{key}")), text.as_bytes())
}

fn openssl(arguments: &[&str]) -> Command {
    let mut openssl = Command::new("openssl");
    openssl.args(arguments);
    openssl
}

/// From ASN.1 (`SEQUENCE { INTEGER r, INTEGER s }`) to the 64 bytes of RFC 7518, section 3.4.
fn fixed(signature: &[u8]) -> Option<[u8; 64]> {
    let mut fixed = [0; 64];
    let mut rest = signature.get(2..)?;
    for half in fixed.chunks_exact_mut(32) {
        let [2, length, ..] = *rest else { return None };
        let (number, after) = rest.get(2..)?.split_at_checked(length.into())?;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        half.get_mut(32_usize.checked_sub(number.len())?..)?.copy_from_slice(number);
        rest = after;
    }
    Some(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_get_their_fixed_form() {
        let mut der = vec![0x30, 0, 2, 2, 0, 0x80, 2, 32];
        der.extend([7; 32]);
        let fixed = fixed(&der).unwrap();
        assert_eq!(fixed[..31], [0; 31]);
        assert_eq!(fixed[31], 0x80);
        assert_eq!(fixed[32..], [7; 32]);
        assert!(super::fixed(&[0x30, 4, 2, 9, 1]).is_none());
    }
}

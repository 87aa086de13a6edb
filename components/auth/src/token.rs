//! What a token says about itself, before anything of it is believed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};

use serde_json::Value;

use crate::algorithm::Algorithm;

/// A token in its parts. `message` is what is signed (RFC 7515, section 5.2).
pub struct Token<'a> {
    pub header: Header,
    pub claims: Claims,
    pub message: &'a str,
    pub signature: Vec<u8>,
}

/// The JOSE header, as far as it is looked at. A member twice is refused (RFC 7515, section 4).
#[derive(Deserialize)]
pub struct Header {
    /// `none` and everything else that is not known does not parse.
    pub alg: Algorithm,
    pub typ: Option<String>,
    pub kid: Option<String>,
    /// We understand no extension, so a token that wants one understood is refused (section 4.1.11).
    #[serde(default, deserialize_with = "present")]
    pub crit: bool,
}

/// The claims (RFC 9068, section 2.2), as far as they are looked at.
#[derive(Deserialize)]
pub struct Claims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    #[serde(deserialize_with = "numeric_date")]
    pub exp: u64,
    #[serde(default, deserialize_with = "numeric_date")]
    pub nbf: u64,
    pub sid: Option<String>,
    pub scope: Option<String>,
}

/// One or several (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    /// Whether one of these is meant.
    pub fn is_one_of(&self, accepted: &[String]) -> bool {
        match self {
            Self::One(audience) => accepted.contains(audience),
            Self::Several(audiences) => audiences.iter().any(|audience| accepted.contains(audience)),
        }
    }
}

impl<'a> Token<'a> {
    /// Whether this looks like a token that can be read here, and not like one that only its issuer can.
    pub fn has_form(text: &str) -> bool {
        text.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// Takes a token apart; nothing if it is none of the compact serialisation of a JWS (RFC 7515, section 7.1).
    pub fn parse(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        // The alphabet has no dot, so a fourth part is refused here.
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            message,
            signature: decode(signature)?,
        })
    }
}

/// All claims of a token that is known to be good.
pub fn claims(text: &str) -> Option<Value> {
    serde_json::from_slice(&decode(text.split('.').nth(1)?)?).ok()
}

/// Without padding, and with unused bits zero: every value has one spelling (RFC 7515, section 2).
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Seconds since 1970, fractions cut off (RFC 7519, section 2).
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Seconds;

    impl Visitor<'_> for Seconds {
        type Value = u64;

        fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("seconds since 1970")
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<u64, E> {
            Ok(value)
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<u64, E> {
            // Beyond this, a double has no seconds any more.
            if (0.0..9e15).contains(&value) { Ok(value as u64) } else { Err(E::custom("no time")) }
        }
    }

    deserializer.deserialize_any(Seconds)
}

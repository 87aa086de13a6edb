//! The link between edge and core: each proves to the other that it has the edge key.
//!
//! The edge signs every request that it sends to the core (`breakwater-edge`), the core signs the snapshot
//! (`breakwater-core`), both with HMAC-SHA256 over lines of text. Keys rotate: the first signs, every one is accepted.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakwater_kit::types::Field;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::ids::{self, Seed};

/// The edge's keys, newest first. It prints none of them.
#[derive(Clone, Default)]
pub struct EdgeKeys(Arc<[Key]>);

struct Key {
    id: String,
    /// With the secret already worked in.
    mac: Hmac<Sha256>,
}

impl fmt::Debug for EdgeKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

/// A key that is no key. It does not say what was there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("edge key {0} is not `<id>.<32 bytes in base64url without padding>`")]
pub struct KeyError(usize);

impl EdgeKeys {
    /// Reads keys that stand apart by spaces, commas or lines: the first signs, all are accepted from the core.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        text.split(|c: char| c == ',' || c.is_whitespace())
            .filter(|key| !key.is_empty())
            .enumerate()
            .map(|(index, key)| Key::parse(key).ok_or(KeyError(index + 1)))
            .collect::<Result<Vec<_>, _>>()
            .map(|keys| Self(keys.into()))
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What marks a document as one that an edge with this key has kept, where others may write as well.
    pub fn seal(&self, document: &[u8]) -> Option<String> {
        self.0.first().map(|key| format!("v1 key={},mac={}", key.id, key.seal(document)))
    }

    /// Whether an edge with one of these keys kept this document.
    pub fn is_sealed(&self, document: &[u8], seal: &[u8]) -> bool {
        let Some((id, given)) = parse_signature(seal) else { return false };
        let key = self.0.iter().find(|key| key.id == id);
        key.is_some_and(|key| key.seal(document).as_bytes().ct_eq(given.as_bytes()).into())
    }

    /// The header `breakwater-edge` for one request.
    pub(crate) fn sign(&self, now: u64, request: &Signed<'_>) -> Option<String> {
        let (header, _) = self.0.first()?.sign(now, request);
        Some(header)
    }
}

/// The parts of a request to the core that the edge vouches for.
pub(crate) struct Signed<'a> {
    pub method: &'a str,
    pub path_and_query: &'a str,
    pub client_address: &'a str,
    pub request_id: &'a str,
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once('.')?;
        let named = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let secret = URL_SAFE_NO_PAD.decode(secret).ok().filter(|bytes| named && bytes.len() == 32)?;
        Some(Self { id: id.to_owned(), mac: Hmac::new_from_slice(&secret).ok()? })
    }

    fn sign(&self, now: u64, request: &Signed<'_>) -> (String, String) {
        let now = now.to_string();
        let lines = [
            "breakwater-edge-v1",
            &now,
            request.method,
            request.path_and_query,
            request.client_address,
            request.request_id,
        ];
        let mac = self.mac_of(&lines);
        (format!("v1 key={},time={now},mac={mac}", self.id), mac)
    }

    fn seal(&self, document: &[u8]) -> String {
        self.mac_of(&["breakwater-state-v1", &digest(document)])
    }

    fn mac_of(&self, lines: &[&str]) -> String {
        let mut mac = self.mac.clone();
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                mac.update(b"\n");
            }
            mac.update(line.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

/// One request for the snapshot: what to send, and how to tell that the core itself answered.
#[derive(Debug)]
pub struct SnapshotRequest {
    /// All headers of the request but `host`.
    pub headers: Vec<Field>,
    keys: EdgeKeys,
    mac: String,
}

/// The answer is not the core's, or the edge has no key to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot's answer carries no signature of the core's that the edge key verifies")]
pub struct Unverified;

impl SnapshotRequest {
    /// Where the core has it.
    pub const PATH: &str = "/edge/v1/snapshot";

    /// A `GET`, conditional if the edge has a snapshot whose ETag it knows.
    pub fn new(keys: &EdgeKeys, seed: &Seed, etag: Option<&str>, now_ms: u64) -> Self {
        let request_id = &ids::request_id(&[], seed, now_ms);
        let now = now_ms / 1000;
        let signed = Signed { method: "GET", path_and_query: Self::PATH, client_address: "", request_id };
        let mut headers =
            vec![Field::new("accept", "application/json"), Field::new("x-request-id", request_id.as_str())];
        if let Some(etag) = etag {
            headers.push(Field::new("if-none-match", etag));
        }
        let mut mac = String::new();
        if let Some(key) = keys.0.first() {
            let (header, made) = key.sign(now, &signed);
            headers.push(Field::new("breakwater-edge", header));
            mac = made;
        }
        Self { headers, keys: keys.clone(), mac }
    }

    /// Lets the core hold the request for so many seconds while it has nothing new (RFC 7240, section 4.3).
    #[must_use]
    pub fn waiting(mut self, seconds: u32) -> Self {
        self.headers.push(Field::new("prefer", format!("wait={seconds}")));
        self
    }

    /// Tells the core of issuers whose tokens name keys that the snapshot does not have.
    #[must_use]
    pub fn reporting<S: AsRef<str>>(mut self, issuers: &[S]) -> Self {
        let lines = issuers.iter().map(|issuer| Field::new("breakwater-missing-key", issuer.as_ref()));
        self.headers.extend(lines);
        self
    }

    /// Whether the answer came from a core that has one of the edge's keys, in answer to this very request.
    pub fn verify(&self, status: u16, etag: &str, body: &[u8], signature: &[u8]) -> Result<(), Unverified> {
        let (id, given) = parse_signature(signature).ok_or(Unverified)?;
        let key = self.keys.0.iter().find(|key| key.id == id).ok_or(Unverified)?;
        let wanted = key.mac_of(&["breakwater-core-v1", &self.mac, &status.to_string(), etag, &digest(body)]);
        if bool::from(wanted.as_bytes().ct_eq(given.as_bytes())) { Ok(()) } else { Err(Unverified) }
    }
}

/// SHA-256 in lower-case hexadecimal.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `v1 key=<id>,mac=<base64url>`
fn parse_signature(value: &[u8]) -> Option<(&str, &str)> {
    let fields = std::str::from_utf8(value).ok()?.strip_prefix("v1 ")?;
    let (mut key, mut mac) = (None, None);
    for field in fields.split(',') {
        match field.trim().split_once('=')? {
            ("key", value) => key = Some(value),
            ("mac", value) => mac = Some(value),
            _ => {}
        }
    }
    Some((key?, mac?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const KEY: &str = "k1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const OTHER: &str = "k2.AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

    /// Computed apart from this code: `printf 'breakwater-edge-v1\n1790000000\nGET\n/a?b=c\n192.0.2.7\nreq-12345' |
    /// openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf '00%.0s' $(seq 32)) -binary | basenc --base64url`
    #[test]
    fn signs_as_written_in_the_contract() {
        let keys = EdgeKeys::parse(KEY).unwrap();
        let signed =
            Signed { method: "GET", path_and_query: "/a?b=c", client_address: "192.0.2.7", request_id: "req-12345" };
        assert_eq!(
            keys.sign(1_790_000_000, &signed).unwrap(),
            "v1 key=k1,time=1790000000,mac=-iPjTTmxvyl3nuPkpgV10UE8mkFetxxLH7EO1FeFIRQ"
        );
    }

    #[test]
    fn refuses_what_is_no_key_without_telling_it() {
        for bad in
            ["k1", "k1.", ".AAAA", "k1.AAAA", &format!("{KEY}="), &format!("k 1,{KEY}"), &KEY.replace("k1", "k/1")]
        {
            let error = EdgeKeys::parse(bad).unwrap_err();
            assert!(!error.to_string().contains("AAAA"), "{error}");
        }
        assert!(EdgeKeys::parse(" \n").unwrap().is_empty());
        assert_eq!(format!("{:?}", EdgeKeys::parse(&format!("{KEY}, {OTHER}\n")).unwrap()), r#"["k1", "k2"]"#);
    }

    /// The core's part, written again.
    fn core_signature(key: &str, request_mac: &str, status: u16, etag: &str, body: &[u8]) -> String {
        let key = Key::parse(key).unwrap();
        let body: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
        let mac = key.mac_of(&["breakwater-core-v1", request_mac, &status.to_string(), etag, &body]);
        format!("v1 key={},mac={mac}", key.id)
    }

    #[test]
    fn verifies_the_core() {
        let keys = EdgeKeys::parse(&format!("{KEY} {OTHER}")).unwrap();
        let request = SnapshotRequest::new(&keys, &Seed([7; 34]), Some("\"v0\""), 1_790_000_000_000);
        let names: Vec<&str> = request.headers.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["accept", "x-request-id", "if-none-match", "breakwater-edge"]);

        // A core in the middle of a rotation may answer with either key.
        for key in [KEY, OTHER] {
            let good = core_signature(key, &request.mac, 200, "\"v1\"", b"{}");
            assert_eq!(request.verify(200, "\"v1\"", b"{}", good.as_bytes()), Ok(()));
            for (status, etag, body) in [(304, "\"v1\"", &b"{}"[..]), (200, "\"v2\"", b"{}"), (200, "\"v1\"", b"{} ")] {
                assert_eq!(request.verify(status, etag, body, good.as_bytes()), Err(Unverified));
            }
        }
        let replayed = core_signature(KEY, "mac-of-another-request", 200, "\"v1\"", b"{}");
        let stranger = core_signature(&KEY.replace("k1.A", "k1.B"), &request.mac, 200, "\"v1\"", b"{}");
        for bad in ["", "v1", "v1 key=k1", "v1 key=k1,mac=", "v1 key=k9,mac=x", &replayed, &stranger] {
            assert_eq!(request.verify(200, "\"v1\"", b"{}", bad.as_bytes()), Err(Unverified), "{bad}");
        }
    }

    #[test]
    fn a_sealed_document_is_known_again() {
        let old = EdgeKeys::parse(KEY).unwrap();
        let both = EdgeKeys::parse(&format!("{OTHER} {KEY}")).unwrap();
        let seal = old.seal(b"document").unwrap();
        assert!(old.is_sealed(b"document", seal.as_bytes()) && both.is_sealed(b"document", seal.as_bytes()));
        assert!(!old.is_sealed(b"another", seal.as_bytes()));
        assert!(!EdgeKeys::parse(OTHER).unwrap().is_sealed(b"document", seal.as_bytes()));
        for bad in ["", "v1", "v1 key=k1,mac=", "v1 key=k9,mac=x"] {
            assert!(!old.is_sealed(b"document", bad.as_bytes()), "{bad}");
        }
        assert_eq!(EdgeKeys::default().seal(b"document"), None);
    }

    #[test]
    fn without_a_key_nothing_is_verified() {
        let request = SnapshotRequest::new(&EdgeKeys::default(), &Seed([7; 34]), None, 1);
        assert_eq!(request.verify(200, "", b"", b"v1 key=,mac="), Err(Unverified));
    }
}

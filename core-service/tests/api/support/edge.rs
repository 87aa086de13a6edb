//! The edge's side of the link, written from its description and not from the core's code.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The edge's key in tests.
pub const EDGE_KEY: EdgeKey = EdgeKey { id: "edge-1", secret: [7; 32] };

#[derive(Clone, Copy)]
pub struct EdgeKey {
    pub id: &'static str,
    pub secret: [u8; 32],
}

impl EdgeKey {
    /// As it is configured.
    pub fn text(&self) -> String {
        format!("{}.{}", self.id, URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// HMAC-SHA256 over lines.
    pub fn mac(&self, lines: &[&str]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).unwrap();
        mac.update(lines.join("\n").as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// The header `breakwater-edge`, made `seconds` from now.
    pub fn sign(&self, seconds: i64, method: &str, path: &str, address: &str, request_id: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let time = now.checked_add_signed(seconds).unwrap().to_string();
        let mac = self.mac(&["breakwater-edge-v1", &time, method, path, address, request_id]);
        format!("v1 key={},time={time},mac={mac}", self.id)
    }
}

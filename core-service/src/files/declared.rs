//! What a client says of the content that it uploads.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderName, header};

use crate::http::{essence, header as value};
use crate::problem::{Problem, Result, kinds};

/// RFC 9530 sections 2 and 3: of the content as it is sent, and of the file itself. Both are the same here.
const DIGESTS: [HeaderName; 2] = [HeaderName::from_static("content-digest"), HeaderName::from_static("repr-digest")];

/// What the headers say.
pub(super) struct Declared {
    /// The media type with its parameters, if it says more than that these are bytes.
    pub(super) media_type: Option<String>,
    /// The length in bytes.
    pub(super) length: Option<u64>,
    /// The SHA-256.
    pub(super) sha256: Option<[u8; 32]>,
}

impl Declared {
    /// Reads the headers; 400 for what makes no sense, 415 for content that is encoded.
    pub(super) fn read(parts: &Parts) -> Result<Self> {
        if value(parts, &header::CONTENT_ENCODING)?.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(
                Problem::new(&kinds::UNSUPPORTED_MEDIA_TYPE).detail("Content is taken without Content-Encoding.")
            );
        }
        let length = value(parts, &header::CONTENT_LENGTH)?.map(str::parse).transpose();
        let mut sha256 = None;
        for name in &DIGESTS {
            let Some(text) = value(parts, name)? else { continue };
            let digest = digest(text).map_err(|()| Problem::bad_request(format!("{name} is malformed.")))?;
            if sha256.is_some() && digest.is_some() && sha256 != digest {
                return Err(Problem::bad_request("Content-Digest and Repr-Digest say different things."));
            }
            sha256 = sha256.or(digest);
        }
        Ok(Self {
            media_type: value(parts, &header::CONTENT_TYPE)?.map(media_type).transpose()?.flatten(),
            length: length.map_err(|_| Problem::bad_request("Content-Length is malformed."))?,
            sha256,
        })
    }
}

/// RFC 9110 section 8.3.1. Nothing for `application/octet-stream`, which says nothing.
pub(super) fn media_type(text: &str) -> Result<Option<String>> {
    let text = text.trim();
    let essence = essence(text);
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let good =
        text.len() <= 255 && essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    if !good {
        return Err(Problem::bad_request("Content-Type is malformed."));
    }
    Ok((essence != "application/octet-stream").then(|| text.to_owned()))
}

/// The SHA-256 in a list of digests (RFC 9530 section 5, RFC 9651 section 3.2); others are not looked at.
fn digest(text: &str) -> std::result::Result<Option<[u8; 32]>, ()> {
    let mut found = None;
    for member in text.split(',') {
        let (name, value) = member.trim().split_once('=').ok_or(())?;
        let value = value.split(';').next().unwrap_or_default();
        let bytes = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')).ok_or(())?;
        if name == "sha-256" {
            let bytes = STANDARD.decode(bytes).map_err(|_| ())?;
            found = Some(bytes.try_into().map_err(|_| ())?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sha2::{Digest, Sha256};

    use super::*;

    /// The example of RFC 9530 appendix D: the content is `{"hello": "world"}` and a line feed.
    #[test]
    fn a_digest_is_read_as_the_standard_writes_it() {
        let known: [u8; 32] = Sha256::digest(b"{\"hello\": \"world\"}\n").into();
        let text = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert_eq!(digest(text), Ok(Some(known)));
        assert_eq!(digest(&format!("sha-512=:AAAA:, {text}")), Ok(Some(known)));
        assert_eq!(digest("sha-512=:AAAA:"), Ok(None));
        for wrong in ["", "sha-256", "sha-256=abc", "sha-256=:abc:", "sha-256=:AAAA:", "sha-256=:%:"] {
            assert_eq!(digest(wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn a_media_type_is_one_or_is_refused() {
        assert_eq!(media_type(" text/plain; charset=utf-8 ").unwrap().as_deref(), Some("text/plain; charset=utf-8"));
        assert_eq!(media_type("Application/Octet-Stream").unwrap(), None);
        for wrong in ["", "text", "text/", "/plain", "te xt/plain", "text/pl\"ain"] {
            assert!(media_type(wrong).is_err(), "{wrong}");
        }
    }
}

//! Public keys as authenticators give them: COSE (RFC 9052) in CTAP2's canonical form, which leaves each kind of key one
//! way of being written. So they are compared with that, and no CBOR needs to be understood.

use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};

/// ES256 (-7): P-256.
const P256: (&[u8], &[u8]) = (&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20], &[0x22, 0x58, 0x20]);

/// EdDSA (-8): Ed25519.
const ED25519: &[u8] = &[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20];

/// RS256 (-257) with the exponent 65537: the length of the modulus follows the first part.
const RSA: (&[u8], &[u8]) = (&[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59], &[0x21, 0x43, 1, 0, 1]);

/// The COSE numbers of these, in the order in which we like them.
pub(super) const ALGORITHMS: [i64; 3] = [-8, -7, -257];

/// A public key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key<'a> {
    P256 { x: &'a [u8], y: &'a [u8] },
    Ed25519(&'a [u8]),
    Rsa { n: &'a [u8] },
}

impl<'a> Key<'a> {
    /// The key that `bytes` begin with, and how long it is.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, usize)> {
        if let Some(rest) = bytes.strip_prefix(P256.0) {
            let (x, rest) = rest.split_at_checked(32)?;
            let y = rest.strip_prefix(P256.1)?.get(..32)?;
            return Some((Self::P256 { x, y }, P256.0.len() + 32 + P256.1.len() + 32));
        }
        if let Some(rest) = bytes.strip_prefix(ED25519) {
            return Some((Self::Ed25519(rest.get(..32)?), ED25519.len() + 32));
        }
        let rest = bytes.strip_prefix(RSA.0)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        // 2048 to 8192 bits: what ring takes.
        let (n, rest) = rest.split_at_checked(length).filter(|_| (256..=1024).contains(&length))?;
        rest.strip_prefix(RSA.1)?;
        Some((Self::Rsa { n }, RSA.0.len() + 2 + length + RSA.1.len()))
    }

    /// Whether it made this signature.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let plain = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature)
        };
        let verified = match self {
            Self::P256 { x, y } => plain(&signature::ECDSA_P256_SHA256_ASN1, &[&[4][..], x, y].concat()),
            Self::Ed25519(key) => plain(&signature::ED25519, key),
            Self::Rsa { n } => RsaPublicKeyComponents { n: *n, e: &[1, 0, 1][..] }.verify(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.is_ok()
    }
}

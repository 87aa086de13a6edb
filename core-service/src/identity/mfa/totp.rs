//! Time-based one-time passwords, RFC 6238: HMAC-SHA-1, six digits, thirty seconds, as every authenticator app has them.

use ring::hmac;

/// RFC 6238 section 4.1: X.
pub(super) const STEP_SECONDS: i64 = 30;
const DIGITS: u32 = 6;

/// How many steps before and after the present one are taken, for clocks that differ (RFC 6238 section 5.2).
const WINDOW: i64 = 1;

/// RFC 4648 section 6, without padding, as the URI has it.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step whose code this is, if it is one of about now and newer than `last`.
pub(super) fn step_of(seed: &[u8], code: &str, now: i64, last: i64) -> Option<i64> {
    let typed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let present = now.div_euclid(STEP_SECONDS);
    (present - WINDOW..=present + WINDOW).filter(|step| *step > last).find(|step| {
        let right = code_at(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed, *step, DIGITS);
        subtle::ConstantTimeEq::ct_eq(right.as_bytes(), typed.as_bytes()).into()
    })
}

/// RFC 4226 section 5.3, over the step.
fn code_at(algorithm: hmac::Algorithm, seed: &[u8], step: i64, digits: u32) -> String {
    let mac = hmac::sign(&hmac::Key::new(algorithm, seed), &step.to_be_bytes());
    let mac = mac.as_ref();
    let offset = usize::from(mac[mac.len() - 1] & 0x0f);
    let word = u32::from_be_bytes([mac[offset] & 0x7f, mac[offset + 1], mac[offset + 2], mac[offset + 3]]);
    format!("{:0width$}", word % 10_u32.pow(digits), width = digits as usize)
}

/// The seed as authenticator apps take it.
pub(super) fn base32(seed: &[u8]) -> String {
    let mut text = String::new();
    for chunk in seed.chunks(5) {
        let mut bytes = [0; 8];
        bytes[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(bytes);
        for place in 0..(chunk.len() * 8).div_ceil(5) {
            text.push(char::from(BASE32[(bits >> (35 - 5 * place)) as usize & 31]));
        }
    }
    text
}

/// What a QR code holds: the key URI format of authenticator apps.
pub(super) fn uri(product: &str, email: &str, seed: &[u8]) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let (product, email) = (encode(product), encode(email));
    let secret = base32(seed);
    format!(
        "otpauth://totp/{product}:{email}?secret={secret}&issuer={product}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, whole.
    #[test]
    fn known_answers() {
        let seed = |length: usize| "1234567890".bytes().cycle().take(length).collect::<Vec<u8>>();
        let table = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (time, sha1, sha256, sha512) in table {
            let step = time / STEP_SECONDS;
            assert_eq!(code_at(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &seed(20), step, 8), sha1, "{time}");
            assert_eq!(code_at(hmac::HMAC_SHA256, &seed(32), step, 8), sha256, "{time}");
            assert_eq!(code_at(hmac::HMAC_SHA512, &seed(64), step, 8), sha512, "{time}");
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_its_neighbours_and_once() {
        let seed = b"12345678901234567890";
        let at = |step| code_at(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed, step, 6);
        let now = 1_000_000_015;
        let present = now / STEP_SECONDS;
        for step in present - 1..=present + 1 {
            assert_eq!(step_of(seed, &at(step), now, 0), Some(step));
        }
        assert_eq!(step_of(seed, &at(present - 2), now, 0), None);
        assert_eq!(step_of(seed, &at(present + 2), now, 0), None);
        assert_eq!(step_of(seed, &at(present), now, present), None, "it was used");
        assert_eq!(step_of(seed, &at(present - 1), now, present), None, "nor is an older one good then");
        let spaced = format!("{} {}", &at(present)[..3], &at(present)[3..]);
        assert_eq!(step_of(seed, &spaced, now, 0), Some(present));
        for wrong in ["", "0", "1234567", &at(present)[..5], "abcdef"] {
            assert_eq!(step_of(seed, wrong, now, 0), None, "{wrong}");
        }
    }

    /// RFC 4648 section 10, without padding.
    #[test]
    fn base32_as_in_its_rfc() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }

    #[test]
    fn the_uri_is_whole_whatever_the_names_hold() {
        let uri = uri("Harbour & Sons", "ada+x@example.org", b"foobar");
        assert_eq!(
            uri,
            "otpauth://totp/Harbour%20%26%20Sons:ada%2Bx%40example%2Eorg?secret=MZXW6YTBOI\
             &issuer=Harbour%20%26%20Sons&algorithm=SHA1&digits=6&period=30"
        );
    }
}

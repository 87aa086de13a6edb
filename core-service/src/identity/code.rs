//! Codes that people carry from a mail or a sheet of paper to the app: 125 random bits in Crockford's base32, which
//! has no letters that are mistaken for digits.

use sha2::{Digest, Sha256};

use crate::vault::random;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 25;
const GROUP: usize = 5;

/// A code.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Code([u8; LENGTH]);

impl Code {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self(random::<LENGTH>()?.map(|byte| ALPHABET[usize::from(byte % 32)])))
    }

    /// Reads what somebody typed: in any case, with or without dashes and spaces.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let typed =
            text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')).map(|byte| match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                byte => byte,
            });
        // One more than fits, to notice a longer one.
        let typed: Vec<u8> = typed.take(LENGTH + 1).collect();
        let known = typed.iter().all(|byte| ALPHABET.contains(byte));
        typed.try_into().ok().filter(|_| known).map(Self)
    }

    /// As it is shown.
    pub(crate) fn text(&self) -> String {
        self.0.chunks(GROUP).map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join("-")
    }

    /// What is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_shown_is_read_however_it_is_typed() {
        let code = Code::new().unwrap();
        let text = code.text();
        assert_eq!(text.len(), 29);
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', ""), text.replace('-', " ")] {
            assert!(Code::read(&typed).unwrap() == code, "{typed}");
        }
        assert!(Code::read(&text.replace('0', "o").replace('1', "l")).unwrap() == code);
        assert!(Code::new().unwrap() != code);
    }

    #[test]
    fn what_is_no_code_is_none() {
        let text = Code::new().unwrap().text();
        for wrong in ["", "-----", &text[1..], &format!("{text}0"), &format!("U{}", &text[1..]), &"é".repeat(25)] {
            assert!(Code::read(wrong).is_none(), "{wrong}");
        }
    }
}

//! Names of files and folders.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

/// 1 to 255 characters that every system can keep as the name of a file: no slash, no control character, not `.` or `..`,
/// no space at either end. Kept in Unicode's form NFC, so that what looks alike is alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 255, pattern = r"^[^/\\\u0000-\u001f\u007f]+$", example = "report.pdf")]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let name: String = name.nfc().collect();
        let wrong = name.trim() != name
            || ["", ".", ".."].contains(&name.as_str())
            || name.chars().count() > 255
            || name.contains(['/', '\\'])
            || name.chars().any(char::is_control);
        if wrong {
            return Err(
                "must be 1 to 255 characters, without slashes, control characters or spaces at the ends, and not . or ..",
            );
        }
        Ok(Self(name))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_every_system_can_keep() {
        let good = |name: &str| Name::try_from(name.to_owned()).is_ok();
        for name in ["a", "report.pdf", ".env", "…", "a b", "файл", "...", &"x".repeat(255)] {
            assert!(good(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a\\b", "a\nb", "a\u{7f}", " a", "a ", "a\u{0}", &"x".repeat(256)] {
            assert!(!good(name), "{name:?}");
        }
    }

    #[test]
    fn what_looks_alike_is_alike() {
        let name = |name: &str| Name::try_from(name.to_owned());
        assert_eq!(name("e\u{301}"), name("\u{e9}"));
    }
}

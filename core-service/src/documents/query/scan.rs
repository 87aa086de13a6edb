//! Reads the small languages of `filter`, `sort` and `fields`: one scanner, one kind of error.

use super::InvalidQuery;

/// Walks over the text of one query parameter and knows where it stands.
pub(crate) struct Scanner<'a> {
    parameter: &'static str,
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(parameter: &'static str, text: &'a str) -> Self {
        Self { parameter, text, at: 0 }
    }

    /// The byte at which the scanner stands; give it back to [`Scanner::error_at`].
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character, which stays where it is.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub(crate) fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    /// Takes `expected` if it comes next.
    pub(crate) fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    /// Takes all of `expected` if it comes next.
    pub(crate) fn take_text(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// The text from the byte `start` to where the scanner stands.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// Takes the characters that `belongs` accepts, perhaps none.
    pub(crate) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// A word of letters, digits, `_` and `-`, perhaps empty.
    pub(crate) fn word(&mut self) -> &'a str {
        self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '-')
    }

    /// The word that comes next, which stays where it is.
    pub(crate) fn peek_word(&mut self) -> &'a str {
        let start = self.at;
        let word = self.word();
        self.at = start;
        word
    }

    /// A string in JSON's notation; the scanner stands at its opening quote.
    pub(crate) fn json_string(&mut self) -> Result<String, InvalidQuery> {
        let start = self.at;
        let mut escaped = false;
        let closing = self.rest().char_indices().skip(1).find(|&(_, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let Some((length, _)) = closing else {
            return Err(self.error_at(start, "this string has no closing quote"));
        };
        self.at += length + 1;
        let string: String = serde_json::from_str(&self.text[start..self.at])
            .map_err(|_| self.error_at(start, "this is not a string in JSON's notation"))?;
        if string.contains('\0') {
            return Err(self.error_at(start, "a string cannot hold the character U+0000"));
        }
        Ok(string)
    }

    /// Between two terms of a list: takes the comma, or says that the list is over; an error, `missing`, if it is neither.
    pub(crate) fn comma(&mut self, missing: &str) -> Result<bool, InvalidQuery> {
        self.skip_spaces();
        match self.is_at_end() {
            true => Ok(false),
            false if self.take(',') => Ok(true),
            false => Err(self.error(missing)),
        }
    }

    /// An error about where the scanner stands.
    pub(crate) fn error(&self, message: impl Into<String>) -> InvalidQuery {
        self.error_at(self.at, message)
    }

    /// An error about the byte `at`.
    pub(crate) fn error_at(&self, at: usize, message: impl Into<String>) -> InvalidQuery {
        InvalidQuery {
            parameter: self.parameter,
            position: self.text[..at].chars().count() + 1,
            message: message.into(),
        }
    }
}

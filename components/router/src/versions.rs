//! API versions that a client chooses by a header.

use breakwater_kit::headers;
use breakwater_kit::problems;
use breakwater_kit::types::{Problem, RequestHead};
use serde::Deserialize;

/// The member `versioning` of the section.
#[derive(Debug, Deserialize)]
pub struct Versioning {
    /// The header that clients name a version in.
    pub header: String,
    /// The version of those who name none.
    pub default: String,
    /// All there are.
    pub known: Vec<String>,
}

impl Versioning {
    /// Checks what was published.
    pub fn check(self) -> Result<Self, String> {
        if !crate::extras::is_header_name(&self.header) {
            return Err(format!("versioning: {:?} is no lower-case header name", self.header));
        }
        if !self.known.contains(&self.default) {
            return Err(format!("versioning: the default {:?} is not among the known versions", self.default));
        }
        Ok(self)
    }

    /// The version that a request asks for.
    pub fn asked<'a>(&'a self, request: &'a RequestHead) -> Result<&'a str, Problem> {
        let mut lines = headers::values(&request.headers, &self.header);
        let Some(line) = lines.next() else { return Ok(&self.default) };
        if lines.any(|other| other != line) {
            return Err(problems::bad_request(format!("The header {} is there twice.", self.header)));
        }
        std::str::from_utf8(line).map_err(|_| problems::bad_request(format!("The header {} is no text.", self.header)))
    }
}

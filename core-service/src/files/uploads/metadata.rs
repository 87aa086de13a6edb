//! `Upload-Metadata`: names, each with a value in base64, and commas between.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::files::declared;
use crate::files::name::Name;
use crate::problem::{Problem, Result};

/// What an upload is to become.
#[derive(Debug, PartialEq)]
pub(super) enum Becomes {
    /// A new file.
    File(Name, Option<Uuid>),
    /// A new version of this file.
    Version(Uuid),
}

/// What the client says of an upload.
#[derive(Debug, PartialEq)]
pub(super) struct Metadata {
    pub(super) becomes: Becomes,
    pub(super) media_type: Option<String>,
}

impl Metadata {
    /// Reads the header. Clients call the name `name` or `filename`, and the media type `type` or `filetype`; what else they say is
    /// theirs.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut pairs = BTreeMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let value = value.ok_or_else(|| malformed(name))?;
            if pairs.insert(name, value).is_some() {
                return Err(malformed(name));
            }
        }
        let id =
            |name: &str, value: Option<String>| value.map(|id| id.parse().map_err(|_| malformed(name))).transpose();
        let media_type =
            take(&mut pairs, &["type", "filetype"]).as_deref().map(declared::media_type).transpose()?.flatten();
        let (file, folder) = (id("file", take(&mut pairs, &["file"]))?, id("folder", take(&mut pairs, &["folder"]))?);
        let becomes = match file {
            Some(file) => Becomes::Version(file),
            None => {
                let name = take(&mut pairs, &["name", "filename"]).and_then(|name| Name::try_from(name).ok());
                let missing = || {
                    Problem::bad_request(
                        "Upload-Metadata must have a `name` that a file can have, or the `file` that exists.",
                    )
                };
                Becomes::File(name.ok_or_else(missing)?, folder)
            }
        };
        Ok(Self { becomes, media_type })
    }
}

/// The first of these that is there and says something.
fn take<'a>(pairs: &mut BTreeMap<&'a str, String>, names: &[&'a str]) -> Option<String> {
    names.iter().filter_map(|name| pairs.remove(name)).find(|value| !value.is_empty())
}

fn malformed(name: &str) -> Problem {
    Problem::bad_request(format!("`{name}` in Upload-Metadata is malformed."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The protocol's own example, which says more than we look at.
    #[test]
    fn it_is_read_as_the_protocol_has_it() {
        let read = Metadata::read("filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential").unwrap();
        let name = Name::try_from("world_domination_plan.pdf".to_owned()).unwrap();
        assert_eq!(read, Metadata { becomes: Becomes::File(name, None), media_type: None });
        let id = Uuid::from_u128(7);
        let read = Metadata::read(&format!("file {}, filetype aW1hZ2UvcG5n", STANDARD.encode(id.to_string()))).unwrap();
        assert_eq!(read, Metadata { becomes: Becomes::Version(id), media_type: Some("image/png".to_owned()) });
    }

    #[test]
    fn what_makes_no_file_is_refused() {
        for wrong in [
            "",
            "name",
            "name Li4=",
            "name YS9i",
            "name %%",
            "name /w==",
            "name YQ==,name YQ==",
            "name YQ==,folder YQ==",
        ] {
            assert!(Metadata::read(wrong).is_err(), "{wrong}");
        }
    }
}

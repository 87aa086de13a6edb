//! Whether content is what it is said to be, told by how it begins.
//!
//! Images, sound, film, PDF, fonts and programs begin in ways of their own. What is declared as one of these has to be one, and
//! one of these is not taken for anything else; of all the rest, what is declared counts.

use crate::http::essence;
use crate::problem::{Problem, Result, kinds};

/// How much of the beginning is looked at, in bytes.
pub(super) const BEGINNING: usize = 4096;

/// The media type under which content is kept.
pub(super) fn media_type(declared: Option<String>, beginning: &[u8]) -> Result<String> {
    let found = infer::get(beginning).map(|kind| kind.mime_type());
    let Some(declared) = declared else {
        return Ok(found.unwrap_or("application/octet-stream").to_owned());
    };
    let essence = essence(&declared);
    if Family::of(&essence) == found.map_or(Family::Other, Family::of) {
        return Ok(declared);
    }
    let is = found.unwrap_or("something else");
    Err(Problem::new(&kinds::MEDIA_TYPE_MISMATCH).detail(format!("This is declared as {essence} and is {is}.")))
}

/// Types that are told apart by how they begin.
#[derive(Debug, PartialEq, Eq)]
enum Family<'a> {
    /// One kind of image is not another.
    Image(&'a str),
    /// What one calls sound the other calls a film without pictures.
    Media,
    Font,
    Pdf,
    Program,
    Other,
}

impl<'a> Family<'a> {
    fn of(essence: &'a str) -> Self {
        match essence {
            // Text, which begins however it likes.
            "image/svg+xml" => Self::Other,
            "image/jpg" | "image/pjpeg" => Self::Image("image/jpeg"),
            "image/x-icon" | "image/vnd.microsoft.icon" => Self::Image("image/x-icon"),
            "image/x-ms-bmp" => Self::Image("image/bmp"),
            "image/heic" | "image/heif" => Self::Image("image/heif"),
            "application/pdf" => Self::Pdf,
            "application/ogg" => Self::Media,
            "application/x-executable"
            | "application/vnd.microsoft.portable-executable"
            | "application/x-mach-binary"
            | "application/java-vm"
            | "application/x-msdownload"
            | "application/x-elf" => Self::Program,
            _ if essence.starts_with("image/") => Self::Image(essence),
            _ if essence.starts_with("audio/") || essence.starts_with("video/") => Self::Media,
            _ if essence.starts_with("font/") || essence.starts_with("application/font-") => Self::Font,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";
    const PDF: &[u8] = b"%PDF-1.7\n";
    const HTML: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";

    fn taken(declared: &str, beginning: &[u8]) -> bool {
        media_type(Some(declared.to_owned()), beginning).is_ok()
    }

    #[test]
    fn what_begins_as_something_is_that() {
        for (declared, beginning) in [("image/png", PNG), ("image/jpg", JPEG), ("application/pdf", PDF)] {
            assert!(taken(declared, beginning), "{declared}");
        }
        let program = [&b"\x7fELF\x02\x01\x01"[..], &[0; 60]].concat();
        for (declared, beginning) in [
            ("image/png", JPEG),
            ("image/png", HTML),
            ("image/png", b""),
            ("text/plain", PNG),
            ("text/plain", PDF),
            ("application/json", &program),
            ("application/pdf", HTML),
            ("video/mp4", PNG),
        ] {
            assert!(!taken(declared, beginning), "{declared}");
        }
    }

    #[test]
    fn of_the_rest_what_is_declared_counts() {
        for declared in ["text/plain; charset=utf-8", "text/csv", "application/json", "image/svg+xml", "text/html"] {
            assert!(taken(declared, b"a,b\n"), "{declared}");
        }
        assert!(taken("application/vnd.oasis.opendocument.text", b"PK\x03\x04"));
        assert_eq!(media_type(None, PNG).unwrap(), "image/png");
        assert_eq!(media_type(None, b"\0\x01").unwrap(), "application/octet-stream");
    }
}

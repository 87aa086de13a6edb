//! Whether a browser shows content or saves it, and under which name: RFC 6266.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::essence;

/// What a browser does with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// It saves it.
    #[default]
    Attachment,
    /// It shows it, if that can do no harm: images, sound, films, plain text. Anything else it saves.
    Inline,
}

/// `attr-char` of RFC 8187 section 3.2.1.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

impl Disposition {
    /// The header's value.
    pub(super) fn header(self, name: &str, media_type: &str) -> HeaderValue {
        let kind = if self == Self::Inline && harmless(media_type) { "inline" } else { "attachment" };
        // For those who cannot read the other: what would need an escape is left out.
        let plain: String = name
            .chars()
            .map(|c| if c.is_ascii_graphic() && c != '"' && c != '%' || c == ' ' { c } else { '_' })
            .collect();
        let encoded = utf8_percent_encode(name, KEPT);
        let value = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
        // Visible ASCII and spaces only.
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
    }
}

/// What no browser takes for a page or a script. SVG is a page; a PDF is shown by a program that the sandbox of
/// [`super::content`] keeps out.
fn harmless(media_type: &str) -> bool {
    let essence = essence(media_type);
    match essence.as_str() {
        "text/plain" | "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" | "image/bmp" => true,
        _ => essence.starts_with("audio/") || essence.starts_with("video/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_twice() {
        let header = |name| Disposition::Attachment.header(name, "text/plain");
        assert_eq!(header("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        assert_eq!(
            header("\"€\\\".txt"),
            "attachment; filename=\"__\\_.txt\"; filename*=UTF-8''%22%E2%82%AC%5C%22.txt"
        );
        assert_eq!(header("100%;x"), "attachment; filename=\"100_;x\"; filename*=UTF-8''100%25%3Bx");
    }

    #[test]
    fn pages_and_scripts_are_saved() {
        let inline = |kind| Disposition::Inline.header("a", kind).as_bytes().starts_with(b"inline");
        for kind in ["image/png", "text/plain; charset=utf-8", "video/mp4", "Image/PNG"] {
            assert!(inline(kind), "{kind}");
        }
        for kind in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "application/pdf", ""] {
            assert!(!inline(kind), "{kind}");
        }
    }
}

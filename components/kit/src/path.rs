//! One meaning for every path: what the edge refuses, and what it makes of the rest.
//!
//! Edge and core must never disagree about what a path means: a path that one reads as `/admin` and the other as
//! something else walks around the rules. So a path is either refused or brought into one form, which is what is
//! matched *and* what is forwarded. The rule:
//!
//! - It begins with `/` and has only the characters that RFC 3986, section 3.3 allows; a percent sign
//!   begins a well-formed triplet.
//! - Triplets for unreserved characters are decoded, the others get upper-case digits (sections 6.2.2.1 and
//!   6.2.2.2). What they stand for is UTF-8.
//! - Refused, whether encoded or not: `.` and `..` as segments, empty segments except the last, `\`, control
//!   characters (NUL among them), and an encoded `/`. Nothing is resolved or merged, so nothing can be
//!   resolved or merged differently elsewhere.

/// Why a path was refused, for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub &'static str);

/// The one form of a path.
pub fn normalise(path: &str) -> Result<String, Refused> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err(Refused("The path does not begin with a slash."));
    }
    let mut out = String::with_capacity(path.len());
    // The octets that stand encoded in a row, to be checked for UTF-8.
    let mut encoded: Vec<u8> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let octet = triplet(bytes, at).ok_or(Refused("The path has a malformed percent-encoding."))?;
            match octet {
                b'/' | b'\\' | 0..=0x1f | 0x7f => {
                    return Err(Refused("The path has an encoded character that is not allowed."));
                }
                _ if unreserved(octet) => out.push(char::from(octet)),
                _ => {
                    out.push('%');
                    out.push(hex(octet >> 4));
                    out.push(hex(octet & 0xf));
                }
            }
            encoded.push(octet);
            at += 3;
            continue;
        }
        if !(unreserved(byte) || b"!$&'()*+,;=:@/".contains(&byte)) {
            return Err(Refused("The path has a character that is not allowed."));
        }
        check_text(&mut encoded)?;
        out.push(char::from(byte));
        at += 1;
    }
    check_text(&mut encoded)?;
    check_segments(&out)?;
    Ok(out)
}

fn triplet(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |offset| char::from(*bytes.get(at + offset)?).to_digit(16);
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn hex(nibble: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(nibble)])
}

fn check_text(encoded: &mut Vec<u8>) -> Result<(), Refused> {
    let text = std::str::from_utf8(encoded).is_ok();
    encoded.clear();
    if text { Ok(()) } else { Err(Refused("The path is not UTF-8.")) }
}

fn check_segments(path: &str) -> Result<(), Refused> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => return Err(Refused("The path has a dot segment.")),
            "" if segments.peek().is_some() => return Err(Refused("The path has an empty segment.")),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_form() {
        for (path, form) in [
            ("/", "/"),
            ("/a/", "/a/"),
            ("/%41%7e/%c3%a4%20", "/A~/%C3%A4%20"),
            ("/a;b=1,2:@!$&'()*+", "/a;b=1,2:@!$&'()*+"),
            ("/...", "/..."),
            ("/%25", "/%25"),
        ] {
            assert_eq!(normalise(path), Ok(form.into()), "{path}");
        }
    }

    proptest! {
        /// Whatever comes: a form that stays as it is, without anything that could be resolved.
        #[test]
        fn the_form_is_final(path in "/([a.%/]|%[0-9a-fA-F]{2}|\\PC){0,12}") {
            if let Ok(form) = normalise(&path) {
                prop_assert_eq!(normalise(&form), Ok(form.clone()));
                prop_assert!(form.is_ascii());
                prop_assert!(!form.contains("//") && !form.contains("%2F") && !form.contains("%2E"));
                prop_assert!(form.split('/').all(|segment| segment != "." && segment != ".."));
            }
        }
    }
}

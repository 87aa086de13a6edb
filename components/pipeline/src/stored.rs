//! How the cache's entries lie in the state.
//!
//! One byte of version, one of kind. A response goes on with its head and ends with its body, so that the body is a
//! slice of what the state gave, not a copy:
//!
//! ```text
//! 2  'r'  status u16  requested-at u64  received-at u64  epoch u64  count u16  (name: u16 + bytes, value: u32 + bytes)…  body
//! 2  'v'  series u64  count u16  (name: u16 + bytes)…
//! 2  'u'
//! ```
//!
//! The series is part of the variants' keys: once the entry is forgotten, so are they all.
//!
//! Numbers are big-endian. Another version, or anything that does not parse, counts as nothing stored: the state may
//! be shared with edges of another age.

use breakwater_kit::types::{Field, StoredHead};
use bytes::{Buf, BufMut, Bytes};

const VERSION: u8 = 2;
const RESPONSE: u8 = b'r';
const VARIES: u8 = b'v';
const UNCACHEABLE: u8 = b'u';

/// An entry as it was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A response and its body.
    Response(StoredHead, Bytes),
    /// The series of variants, and the names of the headers that they vary by.
    Varies(u64, Vec<String>),
    /// The last response was not kept.
    Uncacheable,
}

/// A response for the state.
pub fn encode_response(head: &StoredHead, body: &[u8]) -> Bytes {
    let lines: usize = head.headers.iter().map(|field| 6 + field.name.len() + field.value.len()).sum();
    let mut out = Vec::with_capacity(30 + lines + body.len());
    out.put_slice(&[VERSION, RESPONSE]);
    out.put_u16(head.status);
    out.put_u64(head.requested_at);
    out.put_u64(head.received_at);
    out.put_u64(head.epoch);
    // A head this large is refused long before; what does not fit is left out rather than cut.
    let fits = |field: &&Field| u16::try_from(field.name.len()).is_ok() && u32::try_from(field.value.len()).is_ok();
    let fields = || head.headers.iter().filter(fits).take(u16::MAX.into());
    out.put_u16(fields().count() as u16);
    for field in fields() {
        put_name(&mut out, &field.name);
        out.put_u32(field.value.len() as u32);
        out.put_slice(&field.value);
    }
    out.put_slice(body);
    out.into()
}

/// A list of header names for the state.
pub fn encode_varies(series: u64, names: &[String]) -> Bytes {
    let mut out = Vec::new();
    out.put_slice(&[VERSION, VARIES]);
    out.put_u64(series);
    let names = || names.iter().filter(|name| u16::try_from(name.len()).is_ok()).take(u16::MAX.into());
    out.put_u16(names().count() as u16);
    for name in names() {
        put_name(&mut out, name);
    }
    out.into()
}

/// That the last response was not kept.
pub fn encode_uncacheable() -> Bytes {
    Bytes::from_static(&[VERSION, UNCACHEABLE])
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    out.put_u16(name.len() as u16);
    out.put_slice(name.as_bytes());
}

/// What the state gave, if it can be understood.
pub fn decode(mut value: Bytes) -> Option<Found> {
    if value.try_get_u8().ok()? != VERSION {
        return None;
    }
    match value.try_get_u8().ok()? {
        RESPONSE => {
            let status = value.try_get_u16().ok()?;
            let requested_at = value.try_get_u64().ok()?;
            let received_at = value.try_get_u64().ok()?;
            let epoch = value.try_get_u64().ok()?;
            let count = value.try_get_u16().ok()?;
            let mut headers = Vec::new();
            for _ in 0..count {
                let name = take_name(&mut value)?;
                let length = value.try_get_u32().ok()? as usize;
                headers.push(Field { name, value: take(&mut value, length)?.to_vec() });
            }
            Some(Found::Response(StoredHead { status, headers, requested_at, received_at, epoch }, value))
        }
        UNCACHEABLE => value.is_empty().then_some(Found::Uncacheable),
        VARIES => {
            let series = value.try_get_u64().ok()?;
            let count = value.try_get_u16().ok()?;
            let mut names = Vec::new();
            for _ in 0..count {
                names.push(take_name(&mut value)?);
            }
            value.is_empty().then_some(Found::Varies(series, names))
        }
        _ => None,
    }
}

fn take_name(value: &mut Bytes) -> Option<String> {
    let length = value.try_get_u16().ok()?.into();
    String::from_utf8(take(value, length)?.to_vec()).ok()
}

fn take(value: &mut Bytes, length: usize) -> Option<Bytes> {
    (value.len() >= length).then(|| value.split_to(length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head() -> impl Strategy<Value = StoredHead> {
        let field = ("[a-z-]{0,20}", any::<Vec<u8>>()).prop_map(|(name, value)| Field { name, value });
        (any::<u16>(), proptest::collection::vec(field, 0..8), any::<u64>(), any::<u64>(), any::<u64>()).prop_map(
            |(status, headers, requested_at, received_at, epoch)| StoredHead {
                status,
                headers,
                requested_at,
                received_at,
                epoch,
            },
        )
    }

    proptest! {
        #[test]
        fn responses_come_back(head in head(), body: Vec<u8>) {
            let found = decode(encode_response(&head, &body));
            prop_assert_eq!(found, Some(Found::Response(head, body.into())));
        }

        #[test]
        fn names_come_back(series: u64, names: Vec<String>) {
            prop_assert_eq!(decode(encode_varies(series, &names)), Some(Found::Varies(series, names)));
        }

        #[test]
        fn garbage_is_nothing_and_never_a_panic(mut bytes: Vec<u8>, kind in 0..4usize) {
            if let (2.., Some(tag)) = (bytes.len(), [RESPONSE, VARIES, UNCACHEABLE].get(kind)) {
                bytes[0] = VERSION;
                bytes[1] = *tag;
            }
            let _ = decode(bytes.into());
        }

        #[test]
        fn a_cut_head_is_nothing(head in head(), at in 0..30usize) {
            let whole = encode_response(&head, b"");
            prop_assert_eq!(decode(whole.slice(..at.min(whole.len() - 1))), None);
        }
    }

    #[test]
    fn what_was_not_kept_is_remembered() {
        assert_eq!(decode(encode_uncacheable()), Some(Found::Uncacheable));
    }

    #[test]
    fn another_version_is_nothing() {
        let mut bytes = encode_varies(1, &["accept".to_owned()]).to_vec();
        bytes[0] = 1;
        assert_eq!(decode(bytes.into()), None);
    }
}

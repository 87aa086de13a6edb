//! Where a request stands in its trace.

use opentelemetry::trace::{SpanId, TraceId};

/// A span among its trace's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub(crate) trace: TraceId,
    pub(crate) parent: SpanId,
    pub(crate) span: SpanId,
}

impl Place {
    /// The place of a request that came with this `traceparent` (W3C Trace Context, section 3.2), if its trace is to be
    /// told of. `span` names it.
    pub fn below(traceparent: &str, span: [u8; 8]) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (_version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        let place = Self {
            trace: TraceId::from_hex(trace).ok()?,
            parent: SpanId::from_hex(parent).ok()?,
            span: SpanId::from_bytes(span),
        };
        let sound =
            [place.parent, place.span].iter().all(|id| *id != SpanId::INVALID) && place.trace != TraceId::INVALID;
        (sampled && sound).then_some(place)
    }

    /// The place that this `traceparent` itself names, below `parent` if there is one.
    pub fn of(traceparent: &str, parent: Option<&str>) -> Option<Self> {
        let named = Self::below(traceparent, [1; 8])?;
        let parent = parent.map_or(Ok(SpanId::INVALID), SpanId::from_hex).ok()?;
        Some(Self { trace: named.trace, parent, span: named.parent })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_place_is_below_or_at_what_is_named() {
        let line = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let below = Place::below(&line, [7; 8]).unwrap();
        assert_eq!(below.trace.to_string(), TRACE);
        assert_eq!((below.parent.to_string().as_str(), below.span), ("00f067aa0ba902b7", SpanId::from_bytes([7; 8])));
        let at = Place::of(&line, Some("00000000000000aa")).unwrap();
        assert_eq!((at.parent.to_string().as_str(), at.span), ("00000000000000aa", below.parent));
        assert_eq!(Place::of(&line, None).unwrap().parent, SpanId::INVALID);
    }

    #[test]
    fn what_is_not_chosen_or_not_sound_has_no_place() {
        let zero = "0".repeat(32);
        for line in [
            format!("00-{TRACE}-00f067aa0ba902b7-00"),
            format!("00-{zero}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            "nonsense".to_owned(),
        ] {
            assert_eq!(Place::below(&line, [7; 8]), None, "{line}");
        }
    }
}

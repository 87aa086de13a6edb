//! Where a WebSocket's frames end (RFC 6455, section 5.2).

/// Follows the frames of one way.
#[derive(Debug, Default)]
pub struct Frames {
    /// Of a head that has not come whole.
    head: [u8; 10],
    have: usize,
    /// Bytes of the frame that are still to come after those of its head.
    left: u64,
}

impl Frames {
    /// Whether the last frame has come whole.
    pub fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Goes on over all of these bytes.
    pub fn follow(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.step(rest)..];
        }
    }

    /// Goes on to the end of the frame; how many of these bytes belong to it.
    pub fn follow_to_end(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.is_between() {
            at += self.step(&bytes[at..]);
        }
        at
    }

    /// One byte of a head, or what there is of what follows it.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.left > 0 {
            let taken = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= taken as u64;
            return taken;
        }
        self.head[self.have] = bytes[0];
        self.have += 1;
        if let Some(left) = self.after_head() {
            self.left = left;
            self.have = 0;
        }
        1
    }

    /// Bytes that follow the lengths in the head: the mask and the payload. None while the lengths have not come.
    fn after_head(&self) -> Option<u64> {
        let head = self.head.get(..self.have).filter(|head| head.len() >= 2)?;
        let mask = if head[1] & 0x80 == 0 { 0 } else { 4 };
        let length = match (head[1] & 0x7f, &head[2..]) {
            (126, &[a, b]) => u16::from_be_bytes([a, b]).into(),
            (127, &[a, b, c, d, e, f, g, h]) => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            (126 | 127, _) => return None,
            (short, _) => short.into(),
        };
        Some(length.saturating_add(mask))
    }
}

/// Why the edge ends a tunnel (section 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close(u16);

impl Close {
    pub const GOING_AWAY: Self = Self(1001);
    pub const POLICY_VIOLATION: Self = Self(1008);

    /// The frame that says so.
    pub fn frame(self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let [a, b] = self.0.to_be_bytes();
        match mask {
            None => vec![0x88, 2, a, b],
            Some(mask) => [&[0x88, 0x82][..], &mask, &[a ^ mask[0], b ^ mask[1]]].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(masked: bool, payload: usize) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match payload {
            0..126 => frame.push(mask | payload as u8),
            126..0x1_0000 => frame.extend([&[mask | 126][..], &(payload as u16).to_be_bytes()].concat()),
            _ => frame.extend([&[mask | 127][..], &(payload as u64).to_be_bytes()].concat()),
        }
        frame.extend(std::iter::repeat_n(0xff, payload + if masked { 4 } else { 0 }));
        frame
    }

    #[test]
    fn ends_however_the_bytes_come() {
        for masked in [false, true] {
            for payload in [0, 1, 125, 126, 127, 65_535, 65_536] {
                let one = frame(masked, payload);
                let two = [one.clone(), frame(masked, 3)].concat();
                for piece in [1, 2, 3, 7, 4096, usize::MAX] {
                    let mut frames = Frames::default();
                    let mut ends = Vec::new();
                    let mut at = 0;
                    for bytes in two.chunks(piece) {
                        frames.follow(bytes);
                        at += bytes.len();
                        ends.extend(frames.is_between().then_some(at));
                    }
                    assert_eq!(ends.last(), Some(&two.len()));
                    assert!(piece > 1 || ends == [one.len(), two.len()], "{payload}");

                    let mut frames = Frames::default();
                    frames.follow(&two[..1]);
                    let mut taken = 1;
                    for bytes in two[1..].chunks(piece) {
                        taken += frames.follow_to_end(bytes);
                    }
                    assert_eq!(taken, one.len(), "{payload}, {piece}");
                }
            }
        }
    }

    #[test]
    fn a_length_that_is_none_overflows_nothing() {
        let mut frames = Frames::default();
        frames.follow(&[&[0x82, 0xff][..], &[0xff; 8], &[0; 100]].concat());
        assert!(!frames.is_between());
    }

    #[test]
    fn closes() {
        assert_eq!(Close::GOING_AWAY.frame(None), [0x88, 2, 0x03, 0xe9]);
        assert_eq!(Close::POLICY_VIOLATION.frame(Some([1, 2, 3, 4])), [0x88, 0x82, 1, 2, 3, 4, 0x02, 0xf2]);
    }
}

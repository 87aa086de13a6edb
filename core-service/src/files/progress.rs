//! What is known of content while it arrives. Between two requests of an upload it is written down.

use sha2_resumable::digest::common::hazmat::SerializableState;
use sha2_resumable::{Digest, Sha256};

use super::sniff;

/// Its length so far, the state of its SHA-256, and how it begins.
#[derive(Default)]
pub(super) struct Progress {
    hash: Sha256,
    /// Over what has arrived since it was asked for.
    watched: Option<Sha256>,
    pub(super) size: u64,
    pub(super) beginning: Vec<u8>,
}

impl Progress {
    /// As it was written down; nothing if it was not by us.
    pub(super) fn restore(size: u64, hash: &[u8], beginning: Vec<u8>) -> Option<Self> {
        let state = hash.try_into().ok()?;
        Some(Self { hash: Sha256::deserialize(&state).ok()?, watched: None, size, beginning })
    }

    /// The state of the SHA-256, to be written down.
    pub(super) fn hash(&self) -> Vec<u8> {
        self.hash.serialize().to_vec()
    }

    /// From now on the SHA-256 of what arrives is worked out as well.
    pub(super) fn watch(&mut self) {
        self.watched = Some(Sha256::new());
    }

    /// The SHA-256 of what has arrived since then.
    pub(super) fn watched(&mut self) -> Option<[u8; 32]> {
        self.watched.take().map(|hash| hash.finalize().into())
    }

    /// The next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        let missing = sniff::BEGINNING.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(&piece[..piece.len().min(missing)]);
        self.hash.update(piece);
        if let Some(watched) = &mut self.watched {
            watched.update(piece);
        }
    }

    /// The SHA-256 of all of it.
    pub(super) fn sha256(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_down_goes_on() {
        let bytes: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        let mut progress = Progress::default();
        for piece in bytes.chunks(777) {
            progress = Progress::restore(progress.size, &progress.hash(), progress.beginning).unwrap();
            progress.push(piece);
        }
        assert_eq!((progress.size, &progress.beginning[..]), (10_000, &bytes[..sniff::BEGINNING]));
        assert_eq!(progress.sha256()[..], Sha256::digest(&bytes)[..]);
        assert!(Progress::restore(0, b"another", Vec::new()).is_none());
    }
}

//! One of a tunnel's two ways.

use std::cell::Cell;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

use super::frames::{Close, Frames};
use crate::metrics::Count;

/// Bytes that are read at once. Two of these are what an idle tunnel holds.
const BUFFER: usize = 16 * 1024;

/// From one side to the other.
pub struct Way<'a> {
    /// Bytes that went.
    pub bytes: u64,
    stopped: watch::Receiver<Option<Close>>,
    moved: &'a Cell<Instant>,
    counted: &'a Count,
    mask: Option<[u8; 4]>,
    frames: Frames,
}

impl<'a> Way<'a> {
    /// `mask` is for what the edge itself says.
    pub fn new(
        stopped: watch::Receiver<Option<Close>>,
        moved: &'a Cell<Instant>,
        counted: &'a Count,
        mask: Option<[u8; 4]>,
    ) -> Self {
        Self { bytes: 0, stopped, moved, counted, mask, frames: Frames::default() }
    }

    /// Until the one side has no more to say, or the edge has taken its leave from the other.
    pub async fn run(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let stop = *self.stopped.borrow_and_update();
            if let Some(close) = stop.filter(|_| self.frames.is_between()) {
                to.write_all(&close.frame(self.mask)).await?;
                return to.flush().await;
            }
            let length = tokio::select! {
                biased;
                // The sender lives for as long as this runs.
                Ok(()) = self.stopped.changed() => continue,
                length = from.read(&mut buffer) => length?,
            };
            if length == 0 {
                return to.shutdown().await;
            }
            let bytes = match stop {
                Some(_) => &buffer[..self.frames.follow_to_end(&buffer[..length])],
                None => {
                    self.frames.follow(&buffer[..length]);
                    &buffer[..length]
                }
            };
            to.write_all(bytes).await?;
            to.flush().await?;
            self.moved.set(Instant::now());
            self.bytes += bytes.len() as u64;
            self.counted.add(bytes.len() as u64);
        }
    }
}

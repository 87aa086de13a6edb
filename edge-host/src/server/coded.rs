//! A body that is compressed while it passes.
//!
//! What has come goes on at once: whenever there is nothing more to read for now, the coder gives out what it has.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use breakwater_pipeline::Coding;
use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Body, Frame};

use super::answer_body::AnswerBody;
use crate::upstream::BrokenOff;

/// Bytes that are coded in one go: others of this worker wait so long.
const PIECE: usize = 32 * 1024;

/// How far back a coder looks, as a power of two: it holds as much memory, some of them several times.
const WINDOW: u32 = 17;

/// Levels at which each takes about as long.
const LEVELS: (u32, u32, i32) = (5, 4, 3);

/// See the module.
pub struct Coded {
    body: AnswerBody,
    /// Of the last frame, not yet coded.
    left: Bytes,
    /// None once the end was written.
    coder: Option<Coder>,
    /// Whether the coder holds something back.
    holds: bool,
}

enum Coder {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Coder {
    fn new(coding: Coding) -> io::Result<Self> {
        let (gzip, brotli, zstd) = LEVELS;
        Ok(match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(gzip))),
            Coding::Brotli => Self::Brotli(Box::new(CompressorWriter::new(Vec::new(), 4096, brotli, WINDOW))),
            Coding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), zstd)?;
                encoder.window_log(WINDOW)?;
                Self::Zstd(encoder)
            }
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(coder) => coder.write_all(bytes),
            Self::Brotli(coder) => coder.write_all(bytes),
            Self::Zstd(coder) => coder.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(coder) => coder.flush(),
            Self::Brotli(coder) => coder.flush(),
            Self::Zstd(coder) => coder.flush(),
        }
    }

    /// What there is to send.
    fn take(&mut self) -> Bytes {
        std::mem::take(match self {
            Self::Gzip(coder) => coder.get_mut(),
            Self::Brotli(coder) => coder.get_mut(),
            Self::Zstd(coder) => coder.get_mut(),
        })
        .into()
    }

    fn finish(self) -> io::Result<Bytes> {
        Ok(match self {
            Self::Gzip(coder) => coder.finish()?,
            Self::Brotli(coder) => coder.into_inner(),
            Self::Zstd(coder) => coder.finish()?,
        }
        .into())
    }
}

impl Coded {
    /// Codes this body.
    pub fn new(body: AnswerBody, coding: Coding) -> io::Result<Self> {
        Ok(Self { body, left: Bytes::new(), coder: Some(Coder::new(coding)?), holds: false })
    }

    /// Whether nothing more comes.
    pub fn has_ended(&self) -> bool {
        self.coder.is_none()
    }

    /// The next coded piece.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let polled = self.poll_piece(context);
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.coder = None;
        }
        polled.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        let Some(coder) = &mut self.coder else { return Poll::Ready(None) };
        loop {
            if !self.left.is_empty() {
                let piece = self.left.split_to(PIECE.min(self.left.len()));
                coder.write(&piece)?;
                self.holds = true;
                let coded = coder.take();
                if !coded.is_empty() {
                    return Poll::Ready(Some(Ok(coded)));
                }
                continue;
            }
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(frame)) => self.left = frame?.into_data().unwrap_or_default(),
                Poll::Ready(None) => {
                    let end = self.coder.take().map(Coder::finish).transpose()?.filter(|end| !end.is_empty());
                    return Poll::Ready(end.map(Ok));
                }
                Poll::Pending if std::mem::take(&mut self.holds) => {
                    coder.flush()?;
                    let coded = coder.take();
                    if !coded.is_empty() {
                        return Poll::Ready(Some(Ok(coded)));
                    }
                    return Poll::Pending;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

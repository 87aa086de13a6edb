//! The bodies of answers.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use breakwater_pipeline::{Coding, Keep};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::coded::Coded;
use super::holding::Holding;
use super::streams::Stream;
use crate::collapse::Lead;
use crate::logging::Record;
use crate::state::State;
use crate::upstream::{BrokenOff, ResponseBody};

/// What follows an answer's head.
pub enum AnswerBody {
    /// Nothing.
    Empty,
    /// All of it, until it is taken.
    Whole(Option<Bytes>),
    /// What an upstream sends.
    Upstream(ResponseBody),
    /// The same, with a copy for the cache.
    Kept(Box<Kept>),
    /// None, because there is something wrong here.
    Broken(Option<std::io::Error>),
    /// One of these, compressed.
    Coded(Box<Coded>),
    /// One of these, with what lasts until it has gone.
    Held(Box<Held>),
}

/// A body, and what ends with it.
pub struct Held {
    body: AnswerBody,
    /// The places that the request has.
    _places: Option<Holding>,
    /// The line that is written about the request.
    record: Option<Record>,
    /// Its stream, over HTTP/2.
    stream: Option<Rc<Stream>>,
}

impl Held {
    /// Until this body has gone, or nobody waits for it any more.
    pub fn new(body: AnswerBody, places: Option<Holding>, record: Option<Record>, stream: Option<Rc<Stream>>) -> Self {
        // The first piece waits for the client's window.
        if let Some(stream) = &stream {
            stream.waits_for_client(true);
        }
        Self { body, _places: places, record, stream }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Some(stream) = &self.stream {
            stream.waits_for_client(polled.is_ready());
        }
        if let Some(record) = &mut self.record {
            match &polled {
                Poll::Ready(Some(Ok(frame))) => record.sent(frame.data_ref().map_or(0, Bytes::len)),
                Poll::Ready(None) => record.ended(),
                Poll::Ready(Some(Err(_))) | Poll::Pending => {}
            }
        }
        polled
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(record) = &mut self.record
            && self.body.is_end_stream()
        {
            record.ended();
        }
    }
}

/// A body of which a copy is kept.
pub struct Kept {
    body: ResponseBody,
    copy: Option<Copy>,
}

struct Copy {
    keep: Keep,
    bytes: Vec<u8>,
    state: State,
    /// Others wait for the copy; without one, they go ahead.
    lead: Option<Lead>,
}

impl AnswerBody {
    /// The same body, compressed.
    pub fn coded(self, coding: Coding) -> Self {
        match Coded::new(self, coding) {
            Ok(coded) => Self::Coded(Box::new(coded)),
            // Only without memory: the client sees an answer that breaks off.
            Err(error) => Self::Broken(Some(error)),
        }
    }

    /// An upstream's body, with a copy for the state if that is wanted.
    pub fn upstream(body: ResponseBody, keep: Option<Keep>, state: &State, lead: Option<Lead>) -> Self {
        // A body whose length says that it is too large is not even begun.
        let keep = keep.filter(|keep| body.size_hint().lower() <= keep.max_bytes);
        match keep {
            None => Self::Upstream(body),
            Some(keep) => {
                let bytes = Vec::with_capacity(body.size_hint().exact().unwrap_or_default() as usize);
                let mut kept = Kept { body, copy: Some(Copy { keep, bytes, state: state.clone(), lead }) };
                if kept.body.is_end_stream() {
                    kept.store();
                }
                Self::Kept(Box::new(kept))
            }
        }
    }
}

impl Kept {
    fn copy(&mut self, data: &Bytes) {
        let Some(copy) = &mut self.copy else { return };
        if copy.bytes.len() as u64 + data.len() as u64 > copy.keep.max_bytes {
            self.copy = None;
        } else {
            copy.bytes.extend_from_slice(data);
        }
    }

    fn store(&mut self) {
        if let Some(Copy { keep, bytes, state, lead }) = self.copy.take() {
            state.keep(keep.entries(&bytes), lead);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Upstream(body) => Pin::new(body).poll_frame(context),
            Self::Broken(error) => Poll::Ready(error.take().map(|error| Err(error.into()))),
            Self::Coded(coded) => coded.poll(context),
            Self::Held(held) => held.poll(context),
            Self::Kept(kept) => {
                let polled = Pin::new(&mut kept.body).poll_frame(context);
                match &polled {
                    Poll::Ready(Some(Ok(frame))) => {
                        if let Some(data) = frame.data_ref() {
                            kept.copy(data);
                        }
                        // hyper does not ask again once a body says that it has ended.
                        if kept.body.is_end_stream() {
                            kept.store();
                        }
                    }
                    Poll::Ready(None) => kept.store(),
                    Poll::Ready(Some(Err(_))) => kept.copy = None,
                    Poll::Pending => {}
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(bytes) => bytes.is_none(),
            Self::Upstream(body) => body.is_end_stream(),
            Self::Kept(kept) => kept.body.is_end_stream(),
            Self::Broken(error) => error.is_none(),
            Self::Coded(coded) => coded.has_ended(),
            Self::Held(held) => held.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Upstream(body) => body.size_hint(),
            Self::Kept(kept) => kept.body.size_hint(),
            Self::Broken(_) | Self::Coded(_) => SizeHint::default(),
            Self::Held(held) => held.body.size_hint(),
        }
    }
}

//! The client's body on its way to an upstream: counted, watched, never held.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use breakwater_pipeline::Failure;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// A body that goes upstream.
pub struct RequestBody {
    /// None when there is no body, or when it is here already.
    incoming: Option<Incoming>,
    whole: Option<Bytes>,
    left: u64,
    progress: Rc<Progress>,
}

/// How far the body is, as the one who waits for the answer sees it.
pub struct Progress {
    /// When something last moved.
    pub moved: Cell<Instant>,
    /// Whether it is the client that nothing comes from, and not the upstream that nothing goes to.
    pub waits_for_client: Cell<bool>,
    /// Whether the whole body has gone.
    pub ended: Cell<bool>,
    /// Whether any of it has gone.
    pub begun: Cell<bool>,
    /// Why it broke off.
    pub failure: Cell<Option<Failure>>,
}

/// The body broke off; [`Progress::failure`] says why.
#[derive(Debug, thiserror::Error)]
#[error("the request's body broke off")]
pub struct BrokenOff;

impl RequestBody {
    /// A body of so many bytes at the most, and the view on its progress.
    pub fn new(incoming: Option<Incoming>, max_bytes: u64) -> (Self, Rc<Progress>) {
        let incoming = incoming.filter(|body| !body.is_end_stream());
        let progress = Rc::new(Progress {
            moved: Cell::new(Instant::now()),
            waits_for_client: Cell::new(false),
            ended: Cell::new(incoming.is_none()),
            begun: Cell::new(false),
            failure: Cell::new(None),
        });
        (Self { incoming, whole: None, left: max_bytes, progress: progress.clone() }, progress)
    }

    /// A body that is here already, of a request that is sent once.
    pub fn whole(bytes: Bytes) -> (Self, Rc<Progress>) {
        let (body, progress) = Self::new(None, 0);
        (Self { whole: Some(bytes).filter(|bytes| !bytes.is_empty()), ..body }, progress)
    }

    /// No body, again: for a second try.
    pub fn none(progress: &Rc<Progress>) -> Self {
        Self { incoming: None, whole: None, left: 0, progress: progress.clone() }
    }

    fn break_off(&self, failure: Failure) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.progress.failure.set(Some(failure));
        Poll::Ready(Some(Err(BrokenOff)))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(self.whole.take().map(|bytes| Ok(Frame::data(bytes))));
        };
        let polled = Pin::new(incoming).poll_frame(context);
        self.progress.waits_for_client.set(polled.is_pending());
        let Poll::Ready(frame) = polled else { return Poll::Pending };
        self.progress.moved.set(Instant::now());
        match frame {
            None => {
                self.progress.ended.set(true);
                Poll::Ready(None)
            }
            Some(Err(_)) => self.break_off(Failure::BodyBroken),
            Some(Ok(frame)) => {
                self.progress.begun.set(true);
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                match self.left.checked_sub(length) {
                    None => return self.break_off(Failure::BodyTooLarge),
                    Some(left) => self.left = left,
                }
                if self.incoming.as_ref().is_some_and(Body::is_end_stream) {
                    self.progress.ended.set(true);
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.whole.is_none() && self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let whole = self.whole.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.incoming.as_ref().map_or(SizeHint::with_exact(whole), Body::size_hint)
    }
}

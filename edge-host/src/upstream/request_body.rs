//! The client's body on its way to an upstream: counted, watched, and held only as far as it may be sent again.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use breakwater_pipeline::Failure;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// Bytes of a body that are kept for another try. A longer one is sent once.
const MAX_KEPT: usize = 64 * 1024;

/// Pieces that they may have come in: each is a part of what was read from the client at once, and keeps the whole of it.
const MAX_PIECES: usize = 64;

/// Where the body comes from, and how far it is, as the one who waits for the answer sees it.
pub struct Source {
    /// When something last moved.
    pub moved: Cell<Instant>,
    /// Whether it is the client that nothing comes from, and not the upstream that nothing goes to.
    pub waits_for_client: Cell<bool>,
    /// Whether the whole body has gone, in the try under way.
    pub ended: Cell<bool>,
    /// Why it broke off.
    pub failure: Cell<Option<Failure>>,
    begun: Cell<bool>,
    /// None when there is no body.
    incoming: RefCell<Option<Incoming>>,
    left: Cell<u64>,
    /// What has gone so far; none once it is too much to keep.
    kept: RefCell<Option<Kept>>,
    /// Counts tries: the body of an earlier one gets nothing more.
    attempt: Cell<u32>,
}

#[derive(Default)]
struct Kept {
    pieces: Vec<Bytes>,
    bytes: usize,
}

/// The body of one try.
pub struct RequestBody {
    /// None is no body at all.
    source: Option<Rc<Source>>,
    attempt: u32,
    /// How much of what was kept has gone in this try.
    replayed: usize,
}

/// The body broke off; [`Source::failure`] says why.
#[derive(Debug, thiserror::Error)]
#[error("the request's body broke off")]
pub struct BrokenOff;

impl Source {
    /// A body of so many bytes at the most, kept for another try if that is wanted.
    pub fn new(incoming: Option<Incoming>, max_bytes: u64, repeatable: bool) -> Rc<Self> {
        let incoming = incoming.filter(|body| !body.is_end_stream());
        let short = incoming.as_ref().is_none_or(|body| body.size_hint().lower() <= MAX_KEPT as u64);
        let kept = (repeatable && short).then(Kept::default);
        Self::of(incoming, max_bytes, kept)
    }

    /// A body that is here already.
    pub fn whole(bytes: Bytes) -> Rc<Self> {
        let pieces = if bytes.is_empty() { Vec::new() } else { vec![bytes] };
        Self::of(None, 0, Some(Kept { pieces, bytes: 0 }))
    }

    fn of(incoming: Option<Incoming>, max_bytes: u64, kept: Option<Kept>) -> Rc<Self> {
        Rc::new(Self {
            moved: Cell::new(Instant::now()),
            waits_for_client: Cell::new(false),
            ended: Cell::new(incoming.is_none()),
            failure: Cell::new(None),
            begun: Cell::new(false),
            incoming: RefCell::new(incoming),
            left: Cell::new(max_bytes),
            kept: RefCell::new(kept),
            attempt: Cell::new(0),
        })
    }

    /// The body, from its beginning.
    pub fn body(self: &Rc<Self>) -> RequestBody {
        let attempt = self.attempt.get() + 1;
        self.attempt.set(attempt);
        self.moved.set(Instant::now());
        let body = RequestBody { source: Some(self.clone()), attempt, replayed: 0 };
        self.ended.set(body.is_end_stream());
        body
    }

    /// Whether a body of it can be had from its beginning.
    pub fn is_whole(&self) -> bool {
        !self.begun.get() || self.kept.borrow().is_some()
    }

    /// Counts a piece that has come from the client, and keeps it.
    fn take(&self, frame: &Frame<Bytes>) -> Result<(), Failure> {
        self.begun.set(true);
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.left.set(self.left.get().checked_sub(length).ok_or(Failure::BodyTooLarge)?);
        let mut kept = self.kept.borrow_mut();
        if let Some(so_far) = &mut *kept {
            match frame.data_ref() {
                Some(data) if so_far.bytes + data.len() <= MAX_KEPT && so_far.pieces.len() < MAX_PIECES => {
                    so_far.bytes += data.len();
                    so_far.pieces.push(data.clone());
                }
                _ => *kept = None,
            }
        }
        Ok(())
    }

    /// What was kept, from a piece on.
    fn kept_piece(&self, index: usize) -> Option<Bytes> {
        self.kept.borrow().as_ref()?.pieces.get(index).cloned()
    }

    fn is_empty_from_here(&self) -> bool {
        self.incoming.borrow().as_ref().is_none_or(Body::is_end_stream)
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, BrokenOff>>>;

impl RequestBody {
    /// Nothing.
    pub fn none() -> Self {
        Self { source: None, attempt: 0, replayed: 0 }
    }

    fn poll_client(&mut self, source: &Source, context: &mut Context<'_>) -> Polled {
        let polled = match &mut *source.incoming.borrow_mut() {
            None => return Poll::Ready(None),
            Some(incoming) => Pin::new(incoming).poll_frame(context),
        };
        source.waits_for_client.set(polled.is_pending());
        let Poll::Ready(frame) = polled else { return Poll::Pending };
        source.moved.set(Instant::now());
        let taken = match frame {
            None => return Poll::Ready(None),
            // Some servers take trailers for headers, of which the edge has cleared the client's request
            // (RFC 9110, section 6.5.1).
            Some(Ok(frame)) if frame.is_trailers() => {
                *source.incoming.borrow_mut() = None;
                return Poll::Ready(None);
            }
            Some(Err(_)) => Err(Failure::BodyBroken),
            Some(Ok(frame)) => source.take(&frame).map(|()| frame),
        };
        if source.kept.borrow().is_some() {
            self.replayed += 1;
        }
        Poll::Ready(Some(taken.map_err(|failure| {
            source.failure.set(Some(failure));
            BrokenOff
        })))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let Some(source) = self.source.clone() else { return Poll::Ready(None) };
        if source.attempt.get() != self.attempt {
            return Poll::Ready(Some(Err(BrokenOff)));
        }
        let polled = match source.kept_piece(self.replayed) {
            Some(piece) => {
                self.replayed += 1;
                source.moved.set(Instant::now());
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            None => self.poll_client(&source, context),
        };
        // Whoever sends it does not ask again once the body says that it has ended.
        if matches!(polled, Poll::Ready(None)) || (polled.is_ready() && self.is_end_stream()) {
            source.ended.set(true);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let Some(source) = &self.source else { return true };
        source.is_empty_from_here() && source.kept_piece(self.replayed).is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let Some(source) = &self.source else { return SizeHint::with_exact(0) };
        let to_come = source.incoming.borrow().as_ref().map_or(SizeHint::with_exact(0), Body::size_hint);
        let kept = source.kept.borrow();
        let again =
            kept.iter().flat_map(|kept| &kept.pieces).skip(self.replayed).map(|piece| piece.len() as u64).sum::<u64>();
        let mut hint = SizeHint::new();
        hint.set_lower(to_come.lower() + again);
        if let Some(upper) = to_come.upper() {
            hint.set_upper(upper + again);
        }
        hint
    }
}

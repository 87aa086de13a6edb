//! An upstream's body on its way to the client: watched, never held.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::endpoint::Turn;
use super::pool::Lease;

/// A body that comes from an upstream. When its end has come, the connection goes back to the pool; when it is dropped
/// before, the connection is closed and the upstream hears of it.
pub struct ResponseBody {
    incoming: Incoming,
    lease: Option<Lease>,
    /// Until the end, the request counts at its endpoint.
    turn: Option<Turn>,
    idle: Duration,
    /// Made when the body first has to be waited for.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

/// Why an upstream's body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BrokenOff {
    /// The connection failed.
    #[error(transparent)]
    Upstream(#[from] hyper::Error),
    /// Nothing came for too long.
    #[error("the upstream's body stood still for too long")]
    Idle,
    /// It could not be compressed.
    #[error(transparent)]
    Coder(#[from] std::io::Error),
}

impl ResponseBody {
    /// `lease` is none if the connection cannot be used again, `turn` if the request still counts afterwards.
    pub fn new(incoming: Incoming, lease: Option<Lease>, turn: Option<Turn>, idle: Duration) -> Self {
        let mut body = Self { incoming, lease, turn, idle, timer: None, waiting: false };
        body.notice_end();
        body
    }

    fn notice_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
        self.turn = None;
    }

    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timer = match &mut self.timer {
            Some(timer) => {
                if !self.waiting {
                    timer.as_mut().reset(Instant::now() + self.idle);
                }
                timer
            }
            None => self.timer.insert(Box::pin(sleep(self.idle))),
        };
        self.waiting = true;
        timer.as_mut().poll(context)
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Pending => {
                ready!(self.poll_idle(context));
                self.lease = None;
                Poll::Ready(Some(Err(BrokenOff::Idle)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.lease = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(frame) => {
                self.waiting = false;
                match &frame {
                    Some(_) => self.notice_end(),
                    // A body in chunks does not know of its end before.
                    None => self.end(),
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BrokenOff::from)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

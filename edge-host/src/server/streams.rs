//! What goes on over one HTTP/2 connection, for whoever ends it when it stands still.
//!
//! A client that answers pings looks alive, whatever it does with its streams: it may keep a window shut for ever (RFC 9113,
//! section 10.5), or ask for nothing more. hyper watches neither.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Streams that are looked through before those that ended are forgotten.
const FORGET_AT: usize = 1024;

/// The streams of a connection.
pub struct Streams {
    open: RefCell<Vec<Weak<Stream>>>,
    /// When the last one began or ended.
    changed: Cell<Instant>,
}

/// One request and its answer.
pub struct Stream {
    streams: Rc<Streams>,
    /// Since when it waits for the client to take something; none while it waits for somebody else.
    waits: Cell<Option<Instant>>,
}

/// Why a connection stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standstill {
    /// Its client asks for nothing.
    Idle,
    /// Its client takes nothing of an answer.
    Stalled,
}

impl Default for Streams {
    fn default() -> Self {
        Self { open: RefCell::default(), changed: Cell::new(Instant::now()) }
    }
}

impl Streams {
    /// A request has come.
    pub fn begin(self: &Rc<Self>) -> Rc<Stream> {
        let stream = Rc::new(Stream { streams: self.clone(), waits: Cell::new(None) });
        let mut open = self.open.borrow_mut();
        if open.len() >= FORGET_AT {
            open.retain(|stream| stream.strong_count() > 0);
        }
        open.push(Rc::downgrade(&stream));
        self.changed.set(Instant::now());
        stream
    }

    /// Returns when nothing was asked for so long, or nothing of an answer taken.
    pub async fn stand_still(&self, idle: Duration, patience: Duration) -> Standstill {
        let pulse = (idle.min(patience) / 4).max(Duration::from_millis(10));
        loop {
            sleep(pulse).await;
            let mut open = self.open.borrow_mut();
            open.retain(|stream| stream.strong_count() > 0);
            let waits = open.iter().filter_map(Weak::upgrade).filter_map(|stream| stream.waits.get());
            if waits.map(|since| since.elapsed()).max().is_some_and(|longest| longest >= patience) {
                return Standstill::Stalled;
            }
            if open.is_empty() && self.changed.get().elapsed() >= idle {
                return Standstill::Idle;
            }
        }
    }
}

impl Stream {
    /// It is the client's turn to take something, or not.
    pub fn waits_for_client(&self, waits: bool) {
        self.waits.set(waits.then(Instant::now));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.streams.changed.set(Instant::now());
    }
}

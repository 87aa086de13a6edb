//! Connections to one origin that wait for the next request.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::connect::{self, ConnectError};
use super::origin::Origin;
use super::request_body::RequestBody;
use crate::metrics::PoolMeter;

/// A connection that waited for longer is not used: the upstream may close it at any moment.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// Connections that wait. More than this were a burst.
const MAX_WAITING: usize = 256;

/// How often the pool looks for connections that waited too long.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// The pool of one origin.
pub struct Pool {
    /// Where to.
    pub origin: Origin,
    tls: Arc<ClientConfig>,
    /// The one used last is at the end, and is used next: the others grow old and are closed.
    waiting: RefCell<Vec<(SendRequest<RequestBody>, Instant)>>,
    swept: Cell<Instant>,
    /// What becomes of connections and of requests on them.
    pub meter: Arc<PoolMeter>,
}

/// A connection in use. It goes back to its pool by [`Lease::give_back`], and is closed if dropped.
pub struct Lease {
    /// To send with.
    pub sender: SendRequest<RequestBody>,
    /// Whether it was used before: the upstream may have closed it meanwhile.
    pub reused: bool,
    pool: Rc<Pool>,
}

impl Pool {
    /// Without a connection.
    pub fn new(origin: Origin, tls: Arc<ClientConfig>, meter: Arc<PoolMeter>) -> Self {
        Self { origin, tls, waiting: RefCell::default(), swept: Cell::new(Instant::now()), meter }
    }

    /// A connection that waited, or a new one.
    pub async fn get(self: &Rc<Self>, patience: Duration) -> Result<Lease, ConnectError> {
        loop {
            // Not in the loop's condition, where the pool would stay borrowed.
            let last = self.waiting.borrow_mut().pop();
            let Some((mut sender, since)) = last else { break };
            self.meter.waiting.set(self.waiting.borrow().len() as u64);
            // Ready at once, or as soon as hyper has seen the last answer's end.
            if since.elapsed() < MAX_IDLE && matches!(timeout(patience, sender.ready()).await, Ok(Ok(()))) {
                self.meter.reused.one();
                return Ok(Lease { sender, reused: true, pool: self.clone() });
            }
        }
        self.connect(patience).await
    }

    /// A new connection, whatever waits.
    pub async fn connect(self: &Rc<Self>, patience: Duration) -> Result<Lease, ConnectError> {
        let sender = connect::connect(&self.origin, &self.tls, patience).await?;
        self.meter.opened.one();
        Ok(Lease { sender, reused: false, pool: self.clone() })
    }
}

impl Lease {
    /// The last answer came whole: the next request may use the connection.
    pub fn give_back(self) {
        let Self { sender, pool, .. } = self;
        if sender.is_closed() {
            return;
        }
        let now = Instant::now();
        let mut waiting = pool.waiting.borrow_mut();
        if now - pool.swept.get() > SWEEP_EVERY {
            pool.swept.set(now);
            waiting.retain(|(sender, since)| now - *since < MAX_IDLE && !sender.is_closed());
        }
        if waiting.len() < MAX_WAITING {
            waiting.push((sender, now));
        }
        pool.meter.waiting.set(waiting.len() as u64);
    }
}

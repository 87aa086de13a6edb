//! One address of an upstream, as one worker knows it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use breakwater_pipeline::Ejection;
use breakwater_pipeline::balance::{Outlier, choice, ramp};

use super::breaker::Place;
use super::pool::Pool;
use crate::uptime_ms;

/// See the module.
pub struct Endpoint {
    /// Connections to it.
    pub pool: Rc<Pool>,
    /// What consistent hashing knows it by.
    pub identity: u64,
    under_way: Cell<u32>,
    well: Cell<bool>,
    outlier: RefCell<Outlier>,
    /// Since when it is there, or there again.
    since: Cell<u64>,
}

/// A request at an endpoint, counted until its answer has come whole.
pub struct Turn {
    endpoint: Rc<Endpoint>,
    _place: Option<Rc<Place>>,
}

impl Endpoint {
    /// It is held for well.
    pub fn new(pool: Rc<Pool>, since: u64) -> Self {
        let identity = choice::key(pool.origin.to_string().as_bytes());
        Self {
            pool,
            identity,
            under_way: Cell::new(0),
            well: Cell::new(true),
            outlier: RefCell::default(),
            since: Cell::new(since),
        }
    }

    /// A request goes there.
    pub fn turn(self: &Rc<Self>, place: Option<Rc<Place>>) -> Turn {
        self.under_way.set(self.under_way.get() + 1);
        Turn { endpoint: self.clone(), _place: place }
    }

    /// Requests that are there now.
    pub fn under_way(&self) -> u32 {
        self.under_way.get()
    }

    /// Whether it gets requests: it is well, and not ejected.
    pub fn is_in(&self, now: u64) -> bool {
        self.well.get() && !self.outlier.borrow().is_out(now)
    }

    /// What it counts for, of 100.
    pub fn share(&self, now: u64, slow_start: u64) -> u32 {
        let since = self.since.get().max(self.outlier.borrow().back_at());
        ramp(now.saturating_sub(since), slow_start)
    }

    /// What a health check found.
    pub fn heed(&self, well: bool) {
        if well && !self.well.replace(well) {
            self.since.set(uptime_ms());
        }
        self.well.set(well);
    }

    /// A request was answered.
    pub fn succeeded(&self) {
        self.outlier.borrow_mut().succeeded();
    }

    /// A request failed. `others` says how many of how many endpoints are out.
    pub fn failed(&self, rules: &Ejection, others: (usize, usize)) {
        let now = uptime_ms();
        if self.outlier.borrow_mut().failed(now, rules, others) {
            let milliseconds = self.outlier.borrow().back_at() - now;
            tracing::warn!(origin = %self.pool.origin, milliseconds, "an endpoint is ejected: requests fail there");
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.endpoint.under_way.set(self.endpoint.under_way.get() - 1);
    }
}

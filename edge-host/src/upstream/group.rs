//! An upstream's endpoints, and which of them is next.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use breakwater_pipeline::balance::RetryBudget;
use breakwater_pipeline::balance::choice::{self, RoundRobin};
use breakwater_pipeline::{Balance, Failure, Upstream};

use super::breaker::{Breaker, Place};
use super::endpoint::Endpoint;
use super::health::Unwell;
use super::pool::Pool;
use crate::uptime_ms;

/// An upstream as one worker knows it.
pub struct Group {
    settings: RefCell<Arc<Upstream>>,
    members: Vec<Member>,
    breaker: Option<Arc<Breaker>>,
    budget: RefCell<RetryBudget>,
    turn: RefCell<RoundRobin>,
    lot: Cell<u64>,
    /// Kept, so that choosing allocates nothing.
    weights: RefCell<Vec<u32>>,
}

struct Member {
    endpoint: Rc<Endpoint>,
    weight: u32,
}

impl Group {
    /// What was known of the endpoints before stays known.
    pub fn new(
        settings: Arc<Upstream>,
        pools: Vec<(Rc<Pool>, u32)>,
        breaker: Option<Arc<Breaker>>,
        before: Option<&Self>,
    ) -> Self {
        let now = uptime_ms();
        // Endpoints that are there from the beginning share evenly: only later ones start slowly.
        let since = if before.is_some() { now } else { 0 };
        let known = |pool: &Rc<Pool>| {
            let mut members = before?.members.iter().map(|member| &member.endpoint);
            members.find(|endpoint| Rc::ptr_eq(&endpoint.pool, pool)).cloned()
        };
        let member = |(pool, weight)| {
            let endpoint = known(&pool).unwrap_or_else(|| Rc::new(Endpoint::new(pool, since)));
            Member { endpoint, weight }
        };
        Self {
            budget: RefCell::new(RetryBudget::new(settings.retry_budget, now)),
            settings: RefCell::new(settings),
            members: pools.into_iter().map(member).collect(),
            breaker,
            turn: RefCell::default(),
            lot: Cell::new(seed()),
            weights: RefCell::default(),
        }
    }

    /// Whether it was made from these settings.
    pub fn is_of(&self, settings: &Arc<Upstream>) -> bool {
        let same = Arc::ptr_eq(&self.settings.borrow(), settings);
        if !same && **self.settings.borrow() == **settings {
            // The next request need not compare them again.
            *self.settings.borrow_mut() = settings.clone();
            return true;
        }
        same
    }

    /// Takes over what the health checks found.
    pub fn heed(&self, name: &str, unwell: &Unwell) {
        for Member { endpoint, .. } in &self.members {
            endpoint.heed(!unwell.contains(&(name.to_owned(), endpoint.pool.origin.clone())));
        }
    }

    /// A place for a request, where places are counted.
    pub async fn admit(&self, patience: Duration) -> Result<Option<Rc<Place>>, Failure> {
        self.budget.borrow_mut().request();
        match &self.breaker {
            None => Ok(None),
            Some(breaker) => breaker.admit(patience).await.map(Rc::new).map(Some),
        }
    }

    /// Whether a request may be repeated now.
    pub fn may_repeat(&self) -> bool {
        self.budget.borrow_mut().take(uptime_ms())
    }

    /// Whether there is an endpoint that was not tried.
    pub fn has_more(&self, tried: &[usize]) -> bool {
        (0..self.members.len()).any(|index| !tried.contains(&index) && self.members[index].weight > 0)
    }

    /// The next endpoint, and its place in the list. An upstream always has one: its settings were checked.
    pub fn choose(&self, tried: &[usize], affinity: Option<u64>) -> Option<(usize, &Rc<Endpoint>)> {
        let index = if self.members.len() == 1 { Some(0) } else { self.choose_among(tried, affinity) };
        index.and_then(|index| Some((index, &self.members.get(index)?.endpoint)))
    }

    fn choose_among(&self, tried: &[usize], affinity: Option<u64>) -> Option<usize> {
        let now = uptime_ms();
        let settings = self.settings.borrow();
        let mut weights = self.weights.borrow_mut();
        // Who is in and was not tried; else who was not tried, for being held for unwell is better than no answer; else
        // anybody.
        for (heed_health, heed_tried) in [(true, true), (false, true), (false, false)] {
            weights.clear();
            weights.extend(self.members.iter().enumerate().map(|(index, Member { endpoint, weight })| {
                let left_out = (heed_tried && tried.contains(&index)) || (heed_health && !endpoint.is_in(now));
                if left_out { 0 } else { weight * endpoint.share(now, settings.slow_start) }
            }));
            if weights.iter().any(|weight| *weight > 0) {
                break;
            }
        }
        let endpoint = |index: usize| &self.members[index].endpoint;
        match (&settings.balance, affinity) {
            (Balance::Hash(_), Some(key)) => choice::hashed(&weights, |index| endpoint(index).identity, key),
            (Balance::RoundRobin, _) => self.turn.borrow_mut().next(&weights),
            _ => choice::least_requests(&mut weights, |index| endpoint(index).under_way(), [self.lot(), self.lot()]),
        }
    }

    /// A request failed at an endpoint.
    pub fn failed(&self, endpoint: &Endpoint) {
        if self.members.len() < 2 {
            return;
        }
        let now = uptime_ms();
        let out = self.members.iter().filter(|member| !member.endpoint.is_in(now)).count();
        endpoint.failed(&self.settings.borrow().ejection, (out, self.members.len()));
    }

    /// Xorshift: which endpoint is next need not be a secret.
    fn lot(&self) -> u64 {
        let mut lot = self.lot.get();
        lot ^= lot << 13;
        lot ^= lot >> 7;
        lot ^= lot << 17;
        self.lot.set(lot);
        lot.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Not 0, and another one for each worker.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness the workers would choose alike, which is no harm.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes) | 1
}

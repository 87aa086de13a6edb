//! `take`: from this instance's stock where all buckets allow that; else from Redis, in stock where they allow that.

use std::cell::RefCell;

use breakwater_kit::stock::Stock;
use breakwater_kit::types::{Allowance, Bucket};
use spin_sdk::wasip3::clocks::monotonic_clock;

use crate::answer::allowances;
use crate::guest::{integer, name};
use crate::redis::{TAKE_SCRIPT, run};

thread_local! {
    static STOCK: RefCell<Stock> = RefCell::default();
}

/// One decision for all of the buckets.
pub async fn take(buckets: &[Bucket]) -> Result<Vec<Allowance>, String> {
    if buckets.iter().any(|bucket| bucket.batch == 0) {
        return take_exactly(buckets).await;
    }
    if let Some(allowances) = STOCK.with_borrow_mut(|stock| stock.take(buckets, now_ms())) {
        return Ok(allowances);
    }
    if let Some(order) = Stock::order(buckets) {
        let brought = take_exactly(&order).await?;
        if let Some(allowances) = STOCK.with_borrow_mut(|stock| stock.put(buckets, brought, now_ms())) {
            return Ok(allowances);
        }
    }
    take_exactly(buckets).await
}

async fn take_exactly(buckets: &[Bucket]) -> Result<Vec<Allowance>, String> {
    if buckets.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments = Vec::with_capacity(1 + 5 * buckets.len());
    arguments.push(integer(buckets.len() as u64));
    arguments.extend(buckets.iter().map(|bucket| name(&bucket.key)));
    for bucket in buckets {
        arguments.extend([bucket.limit, bucket.window, bucket.burst, bucket.cost].map(integer));
    }
    run(&TAKE_SCRIPT, arguments).await.and_then(|answer| allowances(&answer, buckets.len()))
}

fn now_ms() -> u64 {
    monotonic_clock::now() / 1_000_000
}

//! `state` in Redis: the same keys and scripts as the component `state-redis`, so that edges of both kinds share it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use breakwater_kit::state::{KEY_PREFIX, LEASE, TAKE};
use breakwater_kit::stock::Stock;
use breakwater_kit::types::{Allowance, Bucket, Lease};
use breakwater_pipeline::Entry;
use bytes::Bytes;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands as _, Script};
use tokio::time::timeout;

use crate::manifest::AllowedHosts;

/// How long Redis may take. A request waits for it twice at the most, and would rather go without.
const PATIENCE: Duration = Duration::from_millis(100);

/// After a failure, how long nobody asks again: requests should not each wait for a Redis that is away.
const PAUSE_MS: u64 = 500;

/// A connection that makes itself anew.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    take: Arc<Script>,
    lease: Arc<Script>,
    /// This worker's.
    stock: Arc<Mutex<Stock>>,
    /// Unix milliseconds.
    paused_until: Arc<AtomicU64>,
}

impl Redis {
    /// Connects when it is first asked. Has to be called in a runtime.
    pub fn new(url: &str, credentials: &str, allowed: &AllowedHosts) -> Result<Self> {
        // Errors do not show the address, which may have a password in it.
        let mut url: url::Url = url.parse().ok().context("the variable `redis_url` is no URL")?;
        let host = url.host_str().unwrap_or_default();
        let port = url.port().unwrap_or(6379);
        ensure!(
            allowed.allows(url.scheme(), host, port),
            "allowed_outbound_hosts in the manifest does not allow {}://{host}:{port}",
            url.scheme()
        );
        if let Some((user, password)) = credentials.split_once(':') {
            let set = url.set_username(user).and_then(|()| url.set_password(Some(password)));
            ensure!(set.is_ok(), "the variable `redis_credentials` cannot be used with `redis_url`");
        }
        let client = redis::Client::open(url).ok().context("the variable `redis_url` is no address of a Redis")?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client, config)?;
        Ok(Self {
            connection,
            take: Arc::new(Script::new(TAKE)),
            lease: Arc::new(Script::new(LEASE)),
            stock: Arc::default(),
            paused_until: Arc::default(),
        })
    }

    /// Asks, unless Redis was away a moment ago.
    async fn ask<T>(&self, question: impl Future<Output = redis::RedisResult<T>>) -> Option<T> {
        if crate::now_ms() < self.paused_until.load(Ordering::Relaxed) {
            return None;
        }
        let error = match timeout(PATIENCE, question).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} ms", PATIENCE.as_millis()),
        };
        self.paused_until.store(crate::now_ms() + PAUSE_MS, Ordering::Relaxed);
        tracing::warn!(%error, "the state in Redis is away");
        None
    }

    /// From stock where all buckets allow that; else from Redis, in stock where they allow that.
    pub(super) async fn take(&self, buckets: &[Bucket]) -> Option<Vec<Allowance>> {
        if buckets.iter().any(|bucket| bucket.batch == 0) {
            return self.take_exactly(buckets).await;
        }
        let stock = || self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(allowances) = stock().take(buckets, crate::now_ms()) {
            return Some(allowances);
        }
        if let Some(order) = Stock::order(buckets) {
            let brought = self.take_exactly(&order).await?;
            if let Some(allowances) = stock().put(buckets, brought, crate::now_ms()) {
                return Some(allowances);
            }
        }
        self.take_exactly(buckets).await
    }

    async fn take_exactly(&self, buckets: &[Bucket]) -> Option<Vec<Allowance>> {
        let mut call = self.take.prepare_invoke();
        for bucket in buckets {
            call.key(format!("{KEY_PREFIX}{}", bucket.key));
            call.arg(bucket.limit).arg(bucket.window).arg(bucket.burst).arg(bucket.cost);
        }
        let mut connection = self.connection.clone();
        let numbers: Vec<u64> = self.ask(call.invoke_async(&mut connection)).await?;
        let (allowances, []) = numbers.as_chunks::<4>() else { return None };
        let allowance = |&[allowed, remaining, retry_after, reset_after]: &[u64; 4]| Allowance {
            allowed: allowed == 1,
            remaining,
            retry_after,
            reset_after,
        };
        Some(allowances.iter().map(allowance).collect())
    }

    pub(super) async fn lease(&self, leases: &[Lease], holder: &str) -> Option<Vec<bool>> {
        let mut call = self.lease.prepare_invoke();
        call.arg(holder);
        for lease in leases {
            call.key(format!("{KEY_PREFIX}{}", lease.key));
            call.arg(lease.limit).arg(lease.ttl);
        }
        let mut connection = self.connection.clone();
        self.ask(call.invoke_async(&mut connection)).await
    }

    pub(super) async fn release(&self, leases: &[Lease], holder: &str) {
        let mut calls = redis::pipe();
        for lease in leases {
            calls.zrem(format!("{KEY_PREFIX}{}", lease.key), holder).ignore();
        }
        let mut connection = self.connection.clone();
        self.ask(calls.query_async::<()>(&mut connection)).await;
    }

    pub(super) async fn get(&self, key: &str) -> Option<Bytes> {
        let mut connection = self.connection.clone();
        let value: Option<Vec<u8>> = self.ask(connection.get(format!("{KEY_PREFIX}{key}"))).await?;
        value.map(Bytes::from)
    }

    pub(super) async fn set(&self, entry: &Entry) {
        let mut connection = self.connection.clone();
        let key = format!("{KEY_PREFIX}{}", entry.key);
        let set = connection.pset_ex::<_, _, ()>(key, entry.value.as_ref(), entry.ttl);
        self.ask(set).await;
    }
}

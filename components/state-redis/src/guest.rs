//! The port as a component: the export of the world `state-redis`.

// Only the generated glue needs it.
#![allow(unsafe_code, missing_docs)]

use breakwater_kit::state::{KEY_PREFIX, MAX_VALUE};
use breakwater_kit::types::{Allowance, Bucket, Lease};
use exports::breakwater::edge::state::{Error, Guest};
use spin_sdk::redis::RedisParameter;

use crate::answer::{granted, number, value};
use crate::redis::{INCREMENT_SCRIPT, LEASE_SCRIPT, execute, run};
use crate::take::take;

spin_sdk::wit_bindgen::generate!({
    path: "../../wit",
    inline: "package breakwater:guest; world guest { export breakwater:edge/state@1.0.0; }",
    world: "breakwater:guest/guest",
    runtime_path: "::spin_sdk::wit_bindgen::rt",
    with: { "breakwater:edge/types@1.0.0": breakwater_kit::types },
});

struct Component;

impl Guest for Component {
    async fn get(key: String) -> Result<Option<Vec<u8>>, Error> {
        execute("GET", vec![name(&key)]).await.and_then(value).map_err(Error::Unavailable)
    }

    async fn set(key: String, bytes: Vec<u8>, ttl: u64) -> Result<(), Error> {
        if bytes.len() > MAX_VALUE {
            return Err(Error::TooLarge);
        }
        if ttl == 0 {
            return Ok(());
        }
        let life = RedisParameter::Binary(b"PX".to_vec());
        let arguments = vec![name(&key), RedisParameter::Binary(bytes), life, integer(ttl)];
        execute("SET", arguments).await.map(drop).map_err(Error::Unavailable)
    }

    async fn increment(key: String, by: u64, ttl: u64) -> Result<u64, Error> {
        let arguments = vec![integer(1), name(&key), integer(by), integer(ttl)];
        run(&INCREMENT_SCRIPT, arguments).await.and_then(|answer| number(&answer)).map_err(Error::Unavailable)
    }

    async fn take(buckets: Vec<Bucket>) -> Result<Vec<Allowance>, Error> {
        take(&buckets).await.map_err(Error::Unavailable)
    }

    async fn acquire(leases: Vec<Lease>, holder: String) -> Result<Vec<bool>, Error> {
        let mut arguments = Vec::with_capacity(2 + 3 * leases.len());
        arguments.push(integer(leases.len() as u64));
        arguments.extend(leases.iter().map(|lease| name(&lease.key)));
        arguments.push(RedisParameter::Binary(holder.into_bytes()));
        for lease in &leases {
            arguments.extend([lease.limit, lease.ttl].map(integer));
        }
        run(&LEASE_SCRIPT, arguments)
            .await
            .and_then(|answer| granted(&answer, leases.len()))
            .map_err(Error::Unavailable)
    }

    async fn release(leases: Vec<Lease>, holder: String) -> Result<(), Error> {
        for lease in &leases {
            let holder = RedisParameter::Binary(holder.clone().into_bytes());
            execute("ZREM", vec![name(&lease.key), holder]).await.map_err(Error::Unavailable)?;
        }
        Ok(())
    }
}

pub fn name(key: &str) -> RedisParameter {
    RedisParameter::Binary([KEY_PREFIX, key].concat().into_bytes())
}

pub fn integer(number: u64) -> RedisParameter {
    RedisParameter::Int64(i64::try_from(number).unwrap_or(i64::MAX))
}

export!(Component);

//! Bodies that a route changes: read whole, within bounds.

use std::time::Duration;

use breakwater_pipeline::Failure;
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::upstream::{BrokenOff, ResponseBody};

/// The client's body.
pub async fn of_client(body: Option<Incoming>, max_bytes: u64, idle: Duration) -> Result<Bytes, Failure> {
    let Some(mut body) = body else { return Ok(Bytes::new()) };
    let mut whole = Whole::new(&body, max_bytes);
    while let Some(frame) = timeout(idle, body.frame()).await.map_err(|_| Failure::BodyTimeout)? {
        let frame = frame.map_err(|_| Failure::BodyBroken)?;
        whole.add(frame.into_data().unwrap_or_default()).map_err(|TooMuch| Failure::BodyTooLarge)?;
    }
    Ok(whole.bytes.into())
}

/// The body of an upstream's answer, which watches its own pauses.
pub async fn of_upstream(body: Option<ResponseBody>, max_bytes: u64) -> Result<Bytes, Failure> {
    let Some(mut body) = body else { return Ok(Bytes::new()) };
    let mut whole = Whole::new(&body, max_bytes);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error {
            BrokenOff::Upstream(_) => Failure::Unavailable,
            BrokenOff::Idle => Failure::Timeout,
            // Nothing is coded before it is read.
            BrokenOff::Coder(_) => Failure::BadAnswer,
        })?;
        whole.add(frame.into_data().unwrap_or_default()).map_err(|TooMuch| Failure::BadAnswer)?;
    }
    Ok(whole.bytes.into())
}

struct Whole {
    bytes: Vec<u8>,
    max: u64,
}

struct TooMuch;

impl Whole {
    fn new(body: &impl Body, max: u64) -> Self {
        let announced = body.size_hint().lower().min(max);
        Self { bytes: Vec::with_capacity(announced as usize), max }
    }

    fn add(&mut self, data: Bytes) -> Result<(), TooMuch> {
        if (self.bytes.len() + data.len()) as u64 > self.max {
            return Err(TooMuch);
        }
        self.bytes.extend_from_slice(&data);
        Ok(())
    }
}

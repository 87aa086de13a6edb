//! Ctrl-C, SIGTERM and SIGHUP: noted here, looked at by everything that waits.
//!
//! No wait in this program goes on after an interrupt, so that every server it started is stopped on the
//! ordinary way out, in order, and temporary folders are removed.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How often a wait looks whether it should go on.
pub const PULSE: Duration = Duration::from_millis(20);

/// The error of everything that was cut short by the user.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Takes over Ctrl-C and its relatives from here on.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst)).context("cannot listen for Ctrl-C")
}

/// Fails when the user wants to stop.
pub fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::SeqCst) { Err(Interrupted.into()) } else { Ok(()) }
}

/// Waits until `ready` says something, an interrupt comes or the time is over (`None`).
pub fn wait_for<T>(patience: Duration, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let end = Instant::now() + patience;
    loop {
        if let Some(value) = ready()? {
            return Ok(Some(value));
        }
        check()?;
        if Instant::now() >= end {
            return Ok(None);
        }
        thread::sleep(PULSE);
    }
}

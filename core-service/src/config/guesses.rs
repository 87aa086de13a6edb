//! How many guesses of passwords and codes are allowed.

use std::time::Duration;

use super::{ConfigError, Section};

/// A bucket of guesses.
#[derive(Debug, Clone, Copy)]
pub struct Guesses {
    /// How many it holds.
    pub size: u32,
    /// The time in which it gets one back.
    pub refill: Duration,
}

/// The buckets that a guess is taken from.
#[derive(Debug, Clone, Copy)]
pub struct GuessLimits {
    /// At one account from one network.
    pub pair: Guesses,
    /// At one account from all networks that it has not been signed in from.
    pub account: Guesses,
    /// From one network at all accounts that have not been signed in from it.
    pub network: Guesses,
    /// At a code or a password by somebody who is known already.
    pub proof: Guesses,
}

impl GuessLimits {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let guesses = |name| {
            let section = section.section(name)?;
            Ok(Guesses {
                size: section.integer("size", 1..=1_000_000)?,
                refill: section.seconds("refill_seconds", 1..=86_400)?,
            })
        };
        Ok(Self {
            pair: guesses("pair")?,
            account: guesses("account")?,
            network: guesses("network")?,
            proof: guesses("proof")?,
        })
    }
}

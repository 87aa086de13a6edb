//! A policy imports nothing, so it has no randomness. Checking signatures needs none; the libraries could sign as well, and
//! want a source linked. This one always fails.

// The registration exports a symbol.
#![allow(unsafe_code)]

use getrandom_02::Error;

fn none(_: &mut [u8]) -> Result<(), Error> {
    Err(Error::UNSUPPORTED)
}

getrandom_02::register_custom_getrandom!(none);

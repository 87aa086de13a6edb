//! Policy `routing`: which route, upstream and time-outs a request gets.

// Its export names are no symbols for native linkers.
#[cfg(target_family = "wasm")]
mod guest;

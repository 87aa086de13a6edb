//! See [`breakwater_fuzz::tokens`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| breakwater_fuzz::tokens(data));

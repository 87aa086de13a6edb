//! See [`breakwater_fuzz::cache_key`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| breakwater_fuzz::cache_key(data));

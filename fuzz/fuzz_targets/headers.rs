//! See [`breakwater_fuzz::headers`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| breakwater_fuzz::headers(data));

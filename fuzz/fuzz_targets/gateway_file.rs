//! See [`breakwater_fuzz::gateway_file`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| breakwater_fuzz::gateway_file(data));

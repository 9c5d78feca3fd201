//! The target `zmalloc` for libFuzzer; see `src/targets/zmalloc.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::zmalloc::run(data));

//! The target `intset` for libFuzzer; see `src/targets/intset.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::intset::run(data));

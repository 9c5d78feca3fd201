//! The target `values` for libFuzzer; see `src/targets/values.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::values::run(data));

//! The target `symbols` for libFuzzer; see `src/targets/symbols.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::symbols::run(data));

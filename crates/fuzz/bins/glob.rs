//! The target `glob` for libFuzzer; see `src/targets/glob.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::glob::run(data));

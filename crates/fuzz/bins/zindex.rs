//! The target `zindex` for libFuzzer; see `src/targets/zindex.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::zindex::run(data));

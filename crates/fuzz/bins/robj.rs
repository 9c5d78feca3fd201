//! The target `robj` for libFuzzer; see `src/targets/robj.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::robj::run(data));

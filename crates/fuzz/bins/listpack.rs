//! The target `listpack` for libFuzzer; see `src/targets/listpack.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::listpack::run(data));

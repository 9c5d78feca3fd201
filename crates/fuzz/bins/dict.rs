//! The target `dict` for libFuzzer; see `src/targets/dict.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::dict::run(data));

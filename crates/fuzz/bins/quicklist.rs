//! The target `quicklist` for libFuzzer; see `src/targets/quicklist.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::quicklist::run(data));

//! The target `rdb` for libFuzzer; see `src/targets/rdb.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::rdb::run(data));

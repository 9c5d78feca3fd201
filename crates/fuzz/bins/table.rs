//! The target `table` for libFuzzer; see `src/targets/table.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::table::run(data));

//! The target `sds` for libFuzzer; see `src/targets/sds.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::sds::run(data));

//! The target `keyspace` for libFuzzer; see `src/targets/keyspace.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::keyspace::run(data));

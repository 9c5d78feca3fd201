#![doc = include_str!("../README.md")]

pub mod integer;

/// How the property tests run: Miri is a hundred times slower, and has no files to keep failures in.
#[cfg(test)]
fn test_config() -> proptest::prelude::ProptestConfig {
    let cases = if cfg!(miri) { 8 } else { 1024 };
    proptest::prelude::ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}

#![doc = include_str!("../README.md")]

mod entry;
mod glob;
mod liar;
mod number;

pub use entry::Entry;
pub use glob::NaiveGlob;
pub use liar::{Liar, Lie};
pub use number::{FloatSum, integer};

use proptest::prelude::ProptestConfig;

/// A property test of that many cases. Miri is some hundred times slower, so that it runs fewer. It has no files either,
/// so failures are not kept in any; a failure prints its smallest input.
pub fn config(cases: u32, cases_under_miri: u32) -> ProptestConfig {
    let cases = if cfg!(miri) { cases_under_miri } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

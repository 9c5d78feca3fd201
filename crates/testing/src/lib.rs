#![doc = include_str!("../README.md")]

mod entry;
mod faulty_room;
mod glob;
mod number;

pub use entry::Entry;
pub use faulty_room::{FaultyRoom, RoomFault};
pub use glob::NaiveGlob;
pub use number::{FloatSum, integer};

use proptest::prelude::ProptestConfig;

/// Returns the configuration of a property test with `cases` cases.
///
/// Miri is about a hundred times slower, so it runs only `cases_under_miri` cases. Failures are not stored in
/// a file, because Miri has no access to files. A failing test prints its smallest input.
pub fn config(cases: u32, cases_under_miri: u32) -> ProptestConfig {
    let cases = if cfg!(miri) { cases_under_miri } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

//! The suites, one file each, in the order in which they run.

pub mod alloc;

use crate::suite::Suite;

/// Every suite that `--suite` knows.
pub const ALL: &[Suite] = &[Suite { name: "alloc", about: "zmalloc beside raw allocators", run: alloc::run }];

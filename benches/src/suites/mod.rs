//! The suites, one file each, in the order in which they run.

use crate::suite::Suite;

/// Every suite that `--suite` knows.
pub const ALL: &[Suite] = &[];

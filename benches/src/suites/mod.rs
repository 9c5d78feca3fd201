//! The suites, one file each, in the order in which they run.

pub mod alloc;
pub mod robj;
pub mod sds;

use crate::suite::Suite;

/// Every suite that `--suite` knows.
pub const ALL: &[Suite] = &[
    Suite { name: "alloc", about: "zmalloc beside raw allocators", run: alloc::run },
    Suite { name: "sds", about: "Sds beside growing strings", run: sds::run },
    Suite { name: "robj", about: "Robj beside shared and owned byte strings", run: robj::run },
];

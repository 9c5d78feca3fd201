#![doc = include_str!("../README.md")]

mod allocator;
mod backend;
mod counter;
#[cfg(feature = "fault-injection")]
pub mod fault;
mod global;
mod oom;
mod os;
mod raw;
mod region;
mod reserve;
mod size_classes;
mod sync;

pub use allocator::*;
pub use counter::{peak_memory, reset_peak_memory, used_memory};
pub use global::Zmalloc;
pub use oom::{OomHandler, oom, set_oom_handler};
pub use os::*;
pub use raw::*;
pub use region::Region;
pub use reserve::{ReserveError, or_oom};
pub use size_classes::{good_size, size_classes};

/// The name and version of the allocator underneath, as INFO's `mem_allocator` prints them: `jemalloc-5.3.1`,
/// `tcmalloc-2.10`, `tcmalloc_minimal-2.10`, `mimalloc-3.3.2`, `libc`, or `prefix` for the size prefix over
/// std's `System`.
pub const ALLOCATOR: &str = env!("ZMALLOC_ALLOCATOR");

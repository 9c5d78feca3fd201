//! The tests of all exercises, with the solutions.

#[path = "expiry_sweep/check.rs"]
mod expiry_sweep;

#[path = "lazy_expiry/check.rs"]
mod lazy_expiry;

#[path = "lfu_clock/check.rs"]
mod lfu_clock;

#[path = "s3_fifo/check.rs"]
mod s3_fifo;

#[path = "size_class/check.rs"]
mod size_class;

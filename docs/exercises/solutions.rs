//! The tests of all exercises, with the solutions.

#[path = "expiry_sweep/check.rs"]
mod expiry_sweep;

#[path = "lazy_expiry/check.rs"]
mod lazy_expiry;

#[path = "size_class/check.rs"]
mod size_class;

//! The tests of all exercises, with the solutions.

#[path = "size_class/check.rs"]
mod size_class;

//! The tests of all exercises, with the solutions.

#[path = "bucket_moves/check.rs"]
mod bucket_moves;

#[path = "merging_buckets/check.rs"]
mod merging_buckets;

#[path = "parallel_scan/check.rs"]
mod parallel_scan;

#[path = "set_encoding/check.rs"]
mod set_encoding;

#[path = "shrinking_scan/check.rs"]
mod shrinking_scan;

#[path = "size_class/check.rs"]
mod size_class;

#[path = "string_object/check.rs"]
mod string_object;

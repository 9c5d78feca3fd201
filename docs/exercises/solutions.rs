//! The tests of all exercises, with the solutions.

#[path = "bucket_moves/check.rs"]
mod bucket_moves;

#[path = "intset_insert/check.rs"]
mod intset_insert;

#[path = "listpack_entry/check.rs"]
mod listpack_entry;

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

//! The tests of all exercises, with the solutions.

#[path = "block_expiry/check.rs"]
mod block_expiry;

#[path = "block_reader/check.rs"]
mod block_reader;

#[path = "bucket_moves/check.rs"]
mod bucket_moves;

#[path = "counted_tree/check.rs"]
mod counted_tree;

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

#[path = "skiplist_spans/check.rs"]
mod skiplist_spans;

#[path = "string_object/check.rs"]
mod string_object;

//! The tests of all exercises, with the solutions.

#[path = "emptied_slabs/check.rs"]
mod emptied_slabs;

#[path = "expiry_sweep/check.rs"]
mod expiry_sweep;

#[path = "lazy_expiry/check.rs"]
mod lazy_expiry;

#[path = "lfu_clock/check.rs"]
mod lfu_clock;

#[path = "mirrored_rounds/check.rs"]
mod mirrored_rounds;

#[path = "moved_block/check.rs"]
mod moved_block;

#[path = "paired_ratios/check.rs"]
mod paired_ratios;

#[path = "rdb_length/check.rs"]
mod rdb_length;

#[path = "s3_fifo/check.rs"]
mod s3_fifo;

#[path = "size_class/check.rs"]
mod size_class;

#[path = "table_snapshot/check.rs"]
mod table_snapshot;

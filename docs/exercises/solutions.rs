//! The tests of all exercises, with the solutions.

#[path = "append_room/check.rs"]
mod append_room;

#[path = "block_expiry/check.rs"]
mod block_expiry;

#[path = "block_reader/check.rs"]
mod block_reader;

#[path = "bucket_moves/check.rs"]
mod bucket_moves;

#[path = "counted_tree/check.rs"]
mod counted_tree;

#[path = "emptied_slabs/check.rs"]
mod emptied_slabs;

#[path = "expiry_sweep/check.rs"]
mod expiry_sweep;

#[path = "incr_command/check.rs"]
mod incr_command;

#[path = "intset_insert/check.rs"]
mod intset_insert;

#[path = "key_bytes/check.rs"]
mod key_bytes;

#[path = "key_rename/check.rs"]
mod key_rename;

#[path = "lazy_expiry/check.rs"]
mod lazy_expiry;

#[path = "lfu_clock/check.rs"]
mod lfu_clock;

#[path = "listpack_entry/check.rs"]
mod listpack_entry;

#[path = "merging_buckets/check.rs"]
mod merging_buckets;

#[path = "mirrored_rounds/check.rs"]
mod mirrored_rounds;

#[path = "moved_block/check.rs"]
mod moved_block;

#[path = "paired_ratios/check.rs"]
mod paired_ratios;

#[path = "parallel_scan/check.rs"]
mod parallel_scan;

#[path = "rdb_length/check.rs"]
mod rdb_length;

#[path = "rehash_step/check.rs"]
mod rehash_step;

#[path = "resp_requests/check.rs"]
mod resp_requests;

#[path = "rss_reader/check.rs"]
mod rss_reader;

#[path = "s3_fifo/check.rs"]
mod s3_fifo;

#[path = "set_encoding/check.rs"]
mod set_encoding;

#[path = "shared_line/check.rs"]
mod shared_line;

#[path = "shrinking_scan/check.rs"]
mod shrinking_scan;

#[path = "size_class/check.rs"]
mod size_class;

#[path = "skiplist_spans/check.rs"]
mod skiplist_spans;

#[path = "slab_pages/check.rs"]
mod slab_pages;

#[path = "slot_table/check.rs"]
mod slot_table;

#[path = "spike_size/check.rs"]
mod spike_size;

#[path = "string_header/check.rs"]
mod string_header;

#[path = "string_object/check.rs"]
mod string_object;

#[path = "table_snapshot/check.rs"]
mod table_snapshot;

#[path = "thread_cache/check.rs"]
mod thread_cache;

#[path = "waiting_clients/check.rs"]
mod waiting_clients;

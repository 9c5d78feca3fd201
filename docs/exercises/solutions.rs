//! The tests of all exercises, with the solutions.

#[path = "append_room/check.rs"]
mod append_room;

#[path = "incr_command/check.rs"]
mod incr_command;

#[path = "key_bytes/check.rs"]
mod key_bytes;

#[path = "key_rename/check.rs"]
mod key_rename;

#[path = "rehash_step/check.rs"]
mod rehash_step;

#[path = "rss_reader/check.rs"]
mod rss_reader;

#[path = "shared_line/check.rs"]
mod shared_line;

#[path = "size_class/check.rs"]
mod size_class;

#[path = "slab_pages/check.rs"]
mod slab_pages;

#[path = "slot_table/check.rs"]
mod slot_table;

#[path = "spike_size/check.rs"]
mod spike_size;

#[path = "string_header/check.rs"]
mod string_header;

#[path = "thread_cache/check.rs"]
mod thread_cache;

//! The tests of all exercises, with the solutions.

#[path = "incr_command/check.rs"]
mod incr_command;

#[path = "key_bytes/check.rs"]
mod key_bytes;

#[path = "key_rename/check.rs"]
mod key_rename;

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

#[path = "thread_cache/check.rs"]
mod thread_cache;

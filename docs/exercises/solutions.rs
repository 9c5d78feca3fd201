//! The tests of all exercises, with the solutions.

#[path = "incr_command/check.rs"]
mod incr_command;

#[path = "key_bytes/check.rs"]
mod key_bytes;

#[path = "key_rename/check.rs"]
mod key_rename;

#[path = "size_class/check.rs"]
mod size_class;

#[path = "slab_pages/check.rs"]
mod slab_pages;

#[path = "thread_cache/check.rs"]
mod thread_cache;

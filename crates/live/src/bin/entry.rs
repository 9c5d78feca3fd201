//! The WebAssembly module of the live page on the keyspace.

live::module!(live::Entries);

fn main() {} // the page uses only the exported class

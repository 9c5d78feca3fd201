//! The WebAssembly module of the live page on the hash table.

live::module!(live::Chunks);

fn main() {} // the page uses only the exported class

//! The WebAssembly module of the live page on the packed list.

live::module!(live::Elements);

fn main() {} // the page uses only the exported class

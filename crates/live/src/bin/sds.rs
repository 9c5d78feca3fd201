//! The WebAssembly module of the live page on the string.

live::module!(live::Text);

fn main() {} // the page uses only the exported class

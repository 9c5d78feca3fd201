//! The module of the live page on the hash table.

live::module!(live::Chunks);

fn main() {} // a page calls the class

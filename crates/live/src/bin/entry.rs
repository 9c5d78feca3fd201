//! The module of the live page on the keyspace.

live::module!(live::Entries);

fn main() {} // a page calls the class

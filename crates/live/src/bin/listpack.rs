//! The module of the live page on the packed list.

live::module!(live::Elements);

fn main() {} // a page calls the class

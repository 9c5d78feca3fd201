//! The module of the live page on the string.

live::module!(live::Text);

fn main() {} // a page calls the class

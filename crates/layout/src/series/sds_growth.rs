//! A string that grows through the types of its header.

use crate::drawing::{Frame, Series};
use sds::Sds;

pub(super) fn series() -> Series {
    let mut s = Sds::from("hello");
    let mut frames = vec![Frame::of_block("A string of 5 bytes. Its header is one byte.", s.parts())];
    s.push_bytes(b", world");
    frames.push(Frame::of_block(
        "7 bytes were appended. A string that grows gets free space, so the header now has the length and the capacity.",
        s.parts(),
    ));
    for (len, text) in [
        (300, "The string has 300 bytes. Its length needs two bytes, and so does its capacity."),
        (70_000, "The string has 70,000 bytes. Both numbers need four bytes."),
    ] {
        s.push_bytes(&vec![b'x'; len - s.len()]);
        frames.push(Frame::of_block(text, s.parts()));
    }
    Series { name: "sds-growth", about: "a string that grows through the types of its header", frames }
}

//! A set of integers, and inserts that need wider integers.

use crate::drawing::{Frame, Series};
use intset::IntSet;

pub(super) fn series() -> Series {
    let mut set = IntSet::from_iter([300, 5, -10]);
    let mut frames =
        vec![Frame::of_bytes("Three integers, each of 16 bits, in ascending order.", set.parts())];
    for (value, text) in [
        (7, "7 was inserted. The integers behind it have moved."),
        (70_000, "70,000 was inserted. It does not fit into 16 bits, so all integers now have 32 bits."),
        (1 << 40, "1,099,511,627,776 was inserted. All integers now have 64 bits."),
    ] {
        set.insert(value);
        frames.push(Frame::of_bytes(text, set.parts()));
    }
    Series { name: "intset-upgrade", about: "inserts that make all integers of a set wider", frames }
}

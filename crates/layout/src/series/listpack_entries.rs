//! A list whose entries have different encodings.

use crate::drawing::{Frame, Series};
use listpack::{ListPack, Value};

pub(super) fn series() -> Series {
    let mut list = ListPack::new();
    let mut frames =
        vec![Frame::of_bytes("A list without entries: the header, and the end byte.", list.parts())];
    let mut push = |values: &[Value<'_>], text: &str| {
        values.iter().for_each(|value| list.push_back(*value));
        frames.push(Frame::of_bytes(text, list.parts()));
    };
    push(
        &[Value::raw(b"hello")],
        "A string was added: its length in the low bits of the first byte, the string, and the number of these six bytes.",
    );
    push(
        &[Value::Int(7), Value::Int(1_024), Value::Int(-70_000)],
        "Three integers were added. They take one, two and four bytes, and each has its back length.",
    );
    push(
        &[Value::raw(&[b'x'; 200])],
        "A string of 200 bytes was added. Its length and its back length take two bytes each.",
    );
    Series { name: "listpack-entries", about: "the entries of a list, byte by byte", frames }
}

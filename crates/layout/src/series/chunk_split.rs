//! A table that grows by one chunk at a time.

use crate::drawing::{Frame, Look, Panel, Series};
use crate::numbers::Numbers;

pub(super) fn series() -> Series {
    let mut numbers = Numbers::default();
    while numbers.chunks() < 4 {
        numbers.insert_next();
    }
    let mut frames = vec![frame(
        &numbers,
        &[],
        "Four chunks. The last two bits of a number give its chunk, because the hash ends with the bits of the number.",
    )];
    for chunks in 5..=8 {
        let mut last = 0;
        while numbers.chunks() < chunks {
            last = numbers.insert_next();
        }
        let (from, to) = (chunks - 5, chunks - 1);
        let third_bit = |chunk| numbers.in_chunk(chunk).into_iter().map(|number| number & 4);
        assert!(third_bit(to).all(|bit| bit != 0) && third_bit(from).all(|bit| bit == 0));
        let caption = format!(
            "{last} was inserted, and chunk {from} was split. The numbers with the third bit set are in the new chunk {to}."
        );
        frames.push(frame(&numbers, &[to], &caption));
    }
    Series { name: "chunk-split", about: "a table that splits one chunk after the other", frames }
}

/// Draws all chunks. The entries of the chunks in `marked` are marked.
fn frame(numbers: &Numbers, marked: &[usize], caption: &str) -> Frame {
    let look = |chunk, _| if marked.contains(&chunk) { Look::Marked } else { Look::Plain };
    Frame::new(caption, vec![Panel::Grid(numbers.rows(look))])
}

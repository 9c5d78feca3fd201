//! [`LzfReader`]: reads any range of a string that LZF has compressed, with a block of 64 KiB.
//!
//! ```text
//!  | the last 8 KiB before | decompressed | free |      64 KiB
//! ```
//!
//! A copy in LZF reaches back at most 8 KiB. So the block keeps these bytes, and drops everything before
//! them. To read a range that begins before the current position, the reader starts again at the beginning of
//! the string.

use crate::input::{Block, try_resized};
use keyspace::Error;
use zmalloc::Zmalloc;

/// How far back a copy reaches, in bytes.
const DISTANCE_MAX: usize = 8 << 10;

/// The length of the longest copy, in bytes.
const MATCH_MAX: usize = 264;

/// The size of the block in bytes.
const BLOCK: usize = 64 << 10;

/// Reads ranges of a compressed string. See the documentation of the module.
pub(crate) struct LzfReader<'a> {
    stream: &'a [u8],
    /// The part of the stream that has not been decompressed.
    rest: &'a [u8],
    block: Block,
    /// The position of the next byte in the block, and the end of the decompressed bytes.
    next: usize,
    end: usize,
    /// The offset of the block's first byte in the decompressed string.
    base: usize,
}

impl<'a> LzfReader<'a> {
    pub(crate) fn try_new(stream: &'a [u8]) -> Result<Self, Error> {
        let mut block = Block::new_in(Zmalloc);
        try_resized(&mut block, BLOCK)?;
        Ok(Self { stream, rest: stream, block, next: 0, end: 0, base: 0 })
    }

    /// Reads the bytes from `start` on into `out`. Returns `None` if there are too few bytes, or if the
    /// stream is not valid LZF.
    pub(crate) fn read_at(&mut self, start: usize, mut out: &mut [u8]) -> Option<()> {
        if start < self.base + self.next {
            (self.rest, self.next, self.end, self.base) = (self.stream, 0, 0, 0);
        }
        while start >= self.base + self.end && start > self.base + self.next {
            self.next = self.end;
            self.fill()?;
        }
        self.next = start - self.base;
        while !out.is_empty() {
            if self.next == self.end {
                self.fill()?;
            }
            let count = out.len().min(self.end - self.next);
            let (head, tail) = out.split_at_mut(count);
            head.copy_from_slice(&self.block[self.next..self.next + count]);
            self.next += count;
            out = tail;
        }
        Some(())
    }

    /// Moves the last 8 KiB to the start of the block, and decompresses as much as fits after them. Returns
    /// `None` at the end, or if the stream is not valid LZF.
    fn fill(&mut self) -> Option<()> {
        let kept = self.end.min(DISTANCE_MAX);
        let start = self.end - kept;
        self.block.copy_within(start..self.end, 0);
        self.base += start;
        (self.next, self.end) = (kept, kept);
        while BLOCK - self.end >= MATCH_MAX && !self.rest.is_empty() {
            self.token()?;
        }
        (self.end > kept).then_some(())
    }

    /// Decompresses one run of literals, or one copy.
    fn token(&mut self) -> Option<()> {
        let (&control, rest) = self.rest.split_first()?;
        let control = usize::from(control);
        if control < 32 {
            let (literals, rest) = rest.split_at_checked(control + 1)?;
            self.block[self.end..self.end + literals.len()].copy_from_slice(literals);
            (self.end, self.rest) = (self.end + literals.len(), rest);
            return Some(());
        }
        let (mut len, mut rest) = ((control >> 5) + 2, rest);
        if control >> 5 == 7 {
            let (&more, tail) = rest.split_first()?;
            (len, rest) = (len + usize::from(more), tail);
        }
        let (&low, rest) = rest.split_first()?;
        let from = self.end.checked_sub(((control & 0x1F) << 8 | usize::from(low)) + 1)?;
        for n in 0..len {
            self.block[self.end + n] = self.block[from + n]; // a copy may read bytes that it has just written
        }
        (self.end, self.rest) = (self.end + len, rest);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyspace::values::list::lzf;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_part_is_what_the_whole_string_has_there(
            pattern in prop::collection::vec(any::<u8>(), 1..40),
            noise in prop::collection::vec(any::<u8>(), 0..12_000),
            repeats in 1..8_000_usize,
            places in prop::collection::vec((any::<prop::sample::Index>(), 0..80_000_usize), 1..8),
        ) {
            let text = [&noise[..], &pattern.repeat(repeats), &noise[..noise.len() / 2], &pattern].concat();
            let mut stream = vec![0; text.len() * 2 + 10];
            let len = lzf::compress(&text, &mut stream).unwrap();
            let mut reader = LzfReader::try_new(&stream[..len]).unwrap();
            for (place, len) in places {
                let start = place.index(text.len());
                let mut out = vec![0; len.min(text.len() - start)];
                prop_assert_eq!(reader.read_at(start, &mut out), Some(()));
                prop_assert!(out == text[start..start + out.len()], "at {}", start);
            }
            prop_assert_eq!(reader.read_at(text.len(), &mut [0]), None);
        }
    }
}

//! A table of numbers whose chunks a reader can compute: the low bits of the hash are the number itself.

use crate::drawing::{Cell, Grid, Look, Row};
use dict::Table;

/// Returns the hash of a number. The table takes the number of the chunk from the low bits, and the place in the
/// chunk from the high bits.
fn hash(number: &u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) << 32 | number
}

/// A table of numbers.
pub(crate) struct Numbers {
    pub(crate) table: Table<u64>,
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Self { table: Table::new() }
    }

    /// Inserts a number, unless it is there.
    pub(crate) fn insert(&mut self, number: u64) {
        if self.table.find(hash(&number), |other| *other == number).is_none() {
            self.table.insert_unique(hash(&number), number, hash);
        }
    }

    /// Inserts the next number of a series and returns it. The numbers from 0 to 96 come in an order that looks
    /// random, because 97 is a prime number.
    pub(crate) fn insert_next(&mut self) -> u64 {
        let number = (self.table.len() as u64 * 38 + 11) % 97;
        self.insert(number);
        number
    }

    pub(crate) fn chunks(&self) -> usize {
        self.table.stats().chunks
    }

    /// Returns the numbers in a chunk and its children.
    pub(crate) fn in_chunk(&self, chunk: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        self.table.walk(chunk, |number| numbers.push(*number));
        numbers
    }

    /// Returns how many of the low bits of a hash decide that it belongs to this chunk.
    fn bits_of(&self, chunk: usize) -> u32 {
        let bits = self.chunks().ilog2();
        let whole = 1 << bits;
        let is_split = chunk >= whole || chunk + whole < self.chunks();
        if is_split { bits + 1 } else { bits }
    }

    /// Returns the rows of all chunks.
    pub(crate) fn rows(&self, look: impl Fn(usize, u64) -> Look) -> Grid {
        let rows = (0..self.chunks()).map(|chunk| self.row(chunk, |number| look(chunk, number)));
        Grid { rows: rows.collect() }
    }

    /// Returns the row of a chunk: its number in binary, and its entries.
    pub(crate) fn row(&self, chunk: usize, look: impl Fn(u64) -> Look) -> Row {
        let bits = self.bits_of(chunk) as usize;
        let label = if bits == 0 { format!("{chunk}:") } else { format!("{chunk}: {chunk:0bits$b}") };
        let cells = self.in_chunk(chunk).into_iter().map(|number| Cell::new(number, look(number)));
        Row { label, cells: cells.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_the_chunk_of_its_low_bits() {
        let mut numbers = Numbers::new();
        for _ in 0..97 {
            numbers.insert_next();
            for chunk in 0..numbers.chunks() {
                let mask = (1 << numbers.bits_of(chunk)) - 1;
                assert!(numbers.in_chunk(chunk).iter().all(|number| number & mask == chunk as u64));
            }
        }
        assert!(numbers.chunks() > 8, "{}", numbers.chunks());
    }
}

//! [`Numbers`]: a table of numbers for drawings. A reader can compute the chunk of a number, because the low bits of
//! its hash are the number itself.

use crate::drawing::{Cell, Grid, Look, Row};
use dict::{Cursor, Table};

/// Returns the hash of a number. Its low bits choose the chunk, and its high bits choose the slot in the chunk.
fn hash(number: &u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) << 32 | number
}

/// The most binary digits of a chunk's number that are drawn in front of the chunk.
const LABEL_BITS_MAX: usize = 5;

/// A table of numbers.
#[derive(Default)]
pub struct Numbers {
    /// The table.
    pub table: Table<u64>,
}

impl Numbers {
    /// Returns whether a number is in the table.
    pub fn contains(&self, number: u64) -> bool {
        self.table.find(hash(&number), |other| *other == number).is_some()
    }

    /// Inserts a number if it is not in the table. Returns whether it was inserted.
    pub fn insert(&mut self, number: u64) -> bool {
        let is_new = !self.contains(number);
        if is_new {
            self.table.insert_unique(hash(&number), number, hash);
        }
        is_new
    }

    /// Removes a number, and returns whether it was in the table.
    pub fn remove(&mut self, number: u64) -> bool {
        let found = self.table.find_entry(hash(&number), |other| *other == number);
        found.map(|entry| entry.remove()).is_ok()
    }

    /// Inserts the next number of a fixed series, and returns it. The series has each number from 0 to 96 once, in an
    /// order that looks random. The length of the table is the position in the series.
    pub fn insert_next(&mut self) -> u64 {
        let number = (self.table.len() as u64 * 38 + 11) % 97;
        self.insert(number);
        number
    }

    /// Returns the number of chunks.
    pub fn chunks(&self) -> usize {
        self.table.stats().chunks
    }

    /// Returns the numbers in a chunk and its children.
    pub fn in_chunk(&self, chunk: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        self.table.walk(chunk, |number| numbers.push(*number));
        numbers
    }

    /// Returns the number of the chunk that a number belongs to.
    pub fn chunk_of(&self, number: u64) -> usize {
        let (low, chunks) = (number as u32 as usize, self.chunks().max(1));
        let whole = chunks.next_power_of_two();
        let chunk = low % whole;
        // If the chunk does not exist yet, its entries are still in the chunk that will be split.
        if chunk < chunks { chunk } else { low % (whole / 2) }
    }

    /// Returns how many low bits of a hash decide whether an entry belongs to the chunk.
    fn bits_of(&self, chunk: usize) -> u32 {
        let bits = self.chunks().max(1).ilog2();
        let whole = 1 << bits;
        let is_split = chunk >= whole || chunk + whole < self.chunks();
        if is_split { bits + 1 } else { bits }
    }

    /// Returns the rows of all chunks.
    pub fn rows(&self, look: impl Fn(usize, u64) -> Look) -> Grid {
        let rows = (0..self.chunks()).flat_map(|chunk| self.chunk_rows(chunk, |number| look(chunk, number)));
        Grid { rows: rows.collect() }
    }

    /// Returns the numbers of the chunks in the order in which a scan visits them.
    pub fn scan_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.chunks()).collect();
        order.sort_by_key(|chunk| chunk.reverse_bits());
        order
    }

    /// Returns whether a scan with this cursor has visited a chunk. A scan that has not begun, or that has ended,
    /// has visited no chunk.
    pub fn is_visited(&self, chunk: usize, cursor: Cursor) -> bool {
        // A call visits both halves of a split chunk, so the bit that tells them apart is ignored. A cursor from
        // before the table shrank may have even more bits.
        let mask = (1 << self.chunks().max(1).ilog2()) - 1;
        (chunk as u64 & mask).reverse_bits() < (u64::from(cursor) & mask).reverse_bits()
    }

    /// Returns the rows of all chunks in the order of a scan, with an additional row that marks the cursor.
    pub fn scan_rows(&self, cursor: Cursor, look: impl Fn(u64) -> Look) -> Grid {
        let mut rows = Vec::new();
        let mut is_drawn = cursor == Cursor::START;
        for chunk in self.scan_order() {
            if !is_drawn && !self.is_visited(chunk, cursor) {
                is_drawn = true;
                rows.push(Row { label: "cursor".into(), cells: vec![Cell::new("", Look::Blank)] });
            }
            rows.extend(self.chunk_rows(chunk, &look));
        }
        Grid { rows }
    }

    /// Returns a row with the slots of a chunk, and a row for each of its children. The label of the first row is the
    /// number of the chunk in decimal and, if it is short enough, in binary.
    pub fn chunk_rows(&self, chunk: usize, look: impl Fn(u64) -> Look) -> Vec<Row> {
        let bits = self.bits_of(chunk) as usize;
        // A long binary number would leave no space for the slots.
        let mut label = if (1..=LABEL_BITS_MAX).contains(&bits) {
            format!("{chunk}: {chunk:0bits$b}")
        } else {
            format!("{chunk}:")
        };
        let cell = |entry: Option<&u64>| match entry {
            Some(number @ 0..1_000) => Cell::new(number, look(*number)),
            Some(number) => Cell::new("#", look(*number)), // a longer number does not fit into the box
            None => Cell::new("", Look::Free),
        };
        let mut rows = Vec::new();
        for part in self.table.chunk_parts(chunk) {
            rows.push(Row { label, cells: part.entries.into_iter().map(cell).collect() });
            label = "  child".into();
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_number_is_in_the_chunk_of_its_low_bits() {
        let mut numbers = Numbers::default();
        for _ in 0..97 {
            numbers.insert_next();
            for chunk in 0..numbers.chunks() {
                let mask = (1 << numbers.bits_of(chunk)) - 1;
                assert!(numbers.in_chunk(chunk).iter().all(|number| number & mask == chunk as u64));
                assert!(numbers.in_chunk(chunk).iter().all(|number| numbers.chunk_of(*number) == chunk));
            }
        }
        assert!(numbers.chunks() > 8, "{}", numbers.chunks());
    }

    #[test]
    fn a_visited_chunk_has_been_returned_while_the_table_grows_and_shrinks() {
        for before in [20, 50, 97, 300] {
            for calls in 1..12 {
                for after in [0, 5, 20, 60, 200, 400] {
                    check_scan(before, calls, after);
                }
            }
        }
    }

    /// Scans a table of the numbers below `before`. After some calls, changes the table to the numbers below `after`.
    fn check_scan(before: u64, calls: usize, after: u64) {
        let mut numbers = Numbers::default();
        (0..before).for_each(|number| _ = numbers.insert(number));
        let (mut cursor, mut returned) = (Cursor::START, BTreeSet::new());
        for call in 0.. {
            cursor = numbers.table.scan(cursor, |number| _ = returned.insert(*number));
            if cursor == Cursor::START {
                break;
            }
            if call == calls {
                (after..before).for_each(|number| _ = numbers.remove(number));
                (before..after).for_each(|number| _ = numbers.insert(number));
            }
            let old = |number: &u64| *number < before;
            for chunk in (0..numbers.chunks()).filter(|chunk| numbers.is_visited(*chunk, cursor)) {
                let mut entries = numbers.in_chunk(chunk).into_iter().filter(old);
                assert!(
                    entries.all(|number| returned.contains(&number)),
                    "{before} {calls} {after}: {chunk}"
                );
            }
        }
        assert!((0..before.min(after)).all(|number| returned.contains(&number)));
    }
}

//! A hash table of numbers that a reader fills, empties and scans.

use crate::recording::{STEPS_MAX, Structure};
use crate::words::{Words, unknown};
use common::Thousands;
use dict::Cursor;
use layout::drawing::{Cell, Frame, Grid, Look, Panel, Row};
use layout::numbers::Numbers;
use std::collections::BTreeSet;
use std::fmt;

/// The most chunks that are drawn with all slots. Of a larger table, one box stands for some chunks.
const CHUNKS_DRAWN_MAX: usize = 16;
/// The most boxes of such a drawing.
const BOXES_MAX: usize = 256;

/// Numbers have to be below this one.
const NUMBER_END: u64 = 1 << 32;

/// A table of numbers, and a scan of it.
pub struct Chunks {
    numbers: Numbers,
    /// The place in the series at which `fill` begins to look for numbers.
    next: u64,
    cursor: Cursor,
    /// The numbers that the scan has returned.
    returned: BTreeSet<u64>,
    /// The chunk in which the last number was added or removed.
    chunk: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self {
            numbers: Numbers::default(),
            next: 0,
            cursor: Cursor::START,
            returned: BTreeSet::new(),
            chunk: 0,
        }
    }
}

/// An operation on the table.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// A number is added.
    Add(u64),
    /// A number is removed.
    Remove(u64),
    /// The scan is called once.
    Scan,
}

use Operation::{Add, Remove, Scan};

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Add(number) => write!(f, "add {number}"),
            Remove(number) => write!(f, "remove {number}"),
            Scan => f.write_str("scan"),
        }
    }
}

/// Returns number `index` of a series without repetitions. The first thousand are below 1,000, and look random.
fn series(index: u64) -> u64 {
    if index < 1_000 { (index * 389 + 7) % 1_000 } else { index }
}

impl Chunks {
    /// Returns the next numbers of the series that are not in the table.
    fn absent(&self, count: usize) -> Vec<Operation> {
        let all = (self.next..).map(series);
        all.filter(|number| !self.numbers.contains(*number)).take(count).map(Add).collect()
    }

    /// Returns the numbers of the table, in the order of a scan.
    fn present(&self, count: usize) -> Vec<Operation> {
        let order = self.numbers.scan_order();
        order.into_iter().flat_map(|chunk| self.numbers.in_chunk(chunk)).take(count).map(Remove).collect()
    }

    /// Returns whether a scan has ended and no other one has begun.
    fn has_ended(&self) -> bool {
        self.cursor == Cursor::START && !self.returned.is_empty()
    }

    /// Returns how the box of a number is drawn.
    fn look(&self, number: u64) -> Look {
        if self.returned.contains(&number) { Look::Marked } else { Look::Plain }
    }

    fn scan(&mut self) -> String {
        if self.cursor == Cursor::START {
            self.returned.clear();
        }
        let (returned, mut count) = (&mut self.returned, 0);
        self.cursor = self.numbers.table.scan(self.cursor, |number| {
            returned.insert(*number);
            count += 1;
        });
        let end = if self.cursor == Cursor::START { ", and the scan has ended" } else { "" };
        format!("{count} returned{end}")
    }

    /// Draws one box for each run of chunks, with the number of entries in them.
    fn overview(&self) -> Grid {
        let order = self.numbers.scan_order();
        let in_box = order.len().div_ceil(BOXES_MAX);
        let cells = order.chunks(in_box).map(|chunks| {
            let len: usize = chunks.iter().map(|chunk| self.numbers.in_chunk(*chunk).len()).sum();
            let is_visited = |chunk: &usize| self.has_ended() || self.numbers.is_visited(*chunk, self.cursor);
            let look = if chunks.iter().all(is_visited) { Look::Marked } else { Look::Plain };
            if len < 1_000 { Cell::new(len, look) } else { Cell::new(format!("{}k", len / 1_000), look) }
        });
        Grid { rows: vec![Row { label: "chunks".into(), cells: cells.collect() }] }
    }

    /// Returns the calls of the scan until it ends, or the first `count` of them.
    fn calls(&self, count: usize) -> Vec<Operation> {
        let (mut cursor, mut calls) = (self.cursor, Vec::new());
        while calls.len() < count {
            cursor = self.numbers.table.scan(cursor, |_| {});
            calls.push(Scan);
            if cursor == Cursor::START {
                break;
            }
        }
        calls
    }
}

impl Structure for Chunks {
    type Operation = Operation;

    const COMMANDS: &'static str = "add N...\nfill COUNT\nsame COUNT\nremove N...\ndrain COUNT\nscan [CALLS]";

    fn parse(&self, mut words: Words<'_>) -> Result<Vec<Operation>, String> {
        let command = words.command()?;
        let operations = match &*command {
            "add" | "remove" => {
                let one = if command == "add" { Add } else { Remove };
                let mut operations = Vec::new();
                while operations.is_empty() || words.len() > 0 {
                    let number: u64 = words.number("the number")?;
                    if number >= NUMBER_END {
                        return Err(format!("{number} is not below {}", Thousands(NUMBER_END)));
                    }
                    operations.push(one(number));
                }
                operations
            }
            "fill" | "drain" | "same" | "scan" => {
                let has_count = words.len() > 0 || command != "scan";
                let count = if has_count { words.number("the count")? } else { 1 };
                if count > STEPS_MAX {
                    return Err(format!("the count is above {}", Thousands(STEPS_MAX as u64)));
                }
                match &*command {
                    "fill" => self.absent(count),
                    "drain" => self.present(count),
                    "scan" => self.calls(count),
                    // The last six bits of these numbers are 0.
                    _ => (0..)
                        .map(|n| 64 * n)
                        .filter(|n| !self.numbers.contains(*n))
                        .take(count)
                        .map(Add)
                        .collect(),
                }
            }
            other => return unknown(other),
        };
        words.end()?;
        Ok(operations)
    }

    fn apply(&mut self, operation: &Operation) -> String {
        let before = self.numbers.table.stats();
        let answer = match *operation {
            Scan => return self.scan(),
            Add(number) => {
                let is_new = self.numbers.insert(number);
                if series(self.next) == number {
                    self.next += 1;
                }
                self.chunk = self.numbers.chunk_of(number);
                if is_new { "added" } else { "was there" }
            }
            Remove(number) => {
                let was_there = self.numbers.remove(number);
                self.chunk = self.numbers.chunk_of(number);
                if was_there { "removed" } else { "was not there" }
            }
        };
        let after = self.numbers.table.stats();
        let work = after.work.since(before.work);
        let mut answer = format!("{answer}, chunk {}", self.chunk);
        if work.chunks_split > 0 && after.chunks > 1 {
            let (to, from) = (after.chunks - 1, after.chunks - 1 - (1 << (after.chunks - 1).ilog2()));
            answer += &format!(", chunk {from} was split into {from} and {to}");
        }
        if work.chunks_merged > 0 && after.chunks > 0 {
            let (from, to) = (after.chunks, after.chunks - (1 << after.chunks.ilog2()));
            answer += &format!(", chunk {from} was merged into {to}");
        }
        if after.children > before.children {
            answer += ", a child was added";
        }
        answer
    }

    fn frame(&self) -> Frame {
        let stats = self.numbers.table.stats();
        let (len, chunks) = (Thousands(stats.entries as u64), Thousands(stats.chunks as u64));
        let mut caption =
            format!("{len} numbers, {chunks} chunks, {} children.", Thousands(stats.children as u64));
        let returned = Thousands(self.returned.len() as u64);
        if self.has_ended() {
            caption += &format!(" The scan has returned {returned}, and has ended.");
        } else if self.cursor != Cursor::START {
            caption += &format!(" The scan has returned {returned}.");
        }
        let look = |number| self.look(number);
        if stats.chunks <= CHUNKS_DRAWN_MAX {
            return Frame::new(caption, vec![Panel::Grid(self.numbers.scan_rows(self.cursor, look))]);
        }
        caption += &match stats.chunks.div_ceil(BOXES_MAX) {
            1 => " A box is a chunk, with its number of entries.".to_owned(),
            n => format!(" A box is {n} chunks, with their number of entries."),
        };
        let last_chunk = Grid { rows: self.numbers.chunk_rows(self.chunk, look) };
        Frame::new(caption, vec![Panel::Grid(self.overview()), Panel::Grid(last_chunk)])
    }
}

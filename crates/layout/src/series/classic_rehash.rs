//! The two tables of a classic dict, while it is rehashed one bucket at a time.

use crate::drawing::{Cell, Frame, Grid, Look, Panel, Row, Series};
use dict::classic::Dict;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

/// The hash of a number is the number itself, so that a reader sees its bucket.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

type Numbers = Dict<u64, (), BuildHasherDefault<Identity>>;

/// The keys of the drawing. Eight of them fill the old table, and the last one starts the rehash.
const KEYS: [u64; 9] = [8, 17, 10, 3, 28, 13, 22, 15, 29];

pub(super) fn series() -> Series {
    let mut dict = Numbers::with_hasher(BuildHasherDefault::default());
    let (last, first) = KEYS.split_last().expect("there are keys");
    first.iter().for_each(|key| _ = dict.insert(*key, ()));
    while dict.rehash(1) {}
    let mut frames = vec![frame(
        &dict,
        None,
        "Eight keys in eight buckets. The hash of a number is the number, so 10 is in bucket 10 mod 8 = 2."
            .into(),
    )];
    dict.insert(*last, ());
    frames.push(frame(
        &dict,
        Some(*last),
        format!("{last} was added. It has started a rehash: there is a new table of 16 buckets, and {last} is in it."),
    ));
    let mut step = 0;
    while dict.is_rehashing() {
        let before = dict.rehash_index().unwrap_or_default();
        let more = dict.rehash(1);
        step += 1;
        let text = format!("Step {step}: bucket {before} was moved.");
        let end = if more { "" } else { " The old table has no more entries, so it is freed." };
        frames.push(frame(&dict, None, text + end));
    }
    Series { name: "classic-rehash", about: "a classic dict that is rehashed one bucket at a time", frames }
}

/// Draws both tables. The key `new` is marked. Buckets that have been moved are faint.
fn frame<S: BuildHasher>(dict: &Dict<u64, (), S>, new: Option<u64>, caption: String) -> Frame {
    let [old, second] = dict.table_sizes();
    let moved = dict.rehash_index().unwrap_or(0);
    let mut panels = vec![Panel::Grid(table(dict, 0..old, moved, new))];
    if second > 0 {
        panels.push(Panel::Grid(table(dict, old..old + second, 0, new)));
    }
    Frame::new(caption, panels)
}

/// Draws a table. The first row has the numbers of the buckets, and each column below it has the chain of a bucket.
fn table<S: BuildHasher>(
    dict: &Dict<u64, (), S>,
    buckets: std::ops::Range<usize>,
    moved: usize,
    new: Option<u64>,
) -> Grid {
    let first = buckets.start;
    let chains: Vec<Vec<u64>> =
        buckets.map(|bucket| dict.chain(bucket).map(|(key, ())| *key).collect()).collect();
    let longest = chains.iter().map(Vec::len).max().unwrap_or(0);
    let look = |bucket: usize| if bucket < moved { Look::Faint } else { Look::Number };
    let heads = (0..chains.len()).map(|bucket| Cell::new(bucket, look(bucket))).collect();
    let label = if first == 0 { "table 0" } else { "table 1" };
    let mut rows = vec![Row { label: label.into(), cells: heads }];
    for at in 0..longest {
        let cells = chains.iter().map(|chain| match chain.get(at) {
            Some(key) if Some(*key) == new => Cell::new(key, Look::Marked),
            Some(key) => Cell::new(key, Look::Plain),
            None => Cell::new("", Look::Blank),
        });
        rows.push(Row { label: String::new(), cells: cells.collect() });
    }
    Grid { rows }
}

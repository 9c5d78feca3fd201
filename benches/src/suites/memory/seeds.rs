//! The experiment that can be worked out by hand: 90,000 keys `aa10000` to `aa99999`, each its own value.
//!
//! The seed documents of this project compute it for Redis 3 as 90,000 * 80 + 131,072 * 8 = 8,248,576 bytes. The
//! sum depends on the allocator's size classes; here it is done with this allocator's, block by block, for the
//! layout of `dict::classic` with `Sds` keys and `Robj` values, and held against what `used_memory` says.

use super::store::{STRING, bytes_of, encode};
use crate::maps::Fold;
use crate::report::Row;
use crate::suite::Ctx;
use crate::text::thousands;
use robj::Robj;
use sds::Sds;
use sds::layout::HeaderType;
use std::fmt::Write;

/// Keys `aa10000` to `aa99999`.
const FIRST: u32 = 10_000;
const END: u32 = 100_000;
const KEYS: usize = (END - FIRST) as usize;

/// Length of a key and of a value, in bytes.
const STRING_BYTES: usize = 7;

/// The seeds' result for Redis 3 on a jemalloc with 16-byte classes.
const SEEDS_RESULT: usize = 8_248_576;

/// An object's header.
const OBJECT_BYTES: usize = 16;

/// The string header of Redis 3: two 32-bit lengths.
const OLD_HEADER_BYTES: usize = 8;

/// The largest share by which prediction and measurement may differ.
const TOLERANCE: f64 = 0.02;

/// The peers whose bytes are calculated.
pub(super) const ARITHMETIC: &str = "arithmetic";
pub(super) const REDIS_3_ARITHMETIC: &str = "Redis 3 arithmetic";

/// One block of every key.
struct Block {
    what: &'static str,
    sum: String,
    asked: usize,
}

/// A layout and what it predicts.
struct Prediction {
    title: &'static str,
    blocks: Vec<Block>,
}

impl Prediction {
    /// An entry, a key in a 1-byte header, and object and value in one block.
    fn today() -> Self {
        let (key, value) = (HeaderType::for_len(STRING_BYTES), HeaderType::Sds8);
        let block = |what, parts: &[usize]| Block { what, sum: sum_of(parts), asked: parts.iter().sum() };
        Self {
            title: "classic chained table, Sds keys, embstr values",
            blocks: vec![
                block("entry (key, value, next)", &[8, 8, 8]),
                block("key (header, bytes, NUL)", &[key.header_len(), STRING_BYTES, 1]),
                block("object (embstr)", &[OBJECT_BYTES, value.header_len(), STRING_BYTES, 1]),
            ],
        }
    }

    /// Redis 3 as the seeds count it: object and value apart, the 8-byte string header.
    fn redis_3() -> Self {
        let block = |what, parts: &[usize]| Block { what, sum: sum_of(parts), asked: parts.iter().sum() };
        Self {
            title: "Redis 3 layout, on this allocator",
            blocks: vec![
                block("dictEntry (key, value, next)", &[8, 8, 8]),
                block("key (header, bytes, NUL)", &[OLD_HEADER_BYTES, STRING_BYTES, 1]),
                block("redisObject", &[OBJECT_BYTES]),
                block("value (header, bytes, NUL)", &[OLD_HEADER_BYTES, STRING_BYTES, 1]),
            ],
        }
    }

    /// Bytes for all keys, each block rounded up by `class`, and the buckets.
    fn total(&self, class: fn(usize) -> usize) -> usize {
        let per_key: usize = self.blocks.iter().map(|block| class(block.asked)).sum();
        KEYS * per_key + class(buckets() * size_of::<usize>())
    }

    fn explain(&self, class: fn(usize) -> usize) -> String {
        let mut text = format!("{}:\n", self.title);
        let mut classes = Vec::new();
        for Block { what, sum, asked } in &self.blocks {
            let class = class(*asked);
            classes.push(class.to_string());
            let _ = writeln!(text, "  {what:32} {sum:>16} = {asked:>2} -> class {class:>2}");
        }
        let (keys, buckets) = (thousands(KEYS as i64), thousands(buckets() as i64));
        let total = thousands(self.total(class) as i64);
        let _ = write!(text, "  {keys} * ({}) + {buckets} * 8 = {total}", classes.join(" + "));
        text
    }
}

fn sum_of(parts: &[usize]) -> String {
    parts.iter().map(usize::to_string).collect::<Vec<_>>().join(" + ")
}

/// The chained table's buckets: the least power of two that is not below the number of keys.
fn buckets() -> usize {
    KEYS.next_power_of_two()
}

/// The classes of a jemalloc that steps by 16 bytes, for the small sizes met here: what the seeds assume.
fn class_of_16(size: usize) -> usize {
    size.next_multiple_of(16)
}

fn pairs() -> impl Iterator<Item = (Sds, Robj)> {
    (FIRST..END).map(|i| {
        let text = format!("aa{i}");
        (Sds::from_bytes(text.as_bytes()), encode(text.as_bytes()))
    })
}

pub(super) fn run(ctx: &mut Ctx) {
    ctx.progress.start("the experiment of the seeds", 3);
    let classic = bytes_of::<dict::classic::Dict<Sds, Robj, Fold>>(pairs());
    ctx.progress.step();
    let dict = bytes_of::<dict::Dict<Sds, Robj, Fold>>(pairs());
    ctx.progress.step();
    let hashbrown = bytes_of::<hashbrown::HashMap<Sds, Robj, Fold>>(pairs());
    ctx.progress.step();

    let (today, redis_3) = (Prediction::today(), Prediction::redis_3());
    let predicted = today.total(zmalloc::good_size);
    let case = "90,000 keys of the seeds";
    let row = |subject, bytes: usize| {
        Row::alone(ctx.suite, case, KEYS as u64, subject, "used_memory", "B", bytes as f64)
    };
    ctx.report.row(row("dict::classic", classic.settled).beside(ARITHMETIC, predicted as f64));
    let on_paper = redis_3.total(zmalloc::good_size);
    ctx.report.row(row("Dict", dict.settled).beside(REDIS_3_ARITHMETIC, on_paper as f64));
    ctx.report.row(row("Dict", dict.settled).beside("dict::classic", classic.settled as f64));
    ctx.report.row(row("Dict", dict.settled).beside("hashbrown", hashbrown.settled as f64));
    ctx.report.note(ctx.suite, note(&today, &redis_3, &classic, &dict));
}

fn note(
    today: &Prediction,
    redis_3: &Prediction,
    classic: &super::store::Bytes,
    dict: &super::store::Bytes,
) -> String {
    let predicted = today.total(zmalloc::good_size);
    let off = classic.settled as f64 / predicted as f64 - 1.0;
    let verdict = if off.abs() <= TOLERANCE { "within" } else { "NOT within" };
    format!(
        "The experiment of the seeds: 90,000 keys of 7 bytes, values equal to them ({STRING}).\n\
         {seeds}\n  (as the seeds print it: {seeds_result})\n{redis_3}\n{today}\n  \
         measured: {measured}, {off:+.2} % off, {verdict} {tolerance} %; before its rehash ended, with both \
         tables alive: {rehashing}\n\
         The same data in Dict: {dict}, {per_key:.1} bytes a key; dict::classic takes {classic_per_key:.1}.",
        seeds = Prediction::redis_3().explain(class_of_16).replace("on this allocator", "on 16-byte classes"),
        seeds_result = thousands(SEEDS_RESULT as i64),
        redis_3 = redis_3.explain(zmalloc::good_size),
        today = today.explain(zmalloc::good_size),
        measured = thousands(classic.settled as i64),
        off = off * 100.0,
        tolerance = TOLERANCE * 100.0,
        rehashing = thousands(classic.filled as i64),
        dict = thousands(dict.settled as i64),
        per_key = dict.settled as f64 / KEYS as f64,
        classic_per_key = classic.settled as f64 / KEYS as f64,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arithmetic_gives_the_seeds_result() {
        assert_eq!(Prediction::redis_3().total(class_of_16), SEEDS_RESULT);
        let text = Prediction::redis_3().explain(class_of_16);
        assert!(text.contains("90,000 * (32 + 16 + 16 + 16) + 131,072 * 8 = 8,248,576"), "{text}");
    }

    #[test]
    fn the_blocks_are_the_ones_that_the_crates_allocate() {
        let today = Prediction::today();
        let (key, value) = pairs().next().expect("there are keys");
        assert_eq!(key.allocation_size(), zmalloc::good_size(today.blocks[1].asked));
        assert_eq!(value.allocation_size(), zmalloc::good_size(today.blocks[2].asked));
    }
}

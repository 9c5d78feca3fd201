//! An experiment that can be calculated by hand: 90,000 keys `aa10000` to `aa99999`, each of which is its own
//! value.
//!
//! The texts from which this project began, its seeds, compute the bytes for Redis 3 as
//! 90,000 * 80 + 131,072 * 8 = 8,248,576. The sum depends on the size classes of the allocator. This file
//! computes it with the classes of the linked allocator, for the layout of `dict::classic` with `Sds` keys
//! and `Robj` values, and compares it with `used_memory`. `keyspace::estimate` has the arithmetic of that
//! layout. The arithmetic of Redis 3, whose strings have larger headers, is here.

use super::store::{Bytes, STRING, bytes_of, encode};
use crate::maps::FoldHash;
use crate::report::Row;
use crate::suite::Ctx;
use crate::text::thousands;
use keyspace::estimate::{Estimate, Quantum, Store, Values, Workload};
use robj::Robj;
use sds::Sds;

/// The numbers of the keys `aa10000` to `aa99999`.
const FIRST: u32 = 10_000;
const END: u32 = 100_000;
const KEYS: u64 = (END - FIRST) as u64;

/// The length of a key and of a value, in bytes.
const STRING_BYTES: u64 = 7;

/// The length of the string header of Redis 3, which is two 32-bit lengths.
const OLD_HEADER_BYTES: u64 = 8;

/// The greatest relative difference that is allowed between the prediction and the measurement.
const TOLERANCE: f64 = 0.02;

/// The names of the two peers whose bytes are calculated instead of measured.
pub(super) const ARITHMETIC: &str = "arithmetic";
pub(super) const REDIS_3_ARITHMETIC: &str = "Redis 3 arithmetic";

/// Returns the estimate for the classic layout of today.
fn today(quantum: Quantum) -> Estimate {
    let values = Values::Strings(STRING_BYTES..=STRING_BYTES);
    let workload = Workload { keys: KEYS, key_len: STRING_BYTES, values, expires: false };
    workload.estimate(Store::Classic(quantum)).expect("seven bytes are not too many")
}

/// Redis 3 as in the seeds: the object and the value have separate blocks, and strings have the old header.
struct Redis3 {
    quantum: Quantum,
    /// The size classes of the blocks of a key: the entry, the key, the object and the value.
    blocks: [u64; 4],
    buckets: u64,
}

impl Redis3 {
    fn new(quantum: Quantum) -> Self {
        let string = OLD_HEADER_BYTES + STRING_BYTES + 1;
        let object = robj::HEADER_SIZE as u64;
        Self {
            quantum,
            blocks: [3 * 8, string, object, string].map(|size| quantum.class(size)),
            buckets: KEYS.next_power_of_two(),
        }
    }

    fn total(&self) -> u64 {
        KEYS * self.blocks.iter().sum::<u64>() + self.buckets * 8
    }

    fn explain(&self) -> String {
        let [entry, key, object, value] = self.blocks;
        let [keys, buckets, total] =
            [KEYS, self.buckets, self.total()].map(|number| thousands(number as i64));
        format!(
            "Redis 3, jemalloc with classes of {} bytes:\n  {keys} * ({entry} + {key} + {object} + {value}) + {buckets} * 8 = {total}",
            self.quantum.bytes(),
        )
    }
}

fn pairs() -> impl Iterator<Item = (Sds, Robj)> {
    (FIRST..END).map(|i| {
        let text = format!("aa{i}");
        (Sds::from_bytes(text.as_bytes()), encode(text.as_bytes()))
    })
}

pub(super) fn run(ctx: &mut Ctx) {
    ctx.progress.start("the experiment of the seeds", 3);
    let classic = bytes_of::<dict::classic::Dict<Sds, Robj, FoldHash>>(pairs());
    ctx.progress.step();
    let dict = bytes_of::<dict::Dict<Sds, Robj, FoldHash>>(pairs());
    ctx.progress.step();
    let hashbrown = bytes_of::<hashbrown::HashMap<Sds, Robj, FoldHash>>(pairs());
    ctx.progress.step();

    let quantum = Quantum::linked().unwrap_or(Quantum::Sixteen);
    let (predicted, on_paper) = (today(quantum).total(), Redis3::new(quantum).total());
    let case = "90,000 keys of the seeds";
    let row =
        |subject, bytes: usize| Row::alone(ctx.suite, case, KEYS, subject, "used_memory", "B", bytes as f64);
    ctx.report.row(row("dict::classic", classic.after_background_work).beside(ARITHMETIC, predicted as f64));
    ctx.report.row(row("Dict", dict.after_background_work).beside(REDIS_3_ARITHMETIC, on_paper as f64));
    ctx.report.row(
        row("Dict", dict.after_background_work).beside("dict::classic", classic.after_background_work as f64),
    );
    ctx.report.row(
        row("Dict", dict.after_background_work).beside("hashbrown", hashbrown.after_background_work as f64),
    );
    ctx.report.note(ctx.suite, note(quantum, &classic, &dict));
}

fn note(quantum: Quantum, classic: &Bytes, dict: &Bytes) -> String {
    let today = today(quantum);
    let off = classic.after_background_work as f64 / today.total() as f64 - 1.0;
    let verdict = if off.abs() <= TOLERANCE { "within" } else { "NOT within" };
    format!(
        "The experiment of the seeds: 90,000 keys of 7 bytes, values equal to them ({STRING}).\n\
         {seeds}\n{redis_3}\n{today}\n  \
         measured: {measured}, {off:+.2} % off, {verdict} {tolerance} %; before its rehash ended, with both \
         tables alive: {rehashing}\n\
         The same data in Dict: {dict}, {per_key:.1} bytes a key; dict::classic takes {classic_per_key:.1}.",
        seeds = Redis3::new(Quantum::Sixteen).explain(),
        redis_3 = Redis3::new(quantum).explain(),
        measured = thousands(classic.after_background_work as i64),
        off = off * 100.0,
        tolerance = TOLERANCE * 100.0,
        rehashing = thousands(classic.filled as i64),
        dict = thousands(dict.after_background_work as i64),
        per_key = dict.after_background_work as f64 / KEYS as f64,
        classic_per_key = classic.after_background_work as f64 / KEYS as f64,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arithmetic_gives_the_seeds_result() {
        let seeds = Redis3::new(Quantum::Sixteen);
        assert_eq!(seeds.total(), 8_248_576);
        let text = seeds.explain();
        assert!(text.contains("90,000 * (32 + 16 + 16 + 16) + 131,072 * 8 = 8,248,576"), "{text}");
        // The layout of today happens to have the same total.
        assert_eq!(today(Quantum::Sixteen).total(), seeds.total());
    }

    #[test]
    fn the_blocks_are_the_ones_that_the_crates_allocate() {
        let today = today(Quantum::Eight);
        let asked = |what| {
            let step = today.steps.iter().find(|step| step.what == what).expect("there is one");
            zmalloc::good_size(*step.asked.start() as usize)
        };
        let (key, value) = pairs().next().expect("there are keys");
        assert_eq!(key.allocation_size(), asked("key"));
        assert_eq!(value.allocation_size(), asked("embstr"));
    }
}

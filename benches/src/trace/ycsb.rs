//! Requests drawn from a Zipf distribution in the mixes A to F of the Yahoo! Cloud Serving Benchmark.
//!
//! | mix | reads | updates | inserts | scans | read-modify-writes | which records |
//! |---|---|---|---|---|---|---|
//! | A update heavy | 50 % | 50 % | | | | Zipf |
//! | B read mostly | 95 % | 5 % | | | | Zipf |
//! | C read only | 100 % | | | | | Zipf |
//! | D read latest | 95 % | | 5 % | | | Zipf over age, newest first |
//! | E short ranges | | | 5 % | 95 % | | Zipf; 1 to 100 entries a scan |
//! | F read-modify-write | 50 % | | | | 50 % | Zipf |
//!
//! The exponent is 0.99, and popularity is scrambled: a permutation that is drawn from the seed maps ranks to
//! records. (YCSB hashes the rank, so two ranks may map to the same record. This does not happen with a
//! permutation.) Learned from: Cooper et al., *Benchmarking Cloud Serving Systems with YCSB*, SoCC 2010.

use crate::keys::shuffled;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

/// The exponent of the distribution, which is the default of YCSB.
pub const ZIPF_EXPONENT: f64 = 0.99;

/// The longest scan of mix E, in entries.
pub const MAX_SCAN: u32 = 100;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Looks a record up.
    Read,
    /// Replaces the value of an existing record.
    Update,
    /// Adds a record.
    Insert,
    /// Visits up to this many entries.
    Scan(u32),
    /// Looks a record up and replaces its value by one that depends on it.
    ReadModifyWrite,
}

/// One request of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The operation.
    pub op: Op,
    /// The record, as the number of its key.
    pub record: u32,
}

/// A mix of operations, in per cent.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// The letter of YCSB, and a name.
    pub name: &'static str,
    read: u32,
    update: u32,
    insert: u32,
    scan: u32,
    /// Whether records are chosen by age instead of by scrambled rank.
    latest: bool,
}

impl Mix {
    /// Returns whether the mix has scans.
    pub fn scans(&self) -> bool {
        self.scan > 0
    }
}

/// The six mixes. The rest of 100 per cent are read-modify-writes.
pub const MIXES: [Mix; 6] = [
    Mix { name: "A 50/50 update", read: 50, update: 50, insert: 0, scan: 0, latest: false },
    Mix { name: "B 95/5 update", read: 95, update: 5, insert: 0, scan: 0, latest: false },
    Mix { name: "C read only", read: 100, update: 0, insert: 0, scan: 0, latest: false },
    Mix { name: "D read latest", read: 95, update: 0, insert: 5, scan: 0, latest: true },
    Mix { name: "E short scans", read: 0, update: 0, insert: 5, scan: 95, latest: false },
    Mix { name: "F read-modify-write", read: 50, update: 0, insert: 0, scan: 0, latest: false },
];

/// The mix that only reads.
pub const READ_ONLY: Mix = MIXES[2];

/// Draws the requests of one mix over a growing set of records.
pub struct Generator {
    mix: Mix,
    rng: SmallRng,
    zipf: Zipf<f64>,
    /// The record of each rank.
    by_rank: Vec<u32>,
    /// How many records there are. They are numbered from 0.
    records: u32,
}

impl Generator {
    /// Returns a generator of requests for `records` records, numbered from 0. The caller adds these records
    /// to the store before it runs the requests.
    ///
    /// # Panics
    /// If `records` is 0.
    pub fn new(mix: Mix, records: u32, seed: u64) -> Self {
        let zipf = Zipf::new(f64::from(records), ZIPF_EXPONENT).expect("at least one record");
        let by_rank = if mix.latest { Vec::new() } else { shuffled(0..records, seed) };
        Self { mix, rng: SmallRng::seed_from_u64(seed ^ 0x59C5_B000), zipf, by_rank, records }
    }

    /// Draws the next `count` requests.
    pub fn steps(&mut self, count: usize) -> Vec<Step> {
        (0..count).map(|_| self.step()).collect()
    }

    /// Draws the next request.
    pub fn step(&mut self) -> Step {
        let Mix { read, update, insert, scan, .. } = self.mix;
        let mut drawn = self.rng.random_range(0..100);
        let mut is = |share: u32| {
            let hit = drawn < share;
            drawn = drawn.saturating_sub(if hit { 0 } else { share });
            hit
        };
        if is(read) {
            Step { op: Op::Read, record: self.choose() }
        } else if is(update) {
            Step { op: Op::Update, record: self.choose() }
        } else if is(insert) {
            self.records += 1;
            Step { op: Op::Insert, record: self.records - 1 }
        } else if is(scan) {
            let length = self.rng.random_range(1..=MAX_SCAN);
            Step { op: Op::Scan(length), record: self.choose() }
        } else {
            Step { op: Op::ReadModifyWrite, record: self.choose() }
        }
    }

    fn choose(&mut self) -> u32 {
        // Ranks run from 1 to the number of records at the start.
        let rank = self.zipf.sample(&mut self.rng) as u32 - 1;
        if self.mix.latest { self.records - 1 - rank } else { self.by_rank[rank as usize] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(mix: usize, count: usize) -> Vec<Step> {
        Generator::new(MIXES[mix], 10_000, 1).steps(count)
    }

    /// The share of a kind of operation is binomial. In 100,000 draws, it differs from the share p by more
    /// than five standard deviations, 5 * sqrt(p (1 - p) / 100,000) <= 0.008, about once in a million runs.
    #[test]
    fn the_mixes_have_the_shares_that_they_state() {
        for (i, mix) in MIXES.iter().enumerate() {
            let steps = steps(i, 100_000);
            let share =
                |is: fn(&Op) -> bool| steps.iter().filter(|s| is(&s.op)).count() as f64 / steps.len() as f64;
            let found = [
                share(|op| matches!(op, Op::Read)),
                share(|op| matches!(op, Op::Update)),
                share(|op| matches!(op, Op::Insert)),
                share(|op| matches!(op, Op::Scan(_))),
                share(|op| matches!(op, Op::ReadModifyWrite)),
            ];
            let rest = 100 - mix.read - mix.update - mix.insert - mix.scan;
            let stated = [mix.read, mix.update, mix.insert, mix.scan, rest];
            for (found, stated) in found.into_iter().zip(stated) {
                assert!((found - f64::from(stated) / 100.0).abs() < 0.008, "{}: {found} {stated}", mix.name);
            }
        }
    }

    /// The most popular of n records has the share 1 / H, where H is the sum of r^-0.99 over r = 1..n. For n
    /// = 10,000, the share is about 0.0997. Five standard deviations of 200,000 draws are 0.0034.
    #[test]
    fn the_most_popular_record_has_its_zipf_share() {
        let steps = steps(2, 200_000);
        let mut counts = vec![0u32; 10_000];
        for step in &steps {
            counts[step.record as usize] += 1;
        }
        let top = counts.iter().max().copied().unwrap_or(0);
        let harmonic: f64 = (1..=10_000).map(|r| f64::from(r).powf(-ZIPF_EXPONENT)).sum();
        let share = f64::from(top) / steps.len() as f64;
        assert!((share - 1.0 / harmonic).abs() < 0.0034, "{share} against {}", 1.0 / harmonic);
    }

    #[test]
    fn only_records_that_are_there_are_asked_for() {
        for i in 0..MIXES.len() {
            let mut records = 10_000;
            for step in steps(i, 50_000) {
                if step.op == Op::Insert {
                    assert_eq!(step.record, records, "records are added in order");
                    records += 1;
                } else {
                    assert!(step.record < records);
                }
            }
        }
    }

    #[test]
    fn reading_the_latest_favours_what_was_just_inserted() {
        let mut records = 10_000;
        let (mut fresh, mut reads) = (0, 0);
        for step in steps(3, 50_000) {
            if step.op == Op::Insert {
                records += 1;
            } else {
                reads += 1;
                fresh += usize::from(records - step.record <= 100);
            }
        }
        // The first 100 of 10,000 ranks have more than half of the distribution.
        assert!(fresh * 2 > reads, "{fresh} of {reads}");
    }

    #[test]
    fn requests_follow_the_seed() {
        let steps = |seed| Generator::new(MIXES[0], 1000, seed).steps(100);
        assert_eq!(steps(1), steps(1));
        assert_ne!(steps(1), steps(2));
    }
}

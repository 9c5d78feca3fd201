//! Random picks: how even they are, and how much they cost.
//!
//! **The chi-squared test.** `n` entries are expected to come up with probabilities `p_1 .. p_n`. After `D`
//! independent picks, entry `i` has come up `O_i` times, where `D p_i` times were expected. The statistic
//!
//! ```text
//!   X = sum over i of (O_i - D p_i)^2 / (D p_i)
//! ```
//!
//! has nearly the chi-squared distribution with `n - 1` degrees of freedom if every `D p_i` is large enough
//! (here 10 or more). Wilson and Hilferty's approximation of its `q`-quantile is within a thousandth for `n`
//! as large as here:
//!
//! ```text
//!   d (1 - 2 / (9 d) + z sqrt(2 / (9 d)))^3,     d = n - 1,  z = the q-quantile of the normal distribution
//! ```
//!
//! `z = 4.75` is `q = 1 - 1.0e-6`: one seed in a million rejects a fair pick. The seeds here are fixed, so a
//! test that has passed once passes always. Where the tests expect a rejection, the statistic exceeds the
//! quantile many times.

use super::mix;
use crate::Table;
use crate::group::SLOTS;
use crate::resize::entries_before_growth;
use proptest::prelude::*;
use std::collections::HashSet;

/// The quantile of the normal distribution that one value in a million exceeds.
const Z: f64 = 4.75;

/// The number of picks for each entry, on average.
const PICKS: usize = 100;
/// The number of picks for each entry of a biased choice. The rarest entries come up often enough, and a mild
/// bias shows.
const PICKS_OF_BIASED: usize = 1_000;

/// Returns a source of uniformly distributed numbers: a counter, mixed (SplitMix64).
fn source(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

fn table_of(numbers: impl IntoIterator<Item = u64>, hash: impl Fn(&u64) -> u64) -> Table<u64> {
    let mut table = Table::new();
    for n in numbers {
        table.insert_unique(hash(&n), n, &hash);
    }
    table
}

/// Returns how often each number comes up when `pick` is called `picks` times for each entry.
fn count<'a>(table: &Table<u64>, picks: usize, mut pick: impl FnMut() -> &'a u64) -> Vec<u32> {
    let mut counts = vec![0; *table.iter().max().unwrap() as usize + 1];
    (0..table.len() * picks).for_each(|_| counts[*pick() as usize] += 1);
    counts
}

/// Returns the statistic divided by its quantile. Above 1, the test rejects that `counts` come from
/// `expected`, which are the entries with their probabilities.
fn rejection(counts: &[u32], expected: &[(u64, f64)]) -> f64 {
    let picks: u32 = counts.iter().sum();
    let statistic: f64 = expected
        .iter()
        .map(|&(entry, probability)| {
            let expected = probability * f64::from(picks);
            assert!(expected >= 10.0, "{expected} picks expected are too few for the test");
            (f64::from(counts[entry as usize]) - expected).powi(2) / expected
        })
        .sum();
    let freedom = (expected.len() - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    statistic / (freedom * (1.0 - spread + Z * spread.sqrt()).powi(3))
}

/// Returns every entry with the same probability.
fn even(table: &Table<u64>) -> Vec<(u64, f64)> {
    table.iter().map(|&entry| (entry, 1.0 / table.len() as f64)).collect()
}

/// Returns every entry with the probability that the head of `sample.rs` derives for trials below `bound`.
fn model(table: &Table<u64>, bound: usize) -> Vec<(u64, f64)> {
    if table.raw().picks_by_rank(bound) {
        return even(table);
    }
    let mut shares = Vec::new();
    for chunk in 0..table.raw().chunks() {
        // SAFETY: the chunk is live, and the slots are occupied.
        let entries: Vec<u64> =
            unsafe { table.raw().iter_chunk(chunk, false).map(|slot| *slot.entry.as_ref()).collect() };
        let len = entries.len();
        for (index, entry) in entries.into_iter().enumerate() {
            let shared = len > bound && index >= SLOTS;
            shares.push((entry, if shared { (bound - SLOTS) as f64 / (len - SLOTS) as f64 } else { 1.0 }));
        }
    }
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    let success = sum / (table.raw().chunks() * bound) as f64;
    let walk = (1.0 - success).powi(table.raw().trials() as i32);
    let probability = |share: f64| (1.0 - walk) * share / sum + walk / table.len() as f64;
    shares.into_iter().map(|(entry, share)| (entry, probability(share))).collect()
}

/// Returns tables under good hashes, at the fills where the shapes of chunks differ most.
fn fills() -> Vec<(&'static str, Table<u64>)> {
    let full = |chunks: u64| entries_before_growth(chunks as usize) as u64;
    let good = |numbers| table_of(numbers, |n| mix(*n));
    let scale = if cfg!(miri) { 1 } else { 64 };
    let mut fills = vec![
        ("two entries", good(0..2)),
        ("one chunk", good(0..15)),
        ("two chunks", good(0..20)),
        ("just after a doubling", good(0..full(2 * scale))),
        ("half-way through a doubling", good(0..full(3 * scale))),
        ("just before the next doubling", good(0..full(4 * scale) - 1)),
    ];
    let mut removed = good(0..full(20 * scale));
    for n in 0..full(18 * scale) {
        removed.find_entry(mix(n), |&other| other == n).unwrap().remove();
    }
    fills.push(("nine tenths removed", removed));
    for (name, one_in) in
        [("a tenth retained", 10), ("a hundredth retained", 100), ("hardly any retained", 2_000)]
    {
        let mut retained = good(0..full(20 * scale));
        retained.retain(|&mut n| n == 1 || mix(n ^ 99).is_multiple_of(one_in));
        fills.push((name, retained));
    }
    fills
}

/// Returns a table under good hashes, except for one in ten numbers, which all go to one chunk. That chunk
/// is longer than the bound of a fair pick.
fn with_a_long_chain() -> Table<u64> {
    let (len, one_in) = if cfg!(miri) { (60, 3) } else { (3_000, 10) };
    table_of(0..len, move |&n| if n % one_in == 0 { n << 57 } else { mix(n) })
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn every_entry_is_picked_fairly_at_every_fill() {
    for (name, table) in fills() {
        let mut rng = source(1);
        let counts = count(&table, PICKS, || table.fair_random(&mut rng).unwrap());
        let rejection = rejection(&counts, &even(&table));
        assert!(rejection < 1.0, "{name}, {} entries: {rejection}", table.len());
    }
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn a_quick_pick_has_the_documented_bias_and_no_other() {
    for (name, table) in fills().into_iter().chain([("a long chain", with_a_long_chain())]) {
        let mut rng = source(2);
        let counts = count(&table, PICKS_OF_BIASED, || table.random(&mut rng).unwrap());
        let rejection = rejection(&counts, &model(&table, table.raw().random_bound()));
        assert!(rejection < 1.0, "{name}, {} entries: {rejection}", table.len());
    }
}

/// Without this, the test above would prove nothing.
#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn the_test_for_fairness_rejects_a_quick_pick() {
    for (name, table) in fills().into_iter().filter(|(name, _)| name.contains("half-way")) {
        let mut rng = source(3);
        let counts = count(&table, PICKS_OF_BIASED, || table.random(&mut rng).unwrap());
        let rejection = rejection(&counts, &even(&table));
        assert!(rejection > 1.0, "{name}: {rejection}");
    }
    let table = with_a_long_chain();
    let mut rng = source(3);
    let counts = count(&table, PICKS_OF_BIASED, || table.random(&mut rng).unwrap());
    assert!(rejection(&counts, &even(&table)) > 5.0);
    // The obvious method, which picks a chunk and then one of its entries, is rejected too.
    let table = table_of(0..2_000, |n| mix(*n));
    let mut below = |bound: usize| ((u128::from(rng()) * bound as u128) >> 64) as usize;
    let counts = count(&table, PICKS, || {
        loop {
            // SAFETY: the chunk is live, and the entry is one of it. The table is borrowed.
            unsafe {
                let mut entries = table.raw().iter_chunk(below(table.raw().chunks()), false);
                let len = entries.size_hint().0;
                if len > 0 {
                    return entries.nth(below(len)).unwrap().entry.as_ref();
                }
            }
        }
    });
    assert!(rejection(&counts, &even(&table)) > 5.0);
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn a_fair_pick_favours_no_entry_of_a_small_table_with_long_chains() {
    // All entries are in one chunk, or in a few. Trials could not be fair, so the table makes none.
    for chains in [1, 3] {
        let table = table_of(0..240, |&n| (n << 57) | (n % chains));
        let mut rng = source(4);
        let counts = count(&table, PICKS, || table.fair_random(&mut rng).unwrap());
        let rejection = rejection(&counts, &even(&table));
        assert!(rejection < 1.0, "{chains} chains: {rejection}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn a_chunk_too_long_for_a_fair_pick_comes_up_as_rarely_as_documented_and_not_more_rarely() {
    let table = with_a_long_chain();
    let mut rng = source(5);
    let counts = count(&table, PICKS_OF_BIASED, || table.fair_random(&mut rng).unwrap());
    let bound = table.raw().fair_bound();
    let rejection = rejection(&counts, &model(&table, bound));
    assert!(rejection < 1.0, "{rejection}");
    assert!(!table.raw().picks_by_rank(bound));
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn no_chunk_of_a_growing_or_shrinking_table_is_too_long_for_a_fair_pick() {
    let longest = |table: &Table<u64>| {
        // SAFETY: the chunks are live.
        (0..table.raw().chunks()).map(|chunk| unsafe { table.raw().chunk(chunk).len() }).max().unwrap_or(0)
    };
    let mut table = Table::new();
    let (count, every) = (400_000, 5_000);
    for n in 0..count {
        table.insert_unique(mix(n), n, |n| mix(*n));
        if n % every == 0 {
            assert!(longest(&table) <= table.raw().fair_bound(), "{n} entries");
            // The documentation of the quick pick says that no entry is rarer than others by more than a
            // factor of five.
            let (longest, bound) = (longest(&table), table.raw().random_bound());
            assert!(longest <= bound || longest - SLOTS <= 5 * (bound - SLOTS), "{longest} over {bound}");
        }
    }
    for n in 0..count {
        table.find_entry(mix(n), |&other| other == n).unwrap().remove();
        if n % every == 0 {
            assert!(longest(&table) <= table.raw().fair_bound(), "{} entries", table.len());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn every_place_of_a_sample_is_as_even_as_a_quick_pick() {
    // Only picks of the same place in different samples are independent, so each place is tested by itself.
    // The i-th entry of a sample is there when the entry i places before it in the order of the table is the
    // first.
    const N: usize = 5;
    for (name, table) in fills().into_iter().filter(|(_, table)| table.len() > N) {
        for place in [0, 1, N - 1] {
            let mut rng = source(6);
            let counts = count(&table, PICKS, || {
                let mut sample = Vec::with_capacity(N);
                table.sample(N, &mut rng, |entry| sample.push(entry));
                sample[place]
            });
            let mut expected = model(&table, table.raw().random_bound());
            let first: Vec<f64> = expected.iter().map(|(_, probability)| *probability).collect();
            for (at, probability) in first.into_iter().enumerate() {
                let there = (at + place) % table.len();
                expected[there].1 = probability;
            }
            let rejection = rejection(&counts, &expected);
            assert!(rejection < 1.0, "{name}, place {place}: {rejection}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn two_entries_of_a_table_come_in_one_sample_as_often_as_their_distance_says() {
    let (table, mut rng) = (table_of(0..100, |n| mix(*n)), source(7));
    let order: Vec<u64> = table.iter().copied().collect();
    let samples = 20_000;
    let mut together = [0_u32; 8];
    for _ in 0..samples {
        let mut sample = HashSet::new();
        table.sample(5, &mut rng, |entry| assert!(sample.insert(*entry)));
        for (distance, together) in together.iter_mut().enumerate() {
            let pair = |at: usize| [order[at], order[(at + distance) % order.len()]];
            let both = (0..order.len()).filter(|&at| pair(at).iter().all(|entry| sample.contains(entry)));
            *together += both.count() as u32;
        }
    }
    // Each sample is five neighbours, so it has 5 - d pairs at distance d.
    assert_eq!(together, [5, 4, 3, 2, 1, 0, 0, 0].map(|pairs| pairs * samples));
}

#[test]
fn an_empty_table_has_nothing_to_pick() {
    let mut table = table_of(0..100, |n| mix(*n));
    for _ in 0..2 {
        table.retain(|_| false);
        assert_eq!((table.random(source(8)), table.fair_random(source(8))), (None, None));
        table.sample(5, source(8), |_| unreachable!());
        table = Table::new();
    }
}

#[test]
fn a_source_that_always_answers_the_same_picks_something() {
    for (name, table) in fills().into_iter().chain([("a long chain", with_a_long_chain())]) {
        let numbers = [0, u64::MAX, 1, u64::MAX / 2, u64::MAX - 1];
        for number in numbers.into_iter().take(if cfg!(miri) { 2 } else { 5 }) {
            let mut asked = 0;
            let mut rng = || {
                asked += 1;
                number
            };
            assert!(table.random(&mut rng).is_some(), "{name}");
            assert!(table.fair_random(&mut rng).is_some(), "{name}");
            let mut sample = HashSet::new();
            table.sample(7, &mut rng, |entry| assert!(sample.insert(*entry)));
            assert_eq!(sample.len(), table.len().min(7), "{name}");
            assert!(asked <= 3 * (table.raw().trials() + 2), "{name}: {asked} numbers drawn");
        }
    }
}

proptest! {
    #![proptest_config(testing::config(200, 3))]

    #[test]
    fn what_is_picked_is_in_the_table_and_a_sample_is_of_distinct_entries(
        numbers in prop::collection::hash_set(0..100_000_u64, 0..if cfg!(miri) { 60 } else { 1_500 }),
        hash_bits in 0..64_u32,
        kept in 1..30_u64,
        wanted in 0..2_000_usize,
        answers in prop::collection::vec(any::<u64>(), 1..20),
    ) {
        let hash = |n: &u64| mix(*n) & (u64::MAX << hash_bits);
        let mut table = table_of(numbers.iter().copied(), hash);
        table.retain(|n| *n % kept == 0);
        let left: HashSet<u64> = table.iter().copied().collect();
        // The source repeats these numbers.
        let mut rng = answers.iter().copied().cycle();
        let mut rng = || rng.next().unwrap();
        for picked in [table.random(&mut rng), table.fair_random(&mut rng)] {
            prop_assert_eq!(picked.is_none(), left.is_empty());
            prop_assert!(picked.is_none_or(|picked| left.contains(picked)));
        }
        let mut sample = HashSet::new();
        table.sample(wanted, &mut rng, |entry| assert!(sample.insert(*entry), "{entry} came twice"));
        prop_assert_eq!(sample.len(), wanted.min(left.len()));
        prop_assert!(sample.is_subset(&left));
    }
}

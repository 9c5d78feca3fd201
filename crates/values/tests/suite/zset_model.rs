//! Tests of sorted sets against std's maps and sets, with limits so small that conversions happen all the
//! time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use common::Cursor;
use proptest::prelude::*;
use values::zset::{AddError, AddOptions, Added, Aggregate, Source, inter_card};
use values::zset::{try_diff_store, try_inter_store, try_union_store};
use values::{Collection, Encoding, EncodingLimits, Set, ZSet};

/// Three servers (Redis 7.0, Valkey 8 and 9) agree on these results.
#[test]
fn an_intersection_makes_a_number_of_the_first_product_only() {
    let limits = EncodingLimits::DEFAULT;
    let of = |members: &[(&str, f64)]| {
        let mut set = ZSet::new();
        for &(member, score) in members {
            set.insert(member, score, &limits).unwrap();
        }
        set
    };
    let score = |first: f64, aggregate| {
        let (one, other) = (of(&[("m", first)]), of(&[("m", f64::INFINITY)]));
        let sources = [((&one).into(), 1.0), ((&other).into(), 0.0)];
        let union = try_union_store(&sources, aggregate, &limits).unwrap();
        let inter = try_inter_store(&sources, aggregate, &limits).unwrap();
        [inter.score("m").unwrap(), union.score("m").unwrap()]
    };
    assert_eq!(score(5.0, Aggregate::Sum), [0.0, 5.0]);
    assert_eq!(score(5.0, Aggregate::Min), [5.0, 0.0]);
    assert_eq!(score(-5.0, Aggregate::Max), [-5.0, 0.0]);
    // The smallest source comes first, whatever the order of the arguments.
    let (small, large) = (of(&[("m", f64::INFINITY)]), of(&[("m", 5.0), ("n", 1.0)]));
    let inter = try_inter_store(&[((&large).into(), 1.0), ((&small).into(), 0.0)], Aggregate::Min, &limits);
    assert_eq!(inter.unwrap().score("m"), Some(0.0));
}

#[test]
fn minus_zero_raised_by_zero_is_zero_and_stays_minus_zero() {
    let incr = AddOptions { incr: true, ..AddOptions::default() };
    for entries in [0, 128] {
        let limits = EncodingLimits { zset_max_listpack_entries: entries, ..EncodingLimits::DEFAULT };
        let mut set = ZSet::new();
        set.insert("m", -0.0, &limits).unwrap();
        let raised = set.try_add("m", 0.0, incr, &limits).unwrap();
        assert_eq!(raised.score().map(f64::to_bits), Some(0.0_f64.to_bits()));
        assert_eq!(set.score("m").map(f64::to_bits), Some((-0.0_f64).to_bits()));
    }
}

#[test]
fn sources_of_the_same_size_are_added_in_the_order_in_which_they_were_given() {
    let limits = EncodingLimits::DEFAULT;
    let sets: Vec<ZSet> = (0..40)
        .map(|n| {
            let mut set = ZSet::new();
            let score = [1e16, 1.0, -1e16, 0.5, f64::INFINITY][if n == 17 { 4 } else { n % 4 }];
            set.insert("m", score, &limits).unwrap();
            set
        })
        .collect();
    let weight = |n: usize| if n == 17 { 0.0 } else { 1.0 };
    let sources: Vec<_> = sets.iter().enumerate().map(|(n, set)| (Source::from(set), weight(n))).collect();
    let products = || sets.iter().enumerate().map(|(n, set)| set.score("m").unwrap() * weight(n));
    let zero = |score: f64| if score.is_nan() { 0.0 } else { score };
    let inter = try_inter_store(&sources, Aggregate::Sum, &limits).unwrap();
    assert_eq!(inter.score("m"), products().reduce(|whole, score| zero(whole + score)));
    let union = try_union_store(&sources, Aggregate::Sum, &limits).unwrap();
    assert_eq!(union.score("m"), products().map(zero).reduce(|whole, score| whole + score));
}

/// A score that is `Ord`. It is not NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Score(f64);

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.partial_cmp(&other.0).expect("not NaN")
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Clone, Debug)]
enum Op {
    Add(Vec<u8>, f64, AddOptions),
    Remove(Vec<u8>),
    RemoveRange(usize, usize),
    Pop(bool),
    ConvertFor(usize),
    Relocate,
    Clone,
    DropInSteps(usize),
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (-20..40_i32).prop_map(|n| n.to_string().into_bytes()),
        2 => "[a-c]{0,3}".prop_map(String::into_bytes),
        1 => Just(b"longer than the limit".to_vec()),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        5 => (-6..6).prop_map(|n| f64::from(n) / 2.0),
        1 => any::<f64>(),
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e15, 1e300]),
    ]
}

fn options() -> impl Strategy<Value = AddOptions> {
    any::<[bool; 6]>().prop_map(|[plain, nx, xx, gt, lt, incr]| {
        let options = AddOptions { nx, xx, gt, lt, incr };
        if plain || !options.are_compatible() { AddOptions::default() } else { options }
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => (member(), score(), options()).prop_map(|(member, score, options)| Op::Add(member, score, options)),
        6 => member().prop_map(Op::Remove),
        1 => (0..12_usize, 0..4_usize).prop_map(|(start, len)| Op::RemoveRange(start, len)),
        1 => any::<bool>().prop_map(Op::Pop),
        1 => (0..20_usize).prop_map(Op::ConvertFor),
        1 => Just(Op::Relocate),
        1 => Just(Op::Clone),
        1 => (0..4_usize).prop_map(Op::DropInSteps),
    ]
}

fn limits() -> impl Strategy<Value = EncodingLimits> {
    (0..24_usize, 0..24_usize).prop_map(|(entries, value)| EncodingLimits {
        zset_max_listpack_entries: entries,
        zset_max_listpack_value: value,
        ..EncodingLimits::DEFAULT
    })
}

#[derive(Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
}

impl Model {
    fn ordered(&self) -> Vec<(Vec<u8>, f64)> {
        let order: BTreeSet<_> =
            self.scores.iter().map(|(member, &score)| (Score(score), member.clone())).collect();
        order.into_iter().map(|(score, member)| (member, score.0)).collect()
    }

    /// Does what the manual of `ZADD` says.
    fn add(&mut self, member: &[u8], score: f64, options: AddOptions) -> Result<Added, AddError> {
        if score.is_nan() {
            return Err(AddError::NotANumber);
        }
        let Some(&old) = self.scores.get(member) else {
            if options.xx {
                return Ok(Added::Skipped);
            }
            self.scores.insert(member.to_vec(), score);
            return Ok(Added::Added(score));
        };
        let new = if options.incr { old + score } else { score };
        if options.nx {
            return Ok(Added::Skipped);
        }
        if new.is_nan() {
            return Err(AddError::NotANumber);
        }
        if (options.gt && new <= old) || (options.lt && new >= old) {
            return Ok(Added::Skipped);
        }
        if new == old {
            return Ok(Added::Unchanged(old));
        }
        self.scores.insert(member.to_vec(), new);
        Ok(Added::Updated(new))
    }
}

fn all(set: &ZSet) -> Vec<(Vec<u8>, f64)> {
    set.iter().map(|(member, score)| (member.text().to_vec(), score)).collect()
}

fn compare(set: &ZSet, model: &Model) {
    let want = model.ordered();
    assert_eq!(all(set), want);
    let mut back = all(set);
    back.reverse();
    assert!(set.iter().rev().map(|(member, score)| (member.text().to_vec(), score)).eq(back));
    for (rank, (member, score)) in want.iter().enumerate() {
        assert_eq!(set.score(&member[..]), Some(*score));
        assert_eq!(set.rank(&member[..]), Some((rank, *score)));
        assert_eq!(set.rev_rank(&member[..]), Some((want.len() - 1 - rank, *score)));
        let (found, its_score) = set.by_rank(rank).unwrap();
        assert_eq!((found.text().to_vec(), its_score), (member.clone(), *score));
    }
    assert_eq!((set.score("nobody"), set.rank("nobody")), (None, None));
    assert_eq!(set.by_rank(want.len()), None);
    let bounds = [-2.0, 0.0, 0.5].map(|at| [Unbounded, Included(at), Excluded(at)]);
    for start in bounds.iter().flatten().copied() {
        for end in bounds.iter().flatten().copied() {
            let within = |score: f64| begins(start, score) && ends(end, score);
            let want: Vec<_> = want.iter().filter(|it| within(it.1)).cloned().collect();
            let got = set.range_by_score((start, end));
            assert_eq!((got.len(), set.ranks_by_score((start, end)).len()), (want.len(), want.len()));
            assert!(got.map(|(member, score)| (member.text().to_vec(), score)).eq(want));
        }
    }
    let (mut cursor, mut seen) = (Cursor::START, BTreeMap::new());
    loop {
        cursor = set.scan(cursor, |member, score| {
            seen.insert(member.text().to_vec(), score);
        });
        if cursor.is_start() {
            break;
        }
    }
    assert_eq!(seen, model.scores);
}

fn begins<T: PartialOrd>(start: Bound<T>, at: T) -> bool {
    match start {
        Unbounded => true,
        Included(start) => at >= start,
        Excluded(start) => at > start,
    }
}

fn ends<T: PartialOrd>(end: Bound<T>, at: T) -> bool {
    match end {
        Unbounded => true,
        Included(end) => at <= end,
        Excluded(end) => at < end,
    }
}

/// Returns the encoding that the rules require after a write. A skiplist stays one.
fn expected(before: Encoding, set: &ZSet, grown_by: Option<&[u8]>, limits: &EncodingLimits) -> Encoding {
    let too_large = |member: &[u8]| {
        set.len() > limits.zset_max_listpack_entries || member.len() > limits.zset_max_listpack_value
    };
    match grown_by {
        Some(member) if too_large(member) => Encoding::SkipList,
        _ => before,
    }
}

proptest! {
    #![proptest_config(testing::config(400, 3))]

    #[test]
    fn a_sorted_set_does_what_a_map_does_in_either_encoding(
        ops in prop::collection::vec(op(), 0..if cfg!(miri) { 25 } else { 120 }),
        limits in limits(),
    ) {
        let (mut set, mut model) = (ZSet::new(), Model::default());
        for op in ops {
            let (before, mut grown_by) = (set.encoding(), None);
            match op {
                Op::Add(member, score, options) => {
                    let want = model.add(&member, score, options);
                    assert_eq!(set.try_add(&member[..], score, options, &limits), want);
                    grown_by = matches!(want, Ok(Added::Added(_))).then_some(member);
                }
                Op::Remove(member) => assert_eq!(set.remove(&member[..]), model.scores.remove(&member)),
                Op::RemoveRange(start, len) => {
                    let gone: Vec<_> = model.ordered().into_iter().skip(start).take(len).collect();
                    assert_eq!(set.remove_range(start..start + len), gone.len());
                    gone.iter().for_each(|it| {
 model.scores.remove(&it.0);
 });
                }
                Op::Pop(last) => {
                    let show = |member: values::Element<'_>, score| (member.text().to_vec(), score);
                    let popped = if last { set.pop_last(show) } else { set.pop_first(show) };
                    let want = if last { model.ordered().pop() } else { model.ordered().into_iter().next() };
                    assert_eq!(popped, want);
                    popped.map(|it| model.scores.remove(&it.0));
                }
                Op::ConvertFor(more) => {
                    set.try_convert_for(more, &limits).unwrap();
                    let large = more > limits.zset_max_listpack_entries;
                    assert_eq!(set.encoding(), if large { Encoding::SkipList } else { before });
                    continue;
                }
                Op::Relocate => {
                    let mut cursor = Cursor::START;
                    loop {
                        cursor = set.relocate(cursor, &mut |_, _| true);
                        if cursor.is_start() {
                            break;
                        }
                    }
                }
                Op::Clone => {
                    let copy = set.try_clone().unwrap();
                    assert_eq!(copy, set);
                    set = copy;
                }
                Op::DropInSteps(n) => {
                    let (mut left, mut steps) = (set.try_clone().unwrap().drop_in_steps(n), 1);
                    while let Some(remains) = left {
                        (left, steps) = (remains.drop_in_steps(n), steps + 1);
                    }
                    // Chunks are freed first, about one for ten members, and then leaves.
                    let is_packed = set.encoding() == Encoding::ListPack;
                    assert!(steps == 1 || !is_packed, "{steps} steps of {n} for {} members", set.len());
                    assert!(steps > 1 || is_packed || n > 1 || set.is_empty(), "one step for {} members", set.len());
                }
            }
            assert_eq!(set.len(), model.scores.len());
            assert_eq!(set.encoding(), expected(before, &set, grown_by.as_deref(), &limits));
        }
        compare(&set, &model);
    }

    #[test]
    fn ranges_of_bytes_are_those_of_a_set_in_either_encoding(
        members in prop::collection::btree_set("[a-c0-2]{0,3}", 0..30),
        start in "[a-c0-2]{0,3}",
        end in "[a-c0-2]{0,3}",
        limits in limits(),
    ) {
        let mut set = ZSet::new();
        for member in &members {
            set.insert(member.as_bytes(), 1.5, &limits).unwrap();
        }
        for start in [Unbounded, Included(start.as_bytes()), Excluded(start.as_bytes())] {
            for end in [Unbounded, Included(end.as_bytes()), Excluded(end.as_bytes())] {
                let within = |member: &[u8]| begins(start, member) && ends(end, member);
                let want: Vec<_> = members.iter().filter(|it| within(it.as_bytes())).collect();
                let got = set.range_by_lex((start, end)).map(|it| it.0.text().to_vec());
                assert!(got.eq(want.iter().map(|it| it.as_bytes().to_vec())));
                assert_eq!(set.ranks_by_lex((start, end)).len(), want.len());
            }
        }
    }

    #[test]
    fn set_algebra_is_that_of_maps(
        sources in prop::collection::vec(prop::collection::btree_map(0..12_i64, score(), 0..12), 1..4),
        plain in prop::collection::btree_set(0..12_i64, 0..8),
        weights in prop::collection::vec((-2..3).prop_map(f64::from), 4),
        aggregate in prop::sample::select(vec![Aggregate::Sum, Aggregate::Min, Aggregate::Max]),
        limits in limits(),
        limit in 0..5_usize,
    ) {
        let mut maps: Vec<BTreeMap<i64, f64>> = sources;
        maps.iter_mut().for_each(|map| map.retain(|_, score| !score.is_nan()));
        let sets: Vec<ZSet> = maps.iter().map(|map| {
            let mut set = ZSet::new();
            for (&member, &score) in map {
                set.insert(member, score, &limits).unwrap();
            }
            set
        }).collect();
        let mut set = Set::new();
        for &member in &plain {
            set.insert(member, &limits);
        }
        maps.push(plain.into_iter().map(|member| (member, 1.0)).collect());
        let sources: Vec<Source<'_>> = sets.iter().map(Source::from).chain([Source::from(&set)]).collect();

        let zero = |score: f64| if score.is_nan() { 0.0 } else { score };
        let both = |one: f64, other: f64| match aggregate {
            Aggregate::Sum => zero(one + other),
            Aggregate::Min if other < one => other,
            Aggregate::Max if other > one => other,
            _ => one,
        };
        // Floats are added in this order: the smallest source comes first.
        let mut by_size: Vec<usize> = (0..maps.len()).collect();
        by_size.sort_by_key(|&index| maps[index].len());
        let products = |member: i64| {
            let product = |&index: &usize| Some(maps[index].get(&member)? * weights[index]);
            by_size.iter().filter_map(product).collect::<Vec<_>>()
        };
        let weighted: Vec<_> = sources.iter().copied().zip(weights.iter().copied()).collect();
        let check = |result: &ZSet, want: BTreeMap<i64, f64>| {
            let got: BTreeMap<i64, f64> =
                result.iter().map(|(member, score)| (member.as_i64().unwrap(), score)).collect();
            assert_eq!(got, want);
            let longest = want.keys().map(|member| member.to_string().len()).max().unwrap_or(0);
            let small = want.len() <= limits.zset_max_listpack_entries && longest <= limits.zset_max_listpack_value;
            assert_eq!(result.encoding(), if small { Encoding::ListPack } else { Encoding::SkipList });
        };
        let union = try_union_store(&weighted, aggregate, &limits).unwrap();
        let sum = |member| products(member).into_iter().map(zero).reduce(both);
        check(&union, (0..12).filter_map(|member| Some((member, sum(member)?))).collect());
        let in_all = |member: &i64| maps.iter().all(|map| map.contains_key(member));
        let inter = try_inter_store(&weighted, aggregate, &limits).unwrap();
        // NaN becomes 0 only for the first product.
        let sum = |member| match &products(member)[..] {
            [first, others @ ..] => others.iter().fold(zero(*first), |whole, &score| both(whole, score)),
            [] => unreachable!(),
        };
        check(&inter, (0..12).filter(in_all).map(|member| (member, sum(member))).collect());
        let count = (0..12).filter(in_all).count();
        let limited = if limit == 0 { count } else { count.min(limit) };
        assert_eq!(inter_card(&mut sources.clone(), limit), limited);
        let diff = try_diff_store(&sources, &limits).unwrap();
        let left = |member: &i64| maps[1..].iter().all(|map| !map.contains_key(member));
        check(&diff, maps[0].iter().filter(|it| left(it.0)).map(|(&member, &score)| (member, score)).collect());
    }
}

/// Returns a source of numbers that look random but are the same in every run: SplitMix64.
fn source(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[test]
fn random_members_are_picked_evenly_in_either_encoding() {
    for entries in [0, 128] {
        let limits = EncodingLimits { zset_max_listpack_entries: entries, ..EncodingLimits::DEFAULT };
        let mut set = ZSet::new();
        for n in 0..20 {
            set.insert(n, n as f64, &limits).unwrap();
        }
        let (mut rng, rounds) = (source(3), if cfg!(miri) { 30 } else { 20_000 });
        let even = |counts: [u32; 20], name: &str| {
            // Chi-squared with 19 degrees of freedom exceeds 52 once in ten thousand. The numbers are the
            // same in every run.
            let mean = counts.iter().sum::<u32>() as f64 / 20.0;
            let chi: f64 = counts.iter().map(|&count| (f64::from(count) - mean).powi(2) / mean).sum();
            assert!(chi < 52.0 || cfg!(miri), "{name}: {chi}");
        };
        let mut counts = [0; 20];
        (0..rounds).for_each(|_| counts[set.random(&mut rng).unwrap().1 as usize] += 1);
        even(counts, "one");
        let mut counts = [0; 20];
        set.random_many(rounds, &mut rng, |_, score| counts[score as usize] += 1);
        even(counts, "several");
        for n in [3, 12] {
            let mut counts = [0; 20];
            for _ in 0..rounds / n {
                let mut picked = BTreeSet::new();
                set.try_random_unique(n, &mut rng, |member, score| {
                    assert!(picked.insert(member.as_i64()), "twice");
                    counts[score as usize] += 1;
                })
                .unwrap();
                assert_eq!(picked.len(), n);
            }
            even(counts, "different ones");
        }
        let mut seen = 0;
        set.try_random_unique(100, &mut rng, |_, _| seen += 1).unwrap();
        assert_eq!(seen, 20);
        assert_eq!(ZSet::new().random(&mut rng), None);
        ZSet::new().random_many(5, &mut rng, |_, _| panic!("there is nobody"));
    }
}

#[test]
fn a_walk_from_both_ends_meets_in_the_middle_of_any_range() {
    for entries in [0, 128] {
        let limits = EncodingLimits { zset_max_listpack_entries: entries, ..EncodingLimits::DEFAULT };
        let mut set = ZSet::new();
        for n in 0..9 {
            set.insert(n, n as f64, &limits).unwrap();
        }
        for start in 0..10 {
            for end in start..11 {
                let want: Vec<i64> = (start..end.min(9)).map(|n| n as i64).collect();
                let mut range = set.range(start..end);
                let (mut low, mut high) = (Vec::new(), Vec::new());
                while let Some((member, _)) = range.next() {
                    low.extend(member.as_i64());
                    high.extend(range.next_back().and_then(|it| it.0.as_i64()));
                }
                low.extend(high.into_iter().rev());
                assert_eq!(low, want, "{start}..{end}");
                for n in 0..4 {
                    let nth = set.range(start..end).nth(n).and_then(|it| it.0.as_i64());
                    let back = set.range(start..end).nth_back(n).and_then(|it| it.0.as_i64());
                    assert_eq!(nth, want.get(n).copied());
                    assert_eq!(back, want.iter().rev().nth(n).copied());
                }
            }
        }
    }
}

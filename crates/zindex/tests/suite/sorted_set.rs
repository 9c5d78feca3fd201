//! Tests of a sorted set from outside, with nodes of full size.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Included, Unbounded};

use proptest::prelude::*;
use zindex::{ZIndex, ZTable};

use super::model;

proptest! {
    #![proptest_config(testing::config(50, 1))]

    #[test]
    fn a_sorted_set_does_what_a_map_and_a_set_do(ops in model::ops(if cfg!(miri) { 10 } else { 400 })) {
        model::run(&ops, |_| ());
    }

    #[test]
    fn ranges_of_bytes_are_those_of_a_set(
        members in prop::collection::btree_set(prop::collection::vec(0..4_u8, 0..4), 0..80),
        start in prop::collection::vec(0..5_u8, 0..4),
        end in prop::collection::vec(0..5_u8, 0..4),
    ) {
        let mut index = ZIndex::new();
        for member in &members {
            index.insert(member, 7.0).unwrap();
        }
        let bounds = |at: &[u8]| [Unbounded, Included(at.to_vec()), Excluded(at.to_vec())];
        for start in bounds(&start) {
            for end in bounds(&end) {
                let within = |member: &&Vec<u8>| {
                    model::starts(start.as_ref(), *member) && model::ends(end.as_ref(), *member)
                };
                let want: Vec<&[u8]> = members.iter().filter(within).map(|it| &it[..]).collect();
                let range = (start.as_ref().map(|it| &it[..]), end.as_ref().map(|it| &it[..]));
                let got: Vec<&[u8]> = index.range_by_lex(range).map(|it| it.0).collect();
                assert_eq!(got, want);
                assert_eq!(index.ranks_by_lex(range).len(), want.len());
            }
        }
    }
}

#[test]
fn the_classic_skiplist_and_the_tree_answer_alike() {
    let (mut tree, mut classic, mut rng) = (ZIndex::new(), zindex::classic::ZIndex::new(), numbers(9));
    for _ in 0..if cfg!(miri) { 60 } else { 20_000 } {
        let (draw, score) = (rng(), f64::from(rng() as u32 % 50));
        let member = (draw % 300).to_string();
        match draw >> 62 {
            0 => assert_eq!(tree.remove(member.as_bytes(), score), classic.remove(member.as_bytes(), score)),
            1 => assert_eq!(tree.rank(member.as_bytes(), score), classic.rank(member.as_bytes(), score)),
            _ => assert_eq!(
                tree.insert(member.as_bytes(), score),
                classic.insert(member.as_bytes(), score, &mut rng)
            ),
        }
        assert_eq!(tree.len(), classic.len());
        let rank = (draw >> 40) as usize;
        assert_eq!(tree.by_rank(rank % 3_000), classic.by_rank(rank % 3_000));
        assert_eq!(tree.ranks_by_score(..score).end, classic.count_below(score, false));
        assert_eq!(tree.ranks_by_score(..=score).end, classic.count_below(score, true));
    }
    assert!(tree.iter().eq(classic.iter()));
    assert!(tree.iter().rev().eq(classic.iter_rev()));
    while let Some((member, score)) = classic.by_rank(0).map(|(member, score)| (member.to_vec(), score)) {
        assert!(classic.remove(&member, score));
    }
    assert!(classic.is_empty() && classic.iter_rev().next().is_none());
}

/// Returns a source of numbers that look random but are the same in every run.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 31
    }
}

#[test]
fn large_sets_keep_their_order_however_they_were_filled() {
    let (n, step, skipped) = if cfg!(miri) { (66, 21, 3) } else { (40_000_u64, 37, 0) };
    let mut random = numbers(1);
    let fills: [Box<dyn FnMut(u64) -> f64>; 5] = [
        Box::new(|i| i as f64),
        Box::new(|i| -(i as f64)),
        Box::new(|i| 1.7e12 + i as f64),
        Box::new(|_| 1.0),
        Box::new(move |_| random() as f64),
    ];
    for mut fill in fills.into_iter().skip(skipped) {
        let (mut table, mut want) = (ZTable::new(), BTreeSet::new());
        for i in 0..n {
            let (score, member) = (fill(i), format!("member:{:07}", i * 7919 % n));
            table.insert(member.as_bytes(), score).unwrap();
            want.insert((model::Score(score), member));
        }
        assert!(table.iter().eq(want.iter().map(|(score, member)| (member.as_bytes(), score.0))));
        for (rank, (score, member)) in want.iter().enumerate().step_by(step) {
            assert_eq!(table.rank_of(member.as_bytes()), Some(rank));
            assert_eq!(table.ranks_by_score(..score.0).end, want.range(..(*score, String::new())).count());
        }
        for (rank, (_, member)) in want.iter().enumerate() {
            if rank % 10 != 0 {
                assert!(table.remove(member.as_bytes()).is_some());
            }
        }
        let left = want.iter().step_by(10);
        assert!(table.iter().eq(left.map(|(score, member)| (member.as_bytes(), score.0))));
    }
}

#[test]
fn every_member_is_picked_about_equally_often() {
    let mut index = ZIndex::new();
    for n in 0..10 {
        index.insert(b"m", f64::from(n)).unwrap();
    }
    let (mut counts, mut rng, draws) = ([0_u32; 10], numbers(5), if cfg!(miri) { 500 } else { 100_000 });
    for _ in 0..draws {
        counts[index.random(&mut rng).unwrap().1 as usize] += 1;
    }
    // Chi-squared with 9 degrees of freedom exceeds 33.7 once in ten thousand. The numbers are the same in
    // every run.
    let mean = f64::from(draws) / 10.0;
    let chi: f64 = counts.iter().map(|&count| (f64::from(count) - mean).powi(2) / mean).sum();
    assert!(chi < 33.7, "{chi}");
    assert_eq!(ZIndex::new().random(rng), None);
}

#[test]
fn sets_go_to_other_threads() {
    fn sendable<T: Send + Sync>() {}
    sendable::<(ZIndex, ZTable, zindex::Iter<'_>, zindex::Member, zindex::Remains)>();
    let mut table = ZTable::new();
    table.insert(b"a", 1.0).unwrap();
    assert_eq!(std::thread::spawn(move || table.get(b"a")).join().unwrap(), Some(1.0));
}

//! Exhaustive tests of small cases.

use super::{each_permutation, name};
use crate::block::{Block, BlockPtr};
use crate::node::LEAF;
use crate::order::Order;
use crate::{ZIndex, ZTable};

/// Functions that return the score of member n. The scores are all different, all equal, equal in groups of two
/// and three, or large with small differences.
const SCORES: [fn(usize) -> f64; 4] = [
    |n| n as f64,
    |_| 0.0,
    |n| if n == 0 { -0.0 } else { [0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0][n % 8] + (n / 8 * 3) as f64 },
    |n| 1.7e12 + n as f64 / 3.0,
];

fn order_of(numbers: &[usize], score: impl Fn(usize) -> f64) -> Order {
    let mut order = Order::new();
    for &number in numbers {
        let block = Block::try_new(&name(number), score(number)).unwrap();
        order.try_insert(block, || Ok(())).map_err(|it| it.0).unwrap();
    }
    order
}

fn numbers_of(order: &Order) -> Vec<usize> {
    order.iter().map(|(member, _)| usize::from(u16::from_be_bytes(member.try_into().unwrap()))).collect()
}

#[test]
fn every_order_of_inserting_ends_in_the_same_order() {
    let n = if cfg!(miri) { 3 } else { 8 };
    for score in SCORES {
        each_permutation(n, |numbers| {
            let order = order_of(numbers, score);
            order.check();
            assert!(numbers_of(&order).into_iter().eq(0..n));
        });
    }
}

#[test]
fn every_order_of_removing_leaves_what_was_not_removed() {
    let (n, inserts) = if cfg!(miri) { (3, 5040) } else { (7, 7) };
    for score in SCORES.into_iter().take(if cfg!(miri) { 1 } else { 4 }) {
        let mut seen = 0;
        each_permutation(n, |inserted| {
            seen += 1;
            if inserts < 5040 && seen % (5040 / inserts) != 1 {
                return; // the test takes only some orders of inserting, but every order of removing
            }
            each_permutation(n, |removed| {
                let mut order = order_of(inserted, score);
                for done in 0..n {
                    let number = removed[done];
                    let block = order.find(&name(number), score(number)).unwrap();
                    assert_eq!(order.remove(block).unwrap().member(), name(number));
                    order.check();
                    let mut left = removed[done + 1..].to_vec();
                    left.sort_unstable();
                    assert_eq!(numbers_of(&order), left);
                }
                assert_eq!(order.allocation_size(), 0);
            });
        });
    }
}

#[test]
fn any_number_of_the_highest_entries_can_be_dropped() {
    let lens: Vec<usize> = if cfg!(miri) { vec![5, 22] } else { (0..=70).collect() };
    for (len, score) in lens.into_iter().zip(SCORES.into_iter().cycle()) {
        let numbers: Vec<usize> = (0..len).collect();
        for keep in (0..=len + 1).step_by(if cfg!(miri) { 7 } else { 1 }) {
            let mut order = order_of(&numbers, score);
            order.truncate(keep);
            order.check();
            assert_eq!(numbers_of(&order), numbers[..keep.min(len)]);
        }
    }
}

/// Truncation can leave a node at the end of the tree with fewer entries than removals leave in any node.
#[test]
fn a_tree_without_its_highest_entries_serves_on() {
    let (most, step) = if cfg!(miri) { (18, 8) } else { (26, 1) };
    for score in SCORES.into_iter().take(if cfg!(miri) { 1 } else { 4 }) {
        for (len, keep) in
            (1..=most).step_by(step).flat_map(|len| (1..len).step_by(step).map(move |keep| (len, keep)))
        {
            let truncated = || {
                let mut order = order_of(&(0..len).collect::<Vec<_>>(), score);
                order.truncate(keep);
                order
            };
            let without = |gone: usize| (0..keep).filter(move |&number| number != gone);
            let mut order = truncated();
            (0..keep).for_each(|rank| order.fill_leaf(rank));
            order.check();
            assert!(numbers_of(&order).into_iter().eq(0..keep));
            for (new, place) in [(f64::NEG_INFINITY, 0), (f64::INFINITY, keep)] {
                let mut order = truncated();
                let block = Block::try_new(&name(len), new).unwrap();
                order.try_insert(block, || Ok(())).map_err(|it| it.0).unwrap();
                order.check();
                assert_eq!((order.len(), numbers_of(&order)[place]), (keep + 1, len));
            }
            for number in (0..keep).step_by(step) {
                let mut order = truncated();
                let block = order.find(&name(number), score(number)).unwrap();
                assert_eq!(order.remove(block).unwrap().member(), name(number));
                order.check();
                assert!(numbers_of(&order).into_iter().eq(without(number)));
                for (end, place) in [(f64::NEG_INFINITY, 0), (f64::INFINITY, keep - 1)] {
                    let mut order = truncated();
                    let block = order.find(&name(number), score(number)).unwrap();
                    order.try_update_score(block, end).unwrap();
                    order.check();
                    let mut numbers = numbers_of(&order);
                    assert_eq!(numbers.remove(place), number);
                    assert!(numbers.into_iter().eq(without(number)));
                }
            }
        }
    }
}

#[test]
fn what_remains_of_a_set_is_an_order_until_nothing_is_left() {
    for n in [0, 1, 3, 10, usize::MAX] {
        let mut table = ZTable::new();
        for number in 0..if cfg!(miri) { 20 } else { 300 } {
            table.insert(&name(number), number as f64).unwrap();
        }
        // The table is at least a third full, and a chunk holds up to 15 pointers, so there are at most
        // `len / 4` chunks. A step drops whole leaves, which have at least two entries here. So it frees at
        // least `n / 2` chunks and members.
        let (most, mut steps) = ((table.len() + table.len() / 4) / (n / 2).max(1) + 2, 1);
        let mut left = table.drop_in_steps(n);
        while let Some(remains) = left {
            let len = remains.order().len();
            remains.order().check();
            (left, steps) = (remains.drop_in_steps(n), steps + 1);
            let gone = len - left.as_ref().map_or(0, |remains| remains.order().len());
            assert!(gone <= n.max(LEAF), "{gone} of {len} in a step of {n}");
        }
        assert!(steps <= most && (steps > 1 || n > most), "{steps} steps of {n}");
    }
    assert!(ZTable::new().drop_in_steps(1).is_none());
}

/// Returns four orders of inserting the numbers below `n`. They lead to trees of different shapes.
fn builds(n: usize) -> [Vec<usize>; 4] {
    let up: Vec<usize> = (0..n).collect();
    let down = up.iter().rev().copied().collect();
    let mixed = up.iter().map(|i| i * 7919 % n).collect::<Vec<_>>();
    let inwards = (0..n).map(|i| if i % 2 == 0 { i / 2 } else { n - 1 - i / 2 }).collect();
    [up, down, mixed, inwards]
}

#[test]
fn any_entry_of_a_deep_tree_is_found_and_removed() {
    let most = if cfg!(miri) { 14 } else { 66 };
    let mut depth = 0;
    for score in SCORES.into_iter().skip(if cfg!(miri) { 2 } else { 0 }).take(if cfg!(miri) { 1 } else { 4 })
    {
        for n in (1..=most).step_by(if cfg!(miri) { 12 } else { 1 }) {
            for build in builds(n) {
                for number in (0..n).step_by(if cfg!(miri) { 6 } else { 1 }) {
                    let mut order = order_of(&build, score);
                    depth = depth.max(order.depth());
                    let rank = order.rank(&name(number), score(number));
                    assert_eq!(rank, Some(number));
                    assert_eq!(order.by_rank(number).unwrap().0, name(number));
                    let block = order.find(&name(number), score(number)).unwrap();
                    assert_eq!(order.rank_of_block(block), rank);
                    order.remove(block).unwrap();
                    order.check();
                    assert!(numbers_of(&order).into_iter().eq((0..n).filter(|&other| other != number)));
                }
            }
        }
    }
    assert!(depth >= if cfg!(miri) { 1 } else { 4 }, "{depth} levels");
}

#[test]
fn any_entry_moves_to_any_place() {
    let sizes: &[usize] = if cfg!(miri) { &[3] } else { &[1, 2, 5, 13, 30, 44] };
    for &n in sizes {
        for build in builds(n) {
            for from in 0..n {
                for to in (0..=2 * n).step_by(if cfg!(miri) { 2 } else { 1 }) {
                    // An even `to` makes a score halfway between two members' scores. An odd one makes a
                    // score that a member has.
                    let mut order = order_of(&build, |n| n as f64);
                    let block: BlockPtr = order.find(&name(from), from as f64).unwrap();
                    let new = to as f64 / 2.0 - 0.5;
                    order.try_update_score(block, new).unwrap();
                    order.check();
                    let mut want: Vec<(f64, usize)> = (0..n).map(|n| (n as f64, n)).collect();
                    want[from].0 = new;
                    want.sort_by(|a, b| a.partial_cmp(b).unwrap());
                    assert_eq!(numbers_of(&order), want.iter().map(|it| it.1).collect::<Vec<_>>());
                }
            }
        }
    }
}

#[test]
fn every_range_of_every_size_is_walked_from_both_ends() {
    for n in [0, 1, 4, 5, 13, 30].into_iter().take(if cfg!(miri) { 3 } else { 6 }) {
        let order = order_of(&builds(n.max(1))[3][..n], |n| n as f64);
        for start in 0..=n + 1 {
            for end in 0..=n + 1 {
                let want: Vec<usize> = (start.min(n)..end.min(n)).collect();
                let got = |iter: crate::Iter<'_>| iter.map(|it| it.1 as usize).collect::<Vec<_>>();
                let range = order.range(start..end);
                assert_eq!((range.len(), got(range.clone())), (want.len(), want.clone()));
                assert!(range.clone().rev().map(|it| it.1 as usize).eq(want.iter().rev().copied()));
                // First, one iterator is used from both ends alternately. Then `nth` and `nth_back` are used.
                let mut both = range.clone();
                let (mut low, mut high) = (vec![], vec![]);
                while let Some((_, score)) = both.next() {
                    low.push(score as usize);
                    high.extend(both.next_back().map(|it| it.1 as usize));
                }
                low.extend(high.into_iter().rev());
                assert_eq!(low, want);
                for jump in 0..4 {
                    let mut iter = range.clone();
                    assert_eq!(iter.nth(jump).map(|it| it.1 as usize), want.get(jump).copied());
                    assert_eq!(got(iter), want.get(jump + 1..).unwrap_or_default());
                    let mut iter = range.clone();
                    let back = want.len().checked_sub(jump + 1);
                    assert_eq!(iter.nth_back(jump).map(|it| it.1 as usize), back.map(|at| want[at]));
                    assert_eq!(got(iter), want[..back.unwrap_or(0)]);
                }
            }
        }
    }
}

#[test]
fn scores_that_ascend_or_descend_leave_full_nodes_behind() {
    let n = if cfg!(miri) { 64 } else { 256 };
    for build in builds(n).into_iter().take(2) {
        let order = order_of(&build, |n| n as f64);
        order.check();
        assert_eq!(4_usize.pow(order.depth() as u32 + 1), n, "levels of four, leaves among them, are full");
    }
}

#[test]
fn an_emptied_index_owns_nothing_and_serves_on() {
    let (mut index, mut table) = (ZIndex::new(), ZTable::new());
    for _ in 0..2 {
        for number in 0..20 {
            assert_eq!(index.insert(&name(number), 1.0), Ok(true));
            assert_eq!(index.insert(&name(number), 1.0), Ok(false));
            assert_eq!(table.insert(&name(number), 1.0), Ok(None));
        }
        table.check();
        assert!(index.allocation_size() > 0 && table.allocation_size() > 0);
        let popped: Vec<_> = std::iter::from_fn(|| index.pop_first()).map(|it| it.to_vec()).collect();
        assert!(popped.is_sorted() && popped.len() == 20);
        assert_eq!(table.remove_range(..), 20);
        assert_eq!((index.allocation_size(), table.allocation_size()), (0, 0));
        assert_eq!((index.first(), table.last()), (None, None));
    }
}

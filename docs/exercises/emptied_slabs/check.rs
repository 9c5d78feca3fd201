//! Checks which slabs are emptied.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Plan, plan};

/// No limit of the moves.
const ANY: u64 = u64::MAX;

/// Returns a plan.
fn emptied<const N: usize>(slabs: [usize; N], moves: u64) -> Plan {
    Plan { slabs: slabs.into(), moves }
}

/// Returns the moves of a plan. Returns `None` if the plan is not possible.
fn moves_of(is_emptied: impl Fn(usize) -> bool, in_use: &[u32], blocks: u32) -> Option<u64> {
    let (mut moves, mut gaps) = (0, 0);
    for (n, &live) in in_use.iter().enumerate() {
        match (live, is_emptied(n)) {
            (0, true) => return None,
            (0, false) => {}
            (_, true) => moves += u64::from(live),
            (_, false) => gaps += u64::from(blocks - live),
        }
    }
    (moves <= gaps).then_some(moves)
}

#[test]
fn the_emptiest_slabs_are_emptied() {
    assert_eq!(plan(&[26, 2, 12, 32], 32, ANY), emptied([1], 2));
    assert_eq!(plan(&[26, 2, 12, 20], 32, ANY), emptied([1, 2], 14));
    assert_eq!(plan(&[16, 16, 16, 16], 64, ANY), emptied([1, 2, 3], 48));
}

#[test]
fn full_slabs_and_a_slab_alone_stay() {
    for in_use in [&[32, 32, 32][..], &[32, 5], &[5], &[0, 5, 0, 32], &[0], &[]] {
        assert_eq!(plan(in_use, 32, ANY), emptied([], 0), "{in_use:?}");
    }
    assert_eq!(plan(&[1, 1, 1], 1, ANY), emptied([], 0), "slabs of one block have no gaps");
}

#[test]
fn the_moves_are_limited() {
    let with = |moves_max| plan(&[5, 40, 3, 60, 4], 64, moves_max);
    let expected = [emptied([], 0), emptied([], 0), emptied([2], 3), emptied([2], 3), emptied([2, 4], 7)];
    assert_eq!([0, 2, 3, 6, 7].map(with), expected);
    assert_eq!([11, 12, ANY].map(with), [emptied([2, 4], 7), emptied([0, 2, 4], 12), emptied([0, 2, 4], 12)]);
}

#[test]
fn a_slab_without_blocks_takes_none_and_is_not_emptied() {
    assert_eq!(plan(&[0, 3, 0, 2, 0], 4, ANY), emptied([], 0));
    assert_eq!(plan(&[0, 2, 0, 2, 0], 4, ANY), emptied([3], 2));
}

#[test]
fn the_earlier_one_of_two_equal_slabs_is_kept() {
    assert_eq!(plan(&[3, 3, 3, 3], 6, ANY), emptied([2, 3], 6));
    assert_eq!(plan(&[1, 5, 1, 5, 1], 6, 2), emptied([2, 4], 2));
}

#[test]
fn the_numbers_may_be_large() {
    let half = u32::MAX / 2;
    let expected = emptied([2, 3], 2 * u64::from(half));
    assert_eq!(plan(&[half, half, half, half], u32::MAX, ANY), expected);
    assert_eq!(plan(&[u32::MAX - 1, u32::MAX, 1], u32::MAX, ANY), emptied([2], 1));
}

#[test]
fn large_numbers_are_exact() {
    // An `f32` has the same value for numbers of this size that differ by 1.
    const LARGE: u32 = 3 << 30;
    const GAPS: u32 = u32::MAX - LARGE;
    let moves = u64::from(LARGE);
    let in_use = [LARGE + 1, LARGE, LARGE + 1, LARGE + 1, LARGE + 1];
    assert_eq!(plan(&in_use, u32::MAX, ANY), emptied([1], moves));
    assert_eq!(plan(&in_use, u32::MAX, moves), emptied([1], moves));
    assert_eq!(plan(&in_use, u32::MAX, moves - 1), emptied([], 0));
    // The blocks of the second slab fit exactly, and then there is one gap too few.
    assert_eq!(plan(&[LARGE, GAPS], u32::MAX, ANY), emptied([1], u64::from(GAPS)));
    assert_eq!(plan(&[LARGE + 1, GAPS], u32::MAX, ANY), emptied([], 0));
}

#[test]
fn there_is_no_better_plan() {
    const SLABS: usize = 5;
    for blocks in 1..=4 {
        let values = blocks as usize + 1;
        for case in 0..values.pow(SLABS as u32) {
            let in_use: Vec<u32> =
                (0..SLABS as u32).map(|n| (case / values.pow(n) % values) as u32).collect();
            // All plans that are possible: the slabs they empty, and their moves.
            let plans: Vec<(u32, u64)> = (0_u32..1 << SLABS)
                .filter_map(|set| {
                    let moves = moves_of(|n| set >> n & 1 == 1, &in_use, blocks)?;
                    Some((set.count_ones(), moves))
                })
                .collect();
            for moves_max in [0, 1, 2, 3, 5, ANY] {
                let ours = plan(&in_use, blocks, moves_max);
                let at = format_args!("{in_use:?} of {blocks}, {moves_max} moves");
                let moves = moves_of(|n| ours.slabs.contains(&n), &in_use, blocks);
                assert_eq!(moves, Some(ours.moves), "{at}: {ours:?} is not possible");
                assert!(ours.slabs.is_sorted(), "{at}: {ours:?}");
                let allowed = plans.iter().filter(|(_, moves)| *moves <= moves_max);
                let best = allowed.max_by_key(|(slabs, moves)| (*slabs, std::cmp::Reverse(*moves)));
                assert_eq!(Some(&(ours.slabs.len() as u32, ours.moves)), best, "{at}");
            }
        }
    }
}

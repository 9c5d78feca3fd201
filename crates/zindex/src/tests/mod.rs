//! Unit tests. Their nodes have room for four, so a few dozen entries make a tree of four levels.

mod exhaustive;
mod faults;
mod leaf;
#[path = "../../tests/suite/model.rs"]
mod model;

use crate::ZTable;
use proptest::prelude::*;

/// Returns a member whose bytes have the order of its number.
fn name(number: usize) -> [u8; 2] {
    (number as u16).to_be_bytes()
}

/// Calls `each` with every permutation of the numbers below `n`.
fn each_permutation(n: usize, mut each: impl FnMut(&[usize])) {
    fn go(done: usize, numbers: &mut [usize], each: &mut impl FnMut(&[usize])) {
        if done == numbers.len() {
            return each(numbers);
        }
        for next in done..numbers.len() {
            numbers.swap(done, next);
            go(done + 1, numbers, each);
            numbers.swap(done, next);
        }
    }
    go(0, &mut (0..n).collect::<Vec<_>>(), &mut each);
}

proptest! {
    #![proptest_config(testing::config(24, 1))]

    #[test]
    fn a_deep_tree_does_what_a_map_and_a_set_do(ops in model::ops(if cfg!(miri) { 10 } else { 400 })) {
        model::run(&ops, ZTable::check);
    }
}

//! Unit tests, on trees with nodes of four: a few dozen entries are four levels deep.

mod exhaustive;
mod faults;
mod leaf;
#[path = "../../tests/suite/model.rs"]
mod model;

use crate::ZTable;
use proptest::prelude::*;

/// A member whose bytes order as its number does.
fn name(number: usize) -> [u8; 2] {
    (number as u16).to_be_bytes()
}

/// Every order of the numbers below `n`, one after the other.
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

//! Random entries: every entry can be picked, and each has the right chance.

use listpack::{ListPack, Value};
use rand::{Rng, SeedableRng, rngs::StdRng};

fn numbers(n: i64) -> ListPack {
    let mut list = ListPack::new();
    list.extend(0..n);
    list
}

fn int(value: Value<'_>) -> usize {
    match value {
        Value::Int(value) => value as usize,
        other => panic!("{other:?}"),
    }
}

/// Asserts that `counts` could come from a fair die with as many faces.
///
/// Chi-squared has the mean `f`, which is the degrees of freedom, and the standard deviation `sqrt(2 f)`. A
/// difference of six deviations has a probability of about 10^-9.
fn assert_even(counts: &[usize]) {
    let (total, outcomes) = (counts.iter().sum::<usize>() as f64, counts.len() as f64);
    let expected = total / outcomes;
    let chi_squared: f64 = counts.iter().map(|&n| (n as f64 - expected).powi(2) / expected).sum();
    let freedom = outcomes - 1.0;
    assert!((chi_squared - freedom).abs() < 6.0 * (2.0 * freedom).sqrt() + 6.0, "{chi_squared} of {freedom}");
}

const ROUNDS: usize = 20_000;

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn every_entry_and_every_pair_has_the_same_chance() {
    let mut rng = StdRng::seed_from_u64(1);
    for n in [1, 2, 63, 64, 65, 130, 1000] {
        let list = numbers(n);
        let len = n as usize;
        let mut counts = vec![0; len];
        (0..ROUNDS)
            .for_each(|_| counts[int(list.get(list.random(|| rng.next_u64()).unwrap()).unwrap())] += 1);
        assert_even(&counts);
        let mut counts = vec![0; len];
        list.random_many(ROUNDS, || rng.next_u64()).for_each(|value| counts[int(value)] += 1);
        assert_eq!(counts.iter().sum::<usize>(), ROUNDS);
        assert_even(&counts);
        let mut pairs = vec![0; len / 2];
        for (field, value) in list.random_pairs(ROUNDS, || rng.next_u64()) {
            assert_eq!(int(field) + 1, int(value));
            pairs[int(field) / 2] += 1;
        }
        for (field, value) in (0..ROUNDS).map_while(|_| list.random_pair(|| rng.next_u64())) {
            assert_eq!(int(field) + 1, int(value));
            pairs[int(field) / 2] += 1;
        }
        if len > 1 {
            assert_eq!(pairs.iter().sum::<usize>(), 2 * ROUNDS);
            assert_even(&pairs);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "statistics")]
fn every_choice_without_repetition_has_the_same_chance() {
    let mut rng = StdRng::seed_from_u64(2);
    let list = numbers(5);
    let (mut choices, mut pairs) = ([0; 32], [0; 2]);
    for _ in 0..ROUNDS {
        let choice = list.random_unique(2, || rng.next_u64()).map(|(offset, value)| {
            assert_eq!(list.get(offset), Some(value));
            1 << int(value)
        });
        choices[choice.sum::<usize>()] += 1;
        list.random_pairs_unique(1, || rng.next_u64()).for_each(|(field, _)| pairs[int(field) / 2] += 1);
    }
    let possible: Vec<usize> =
        (0..32usize).filter(|set| set.count_ones() == 2).map(|set| choices[set]).collect();
    assert_eq!((possible.len(), possible.iter().sum::<usize>()), (10, ROUNDS));
    assert_even(&possible);
    assert_even(&pairs);
}

#[test]
fn more_than_there_are_without_repetition_are_all_and_with_an_odd_one_left_over_all_pairs() {
    let list = numbers(5);
    let all: Vec<usize> = list.random_unique(9, || 0).map(|(_, value)| int(value)).collect();
    assert_eq!(all, [0, 1, 2, 3, 4]);
    assert_eq!(list.random_unique(9, || u64::MAX).count(), 5);
    let pairs: Vec<_> = list.random_pairs_unique(9, || u64::MAX).map(|(a, b)| (int(a), int(b))).collect();
    assert_eq!(pairs, [(0, 1), (2, 3)]);
    let empty = ListPack::new();
    assert_eq!(empty.random(|| 1), None);
    assert_eq!((empty.random_pair(|| 1), numbers(1).random_pair(|| u64::MAX)), (None, None));
    assert_eq!(empty.random_many(3, || 1).count() + empty.random_unique(3, || 1).count(), 0);
    assert_eq!(numbers(1).random_pairs(3, || 1).count() + numbers(1).random_pairs_unique(3, || 1).count(), 0);
}

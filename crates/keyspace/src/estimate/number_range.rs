//! [`NumberRange`]: a range of numbers, each of which occurs equally often. It is split into runs of numbers
//! that are stored in the same form.

use core::ops::RangeInclusive;

/// All numbers from `from` to `to`. The type is wide enough for lengths and for 64-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberRange {
    pub(super) from: i128,
    pub(super) to: i128,
}

/// A range of numbers that are stored in the same form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run<F> {
    /// The form.
    pub(super) form: F,
    pub(super) numbers: NumberRange,
    /// How many keys have one of these numbers.
    pub(super) keys: u64,
}

impl<T: Copy + Into<i128>> From<&RangeInclusive<T>> for NumberRange {
    /// The ends of the range can be in either order.
    fn from(range: &RangeInclusive<T>) -> Self {
        let (start, end): (i128, i128) = ((*range.start()).into(), (*range.end()).into());
        Self { from: start.min(end), to: start.max(end) }
    }
}

impl NumberRange {
    /// Returns how many numbers there are, which is at most 2^64.
    fn len(self) -> u128 {
        (self.to - self.from) as u128 + 1
    }

    /// Returns the runs of numbers with the same form, in ascending order, and the number of `keys` that each
    /// run has. Omits runs without keys. Numbers of the same form must be contiguous. O(runs).
    pub(super) fn runs<F: PartialEq>(self, keys: u64, form: impl Fn(i128) -> F) -> Vec<Run<F>> {
        // The shares are rounded to the nearest number, and add up to `keys`. The product of two 64-bit
        // numbers fits.
        let half = self.len() / 2;
        let keys_before =
            |offset: u128| ((u128::from(keys) * offset).saturating_add(half) / self.len()) as u64;
        let mut runs = Vec::new();
        let mut start = self.from;
        while start <= self.to {
            let this = form(start);
            let (mut last, mut beyond) = (start, self.to + 1);
            while beyond - last > 1 {
                let middle = last + (beyond - last) / 2;
                if form(middle) == this { last = middle } else { beyond = middle }
            }
            let before = [start, beyond].map(|number| keys_before((number - self.from) as u128));
            let numbers = Self { from: start, to: last };
            if before[0] < before[1] {
                runs.push(Run { form: this, numbers, keys: before[1] - before[0] });
            }
            start = beyond;
        }
        runs
    }

    /// Returns both ends of a spread of lengths.
    pub(super) fn lens(self) -> RangeInclusive<u64> {
        let [from, to] = [self.from, self.to].map(|len| u64::try_from(len.max(0)).unwrap_or(u64::MAX));
        from..=to
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    fn runs(
        range: RangeInclusive<i64>,
        keys: u64,
        form: impl Fn(i128) -> u32,
    ) -> Vec<(u32, i128, i128, u64)> {
        let runs = NumberRange::from(&range).runs(keys, form);
        runs.into_iter().map(|run| (run.form, run.numbers.from, run.numbers.to, run.keys)).collect()
    }

    #[test]
    fn numbers_are_cut_where_their_form_changes() {
        let form = |number| {
            if number < 0 {
                0
            } else if number < 10 {
                1
            } else {
                2
            }
        };
        assert_eq!(runs(-10..=19, 30, form), [(0, -10, -1, 10), (1, 0, 9, 10), (2, 10, 19, 10)]);
        assert_eq!(runs(5..=5, 7, form), [(1, 5, 5, 7)]);
        assert_eq!(runs(9..=10, 7, form), [(1, 9, 9, 4), (2, 10, 10, 3)]);
        assert_eq!(
            runs(i64::MIN..=i64::MAX, u64::MAX, |_| 0),
            [(0, i64::MIN.into(), i64::MAX.into(), u64::MAX)]
        );
    }

    #[test]
    fn shares_sum_to_all_keys() {
        for keys in [0, 1, 2, 99, 1_000_003, u64::MAX] {
            for range in [0..=6, -3..=1_000, i64::MIN..=i64::MAX] {
                let shares = runs(range.clone(), keys, |number| (number >> 61) as u32);
                let sum: u128 = shares.iter().map(|share| u128::from(share.3)).sum();
                assert_eq!(sum, keys.into(), "{range:?}");
            }
        }
    }

    #[test]
    fn the_ends_of_a_range_may_be_exchanged() {
        assert_eq!(NumberRange::from(&RangeInclusive::new(9_u64, 3)).lens(), 3..=9);
    }
}

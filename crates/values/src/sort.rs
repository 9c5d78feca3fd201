//! Sorting the elements of a list, set or sorted set: `SORT`, without external keys (`BY`, `GET`).
//!
//! ```text
//!  elements -> [ key, element ] -> select the part of LIMIT -> sort that part
//!                key: a double, or the text
//! ```
//!
//! Elements with equal numbers (`1` and `1.0`) are ordered by their bytes. So the result does not depend on
//! the order of the input, which has no meaning for a set. Elements with equal bytes cannot be told apart,
//! so a stable sort would not be better. The sort is therefore one in place, which allocates nothing.
//!
//! Learned from: Redis' `sort.c` (`sortCommandGeneric`, `sortCompare`).

use crate::element::{Element, StrView};
use crate::error::{Error, SortError};
use allocator_api2::vec::Vec;
use core::cmp::Ordering;
use zmalloc::{ReserveError, Zmalloc};

/// The options of `SORT`. The default sorts all elements as numbers, the smallest first.
///
/// ```
/// use values::SortOptions;
/// let options = SortOptions { desc: true, ..SortOptions::default() };
/// # assert!(!options.alpha);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortOptions {
    /// Compare bytes instead of numbers. Redis compares by the locale unless it stores the result; this
    /// crate never does. In C: `ALPHA`.
    pub alpha: bool,
    /// Sort the largest first. Equal numbers are ordered by their text, the largest first too. In C: `DESC`.
    pub desc: bool,
    /// The number of sorted elements to skip. A negative number counts as 0. In C: the first number of
    /// `LIMIT`.
    pub offset: i64,
    /// The largest number of elements to return. A negative number means all. In C: the second number of
    /// `LIMIT`.
    pub count: i64,
}

impl Default for SortOptions {
    fn default() -> Self {
        Self { alpha: false, desc: false, offset: 0, count: -1 }
    }
}

/// Returns the elements in order, or the part of them that the options select. In C: `SORT`.
///
/// It takes O(n + m log m) comparisons for n elements if it returns m of them.
///
/// An element counts as the `f64` of its text. As in Redis, leading blanks are skipped, and an empty string
/// is 0. Hexadecimal digits, NaN and numbers too large for an `f64` are errors.
///
/// # Errors
/// [`NotADouble`](SortError::NotADouble), unless [`alpha`](SortOptions::alpha) is set.
///
/// ```
/// use values::{Element, SortError, SortOptions, sort};
/// let elements = [Element::Int(10), Element::Bytes(b"9.5"), Element::Int(-1)];
/// let sorted = sort(elements, &SortOptions::default())?;
/// assert_eq!(sorted[..], [Element::Int(-1), Element::Bytes(b"9.5"), Element::Int(10)]);
/// let sorted = sort(elements, &SortOptions { alpha: true, offset: 1, count: 1, ..SortOptions::default() })?;
/// assert_eq!(sorted[..], [Element::Int(10)]);
/// assert_eq!(sort([Element::Bytes(b"one")], &SortOptions::default()), Err(SortError::NotADouble { index: 0 }));
/// # Ok::<(), SortError>(())
/// ```
pub fn sort<'a>(
    elements: impl IntoIterator<Item = Element<'a>>,
    options: &SortOptions,
) -> Result<Vec<Element<'a>, Zmalloc>, SortError> {
    Error::or_oom(try_sort(elements, options))
}

/// Does the same as [`sort`], but returns an error if an allocation fails.
///
/// # Errors
/// As for [`sort`], and [`Reserve`](SortError::Reserve) if there is no memory.
pub fn try_sort<'a>(
    elements: impl IntoIterator<Item = Element<'a>>,
    options: &SortOptions,
) -> Result<Vec<Element<'a>, Zmalloc>, SortError> {
    let elements = elements.into_iter();
    if options.alpha {
        // The text of an integer is made once, not for each comparison.
        let keyed = collect(elements, |_, element| Ok((element.text(), element)))?;
        select(keyed, options, |(a, _): &(StrView<'_>, _), (b, _)| (**a).cmp(b))
    } else {
        let keyed = collect(elements, |index, element| {
            let number = number(element).ok_or(SortError::NotADouble { index })?;
            Ok((number, element))
        })?;
        // No key is NaN.
        select(keyed, options, |(a, first), (b, second)| {
            a.partial_cmp(b).unwrap_or(Ordering::Equal).then_with(|| first.cmp(second))
        })
    }
}

/// Returns the number that an element counts as.
fn number(element: Element<'_>) -> Option<f64> {
    match element {
        Element::Int(value) => Some(value as f64),
        Element::Bytes([]) => Some(0.0),
        Element::Bytes(bytes) => {
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
            parse_float(&bytes[bytes.iter().take_while(|byte| blank(byte)).count()..])
        }
    }
}

/// Parses all of `text` as a number. `inf` is a number. Returns `None` for NaN, and for digits whose number
/// is too large for an `f64`. In C: `strtod`.
fn parse_float(text: &[u8]) -> Option<f64> {
    let value: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
    let infinite_by_name = || !text.iter().any(u8::is_ascii_digit);
    (value.is_finite() || (value.is_infinite() && infinite_by_name())).then_some(value)
}

/// Collects the elements, each with its key.
fn collect<'a, K>(
    elements: impl Iterator<Item = Element<'a>>,
    mut keyed: impl FnMut(usize, Element<'a>) -> Result<K, SortError>,
) -> Result<Vec<K, Zmalloc>, SortError> {
    let mut all = Vec::new_in(Zmalloc);
    reserve(&mut all, elements.size_hint().0)?;
    for (index, element) in elements.enumerate() {
        let element = keyed(index, element)?;
        if all.len() == all.capacity() {
            reserve(&mut all, 1)?;
        }
        all.push(element);
    }
    Ok(all)
}

fn reserve<T>(vec: &mut Vec<T, Zmalloc>, additional: usize) -> Result<(), ReserveError> {
    let size = vec.len().saturating_add(additional).saturating_mul(size_of::<T>());
    vec.try_reserve(additional).map_err(|_| ReserveError::OutOfMemory { size })
}

/// Returns the selected part, in order.
fn select<'a, K>(
    mut all: Vec<(K, Element<'a>), Zmalloc>,
    options: &SortOptions,
    compare: impl Fn(&(K, Element<'a>), &(K, Element<'a>)) -> Ordering,
) -> Result<Vec<Element<'a>, Zmalloc>, SortError> {
    let order = |a: &_, b: &_| if options.desc { compare(b, a) } else { compare(a, b) };
    let wanted = |number: i64| usize::try_from(number).ok();
    let start = wanted(options.offset).unwrap_or(0).min(all.len());
    let end = wanted(options.count).map_or(all.len(), |count| all.len().min(start.saturating_add(count)));
    // First, the elements that sort after the part are moved after it. Then those that sort in front of
    // the part are moved in front of it. Each of the two takes linear time.
    let mut part = &mut all[..];
    if end < part.len() {
        part.select_nth_unstable_by(end, order);
        part = &mut part[..end];
    }
    if 0 < start && start < part.len() {
        part.select_nth_unstable_by(start, order);
    }
    let part = &mut part[start..];
    part.sort_unstable_by(order);
    let mut sorted = Vec::new_in(Zmalloc);
    reserve(&mut sorted, part.len())?;
    sorted.extend(part.iter().map(|(_, element)| *element));
    Ok(sorted)
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec as StdVec;
    use zmalloc::fault;

    fn texts(sorted: &[Element<'_>]) -> StdVec<String> {
        sorted.iter().map(|element| String::from_utf8(element.text().to_vec()).unwrap()).collect()
    }

    fn bytes<'a>(texts: &[&'a str]) -> StdVec<Element<'a>> {
        texts.iter().map(|text| Element::Bytes(text.as_bytes())).collect()
    }

    #[test]
    fn equal_numbers_are_in_the_order_of_their_text() {
        let elements = bytes(&["2", "1.0", "01", "1", "-0", "0", "", " 1", "1e0", "-inf", "inf"]);
        let options = SortOptions::default();
        let ascending = ["-inf", "", "-0", "0", " 1", "01", "1", "1.0", "1e0", "2", "inf"];
        assert_eq!(texts(&sort(elements.clone(), &options).unwrap()), ascending);
        let descending: StdVec<_> = ascending.into_iter().rev().collect();
        assert_eq!(texts(&sort(elements, &SortOptions { desc: true, ..options }).unwrap()), descending);
    }

    #[test]
    fn the_first_element_that_is_not_a_number_is_named() {
        for wrong in ["a", "1 ", " ", "nan", "0x10", "1e999", "--1"] {
            let elements = bytes(&["1", "2", wrong, "b"]);
            let error = sort(elements.clone(), &SortOptions::default()).unwrap_err();
            assert_eq!(error, SortError::NotADouble { index: 2 }, "{wrong}");
            let alpha = SortOptions { alpha: true, ..SortOptions::default() };
            assert_eq!(sort(elements, &alpha).unwrap().len(), 4);
        }
    }

    #[test]
    fn without_memory_there_is_an_error() {
        let elements = || (0..100).map(Element::Int);
        for alpha in [false, true] {
            let options = SortOptions { alpha, ..SortOptions::default() };
            for nth in 1..=2 {
                let _plan = fault::fail_nth(nth);
                let error = try_sort(elements(), &options).unwrap_err();
                assert!(matches!(error, SortError::Reserve(_)), "{error}");
            }
            let _plan = fault::fail_nth(3);
            assert_eq!(try_sort(elements(), &options).unwrap().len(), 100);
        }
    }

    proptest! {
        #![proptest_config(testing::config(1024, 8))]

        /// Compares with the same part of all elements, as std's stable sort orders them.
        #[test]
        fn any_part_is_that_of_a_full_sort(
            numbers in proptest::collection::vec(-20i64..20, 0..40),
            (alpha, desc) in any::<(bool, bool)>(),
            (offset, count) in (-3i64..45, -3i64..45),
        ) {
            let options = SortOptions { alpha, desc, offset, count };
            // Every other element is text, so that both kinds of elements are compared.
            let spelled: StdVec<String> = numbers.iter().map(i64::to_string).collect();
            let elements: StdVec<_> = numbers.iter().zip(&spelled).enumerate().map(|(i, (number, text))| {
                if i % 2 == 0 { Element::Int(*number) } else { Element::Bytes(text.as_bytes()) }
            }).collect();
            let mut naive: StdVec<_> = numbers.clone();
            if alpha {
                naive.sort_by_key(i64::to_string);
            } else {
                naive.sort();
            }
            if desc {
                naive.reverse();
            }
            let offset = offset.max(0) as usize;
            let count = if count < 0 { usize::MAX } else { count as usize };
            let naive: StdVec<_> = naive.into_iter().skip(offset).take(count).collect();
            let sorted: StdVec<_> = sort(elements, &options).unwrap().iter().map(|e| e.as_i64().unwrap()).collect();
            prop_assert_eq!(sorted, naive);
        }
    }
}

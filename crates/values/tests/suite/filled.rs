//! Tests of members, fields and elements that a closure writes into their place: `try_insert_with` and
//! similar methods.

use std::panic::{AssertUnwindSafe, catch_unwind};
use values::zset::AddError;
use values::{Collection, EncodingLimits, Hash, List, ReserveError, Set, ZSet};
use zmalloc::{Region, fault};

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// Lengths around those at which the length itself takes one more byte.
const LENS: &[usize] =
    if cfg!(miri) { &[0, 128, 260] } else { &[0, 1, 63, 64, 127, 128, 16_383, 16_384, 70_000] };

/// Returns the bytes that `fill` writes.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 + len) as u8).collect()
}

fn fill<E>(target: &mut [u8]) -> Result<(), E> {
    assert!(target.iter().all(|byte| *byte == 0), "a place has zeros");
    target.copy_from_slice(&bytes(target.len()));
    Ok(())
}

/// A collection to which elements of a given length can be added with `fill`.
trait Filled: Collection + Default + PartialEq + std::fmt::Debug {
    fn add(
        &mut self,
        len: usize,
        fill: impl FnMut(&mut [u8]) -> Result<(), AddError>,
    ) -> Result<bool, AddError>;

    /// Adds the same element by copying it.
    fn add_copy(&mut self, len: usize);
}

impl Filled for Set {
    fn add(
        &mut self,
        len: usize,
        fill: impl FnMut(&mut [u8]) -> Result<(), AddError>,
    ) -> Result<bool, AddError> {
        self.try_insert_with(len, fill)
    }

    fn add_copy(&mut self, len: usize) {
        self.insert(&bytes(len), &LIMITS);
    }
}

impl Filled for ZSet {
    fn add(
        &mut self,
        len: usize,
        fill: impl FnMut(&mut [u8]) -> Result<(), AddError>,
    ) -> Result<bool, AddError> {
        self.try_add_with(len, len as f64, fill)
    }

    fn add_copy(&mut self, len: usize) {
        self.insert(&bytes(len), len as f64, &LIMITS).unwrap();
    }
}

impl Filled for Hash {
    fn add(
        &mut self,
        len: usize,
        mut fill: impl FnMut(&mut [u8]) -> Result<(), AddError>,
    ) -> Result<bool, AddError> {
        self.try_insert_with([len, 2 * len], |[field, value]| fill(field).and_then(|()| fill(value)))
    }

    fn add_copy(&mut self, len: usize) {
        self.insert(&bytes(len), &bytes(2 * len), &LIMITS);
    }
}

impl Filled for List {
    fn add(
        &mut self,
        len: usize,
        fill: impl FnMut(&mut [u8]) -> Result<(), AddError>,
    ) -> Result<bool, AddError> {
        self.try_push_plain_with(len, &LIMITS, fill).map(|()| true)
    }

    fn add_copy(&mut self, len: usize) {
        self.push_back(&bytes(len), &LIMITS);
    }
}

/// Runs the test with and without elements that are packed before the first one that is filled.
fn check<C: Filled>(rejects_duplicates: bool) {
    for packed in [0, 3] {
        let region = Region::start();
        let (mut filled, mut copied) = (C::default(), C::default());
        for len in 200..200 + packed {
            // These elements are short enough for a listpack.
            filled.add_copy(len - 180);
            copied.add_copy(len - 180);
        }
        for &len in LENS {
            assert_eq!(filled.add(len, fill), Ok(true), "{len}");
            copied.add_copy(len);
            assert_eq!(filled, copied, "{len}");
            if rejects_duplicates {
                assert_eq!(filled.add(len, fill), Ok(false), "{len}");
                assert_eq!(filled, copied, "{len}");
            }
            let error = AddError::from(ReserveError::OutOfMemory { size: len });
            assert_eq!(filled.add(len + 7, |_| Err(error)), Err(error));
            let panics = catch_unwind(AssertUnwindSafe(|| filled.add(len + 7, |_| panic!("by the closure"))));
            assert!(panics.is_err());
            for nth in 1..4 {
                let plan = fault::fail_nth(nth);
                let added = filled.add(len + 7, fill);
                drop(plan);
                // A table may succeed without the memory to grow.
                if added == Ok(true) {
                    copied.add_copy(len + 7);
                    break;
                }
                assert!(matches!(added, Err(AddError::Reserve(_))), "{added:?}");
                assert_eq!(filled, copied, "{len}");
            }
            assert_eq!(filled, copied, "{len}: an error changes nothing");
        }
        drop((filled, copied));
        assert_eq!(region.held(), 0);
    }
}

#[test]
fn a_member_of_a_set_is_written_into_its_place() {
    check::<Set>(true);
}

#[test]
fn a_member_of_a_sorted_set_is_written_into_its_place() {
    check::<ZSet>(true);
}

#[test]
fn a_field_and_its_value_are_written_into_their_place() {
    check::<Hash>(true);
}

#[test]
fn an_element_of_a_list_is_written_into_its_place() {
    check::<List>(false);
}

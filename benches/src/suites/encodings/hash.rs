//! Measures hashes: fields are set, read, set again to a value of the same length, and deleted.

use super::packed::Packed;
use super::work::{
    Collections, Comparison, Element, LIMITS, Phase, Scale, Text, Work, add_bytes, visit_bytes,
};
use crate::lifecycle::timed;
use crate::maps::FoldHash;
use crate::suite::Ctx;
use compact_str::CompactString;
use hashbrown::HashMap;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

const PHASES: [Phase; 5] = [
    Phase::of_all("set"),
    Phase::of_all("get"),
    Phase::of_all("get, absent"),
    Phase::of_all("set again"),
    Phase::of_all("delete"),
];

/// The old and the new values of a small hash and of a large one.
const SMALL_VALUES: [&str; 2] = ["value-000001", "value-000002"];
const LARGE_VALUES: [&str; 2] = ["value-0000000001", "value-0000000002"];

/// The operations that the suite needs of a hash.
trait Map: Default + 'static {
    fn name() -> String;
    /// Sets a field. Returns whether the field is new.
    fn set(&mut self, field: &str, value: &str) -> bool;
    /// Visits the value of a field. Returns whether there is one.
    fn get(&self, field: &str, visit: impl FnMut(&[u8])) -> bool;
    /// Deletes a field. Returns whether it was there.
    fn delete(&mut self, field: &str) -> bool;
}

pub(super) fn run(ctx: &mut Ctx, scale: Scale) {
    let (prefix, digits) = if scale.is_large() { ("field:", 12) } else { ("field", 0) };
    let work = Work::new(scale, ctx.settings.seed, |number| Text::new(prefix, number, digits));
    let mut field = Comparison::new(&work);
    add_candidate::<values::Hash>(&mut field);
    field.mark_subjects();
    add_candidate::<HashMap<CompactString, CompactString, FoldHash>>(&mut field);
    add_candidate::<HashMap<Box<str>, Box<str>, FoldHash>>(&mut field);
    add_candidate::<BTreeMap<CompactString, CompactString>>(&mut field);
    add_candidate::<IndexMap<CompactString, CompactString, FoldHash>>(&mut field);
    if !scale.is_large() {
        add_candidate::<Vec<(CompactString, CompactString)>>(&mut field);
        add_candidate::<Packed>(&mut field);
    }
    field.run(ctx, "hash", PHASES);
}

fn add_candidate<M: Map>(field: &mut Comparison<{ PHASES.len() }>) {
    field.add_candidate(&M::name(), run_phases::<M>);
}

fn run_phases<M: Map>(work: &Work) -> ([Duration; PHASES.len()], usize) {
    let [first, second] = if work.scale.is_large() { LARGE_VALUES } else { SMALL_VALUES };
    let mut maps = Collections::<M>::new(work.scale);
    let mut count = 0;
    let set = timed(|| count = work.fill.iter().filter(|v| maps.of(v).set(v.text.as_str(), first)).count());
    assert_eq!(count, work.fill.len(), "{} has fields that were not set", M::name());
    let (full, mut sum) = (maps.bytes(), 0);
    let mut visit = |bytes: &[u8]| add_bytes(&mut sum, bytes);
    let get = timed(|| {
        count = work.find.iter().filter(|v| maps.of(v).get(black_box(v.text.as_str()), &mut visit)).count();
    });
    assert_eq!(count, work.find.len(), "{} does not find what it holds", M::name());
    let absent = timed(|| {
        count = work.absent.iter().filter(|v| maps.of(v).get(black_box(v.text.as_str()), &mut visit)).count();
    });
    assert_eq!(count, 0, "{} finds what it does not hold", M::name());
    black_box(sum);
    let again =
        timed(|| count = work.find.iter().filter(|v| maps.of(v).set(v.text.as_str(), second)).count());
    assert_eq!(count, 0, "{} set fields a second time", M::name());
    let delete = timed(|| count = work.find.iter().filter(|v| maps.of(v).delete(v.text.as_str())).count());
    assert_eq!(count, work.find.len(), "{} does not delete what it holds", M::name());
    ([set, get, absent, again, delete], full)
}

impl Map for values::Hash {
    fn name() -> String {
        "Hash".into()
    }

    #[inline]
    fn set(&mut self, field: &str, value: &str) -> bool {
        self.insert(field.as_bytes(), value.as_bytes(), &LIMITS)
    }

    #[inline]
    fn get(&self, field: &str, mut visit: impl FnMut(&[u8])) -> bool {
        self.get(field.as_bytes()).map(|value| visit_bytes(value, &mut visit)).is_some()
    }

    #[inline]
    fn delete(&mut self, field: &str) -> bool {
        self.remove(field.as_bytes())
    }
}

/// Implements [`Map`] for a type with the methods of std's `HashMap`.
macro_rules! std_map {
    ($name:literal, $map:ty, $remove:ident) => {
        impl<E: Element> Map for $map {
            fn name() -> String {
                format!(concat!($name, "<{}>"), E::NAME)
            }

            #[inline]
            fn set(&mut self, field: &str, value: &str) -> bool {
                self.insert(field.into(), value.into()).is_none()
            }

            #[inline]
            fn get(&self, field: &str, mut visit: impl FnMut(&[u8])) -> bool {
                <$map>::get(self, field).map(|value| visit(value.borrow().as_bytes())).is_some()
            }

            #[inline]
            fn delete(&mut self, field: &str) -> bool {
                self.$remove(field).is_some()
            }
        }
    };
}

std_map!("hashbrown HashMap", HashMap<E, E, FoldHash>, remove);
std_map!("BTreeMap", BTreeMap<E, E>, remove);
std_map!("IndexMap", IndexMap<E, E, FoldHash>, swap_remove);

impl<E: Element> Map for Vec<(E, E)> {
    fn name() -> String {
        format!("Vec of pairs<{}>", E::NAME)
    }

    #[inline]
    fn set(&mut self, field: &str, value: &str) -> bool {
        match self.iter_mut().find(|(other, _)| other.borrow() == field) {
            Some((_, old)) => {
                *old = value.into();
                false
            }
            None => {
                self.push((field.into(), value.into()));
                true
            }
        }
    }

    #[inline]
    fn get(&self, field: &str, mut visit: impl FnMut(&[u8])) -> bool {
        let found = self.iter().find(|(other, _)| other.borrow() == field);
        found.map(|(_, value)| visit(value.borrow().as_bytes())).is_some()
    }

    #[inline]
    fn delete(&mut self, field: &str) -> bool {
        let place = self.iter().position(|(other, _)| other.borrow() == field);
        place.map(|place| self.swap_remove(place)).is_some()
    }
}

/// The elements are field, value, field, value. A new value always has the length of the old one.
impl Map for Packed {
    fn name() -> String {
        Self::NAME.into()
    }

    #[inline]
    fn set(&mut self, field: &str, value: &str) -> bool {
        match self.find(field.as_bytes(), 2) {
            Some(place) => {
                let start = place.end + 1;
                self.0[start..start + value.len()].copy_from_slice(value.as_bytes());
                false
            }
            None => {
                self.push(field.as_bytes());
                self.push(value.as_bytes());
                true
            }
        }
    }

    #[inline]
    fn get(&self, field: &str, mut visit: impl FnMut(&[u8])) -> bool {
        let found = self.find(field.as_bytes(), 2);
        found.map(|place| visit(self.after(place))).is_some()
    }

    #[inline]
    fn delete(&mut self, field: &str) -> bool {
        let place = self.find(field.as_bytes(), 2);
        let gone = place.map(|place| place.start..place.end + 1 + self.after(place).len());
        gone.map(|place| self.remove(place)).is_some()
    }
}

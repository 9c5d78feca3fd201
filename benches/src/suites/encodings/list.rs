//! Measures lists: elements are pushed and popped at both ends, and read by index and by range.

use super::packed::Packed;
use super::work::{
    Collections, Comparison, Element, LIMITS, Phase, RANGE, Scale, Text, Work, add_bytes, visit_bytes,
};
use crate::lifecycle::timed;
use crate::suite::Ctx;
use compact_str::CompactString;
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;
use values::ReserveError;
use values::list::Side;

const PHASES: [Phase; 6] = [
    Phase::of_half("push back"),
    Phase::of_half("push front"),
    Phase::of_all("index"),
    Phase::of_all("range of 10"),
    Phase::of_half("pop front"),
    Phase::of_half("pop back"),
];

/// The operations that the suite needs of a list.
trait List: Default + 'static {
    fn name() -> String;
    fn push_back(&mut self, element: &str);
    fn push_front(&mut self, element: &str);
    /// Removes an element. Returns whether there was one.
    fn pop_back(&mut self) -> bool;
    fn pop_front(&mut self) -> bool;
    /// Visits `count` elements from `start` on.
    fn range(&self, start: usize, count: usize, visit: impl FnMut(&[u8]));
    /// Visits the element at `index`.
    #[inline]
    fn index(&self, index: usize, visit: impl FnMut(&[u8])) {
        self.range(index, 1, visit);
    }
}

pub(super) fn run(ctx: &mut Ctx, scale: Scale) {
    let (prefix, digits) = if scale.is_large() { ("element:", 12) } else { ("element", 3) };
    let work = Work::new(scale, ctx.settings.seed, |number| Text::new(prefix, number, digits));
    let mut field = Comparison::new(&work);
    add_candidate::<values::List>(&mut field);
    field.mark_subjects();
    add_candidate::<VecDeque<CompactString>>(&mut field);
    add_candidate::<VecDeque<Box<str>>>(&mut field);
    if !scale.is_large() {
        add_candidate::<Vec<CompactString>>(&mut field);
        add_candidate::<Vec<Box<str>>>(&mut field);
        add_candidate::<Packed>(&mut field);
    }
    field.run(ctx, "list", PHASES);
}

fn add_candidate<L: List>(field: &mut Comparison<{ PHASES.len() }>) {
    field.add_candidate(&L::name(), run_phases::<L>);
}

fn run_phases<L: List>(work: &Work) -> ([Duration; PHASES.len()], usize) {
    let mut lists = Collections::<L>::new(work.scale);
    let (back, front) = work.fill.split_at(work.fill.len() / 2);
    let push_back = timed(|| back.iter().for_each(|v| lists.of(v).push_back(v.text.as_str())));
    let push_front = timed(|| front.iter().for_each(|v| lists.of(v).push_front(v.text.as_str())));
    let (full, mut sum, mut seen) = (lists.bytes(), 0, 0);
    let mut visit = |bytes: &[u8]| {
        add_bytes(&mut sum, bytes);
        seen += 1;
    };
    let index = timed(|| work.find.iter().for_each(|v| lists.of(v).index(v.number as usize, &mut visit)));
    let range = timed(|| {
        work.find.iter().for_each(|v| lists.of(v).range(work.range_start(v), RANGE, &mut visit));
    });
    black_box(sum);
    assert_eq!(seen, work.find.len() * (1 + RANGE.min(work.scale.n)), "{} lost elements", L::name());
    let (front, back) = work.find.split_at(work.find.len() - work.find.len() / 2);
    let mut popped = 0;
    let pop_front = timed(|| popped += front.iter().filter(|v| lists.of(v).pop_front()).count());
    let pop_back = timed(|| popped += back.iter().filter(|v| lists.of(v).pop_back()).count());
    assert_eq!(popped, work.find.len(), "{} lost elements", L::name());
    ([push_back, push_front, index, range, pop_front, pop_back], full)
}

impl List for values::List {
    fn name() -> String {
        "List".into()
    }

    #[inline]
    fn push_back(&mut self, element: &str) {
        self.push_back(element.as_bytes(), &LIMITS);
    }

    #[inline]
    fn push_front(&mut self, element: &str) {
        self.push_front(element.as_bytes(), &LIMITS);
    }

    #[inline]
    fn pop_back(&mut self) -> bool {
        pop(self, Side::Back)
    }

    #[inline]
    fn pop_front(&mut self) -> bool {
        pop(self, Side::Front)
    }

    #[inline]
    fn range(&self, start: usize, count: usize, mut visit: impl FnMut(&[u8])) {
        let last = (start + count) as i64 - 1;
        self.range(start as i64, last).for_each(|item| visit_bytes(item.element(), &mut visit));
    }

    #[inline]
    fn index(&self, index: usize, mut visit: impl FnMut(&[u8])) {
        if let Some(item) = self.get(index as i64) {
            visit_bytes(item.element(), &mut visit);
        }
    }
}

/// Removes an element and drops it, as the peers do.
#[inline]
fn pop(list: &mut values::List, side: Side) -> bool {
    let popped = list.try_pop_with(side, &LIMITS, |_| Ok::<_, ReserveError>(()));
    popped.expect("there is memory").is_some()
}

impl<E: Element> List for VecDeque<E> {
    fn name() -> String {
        format!("VecDeque<{}>", E::NAME)
    }

    #[inline]
    fn push_back(&mut self, element: &str) {
        self.push_back(element.into());
    }

    #[inline]
    fn push_front(&mut self, element: &str) {
        self.push_front(element.into());
    }

    #[inline]
    fn pop_back(&mut self) -> bool {
        self.pop_back().is_some()
    }

    #[inline]
    fn pop_front(&mut self) -> bool {
        self.pop_front().is_some()
    }

    #[inline]
    fn range(&self, start: usize, count: usize, mut visit: impl FnMut(&[u8])) {
        let end = self.len().min(start + count);
        self.range(start..end).for_each(|element| visit(element.borrow().as_bytes()));
    }
}

impl<E: Element> List for Vec<E> {
    fn name() -> String {
        format!("Vec<{}>", E::NAME)
    }

    #[inline]
    fn push_back(&mut self, element: &str) {
        self.push(element.into());
    }

    #[inline]
    fn push_front(&mut self, element: &str) {
        self.insert(0, element.into());
    }

    #[inline]
    fn pop_back(&mut self) -> bool {
        self.pop().is_some()
    }

    #[inline]
    fn pop_front(&mut self) -> bool {
        !self.is_empty() && {
            self.remove(0);
            true
        }
    }

    #[inline]
    fn range(&self, start: usize, count: usize, mut visit: impl FnMut(&[u8])) {
        self.iter().skip(start).take(count).for_each(|element| visit(element.borrow().as_bytes()));
    }
}

impl List for Packed {
    fn name() -> String {
        Self::NAME.into()
    }

    #[inline]
    fn push_back(&mut self, element: &str) {
        self.push(element.as_bytes());
    }

    #[inline]
    fn push_front(&mut self, element: &str) {
        self.insert(0, element.as_bytes());
    }

    #[inline]
    fn pop_back(&mut self) -> bool {
        let last = self.places().last();
        last.map(|place| self.0.truncate(place.start - 1)).is_some()
    }

    #[inline]
    fn pop_front(&mut self) -> bool {
        let first = self.places().next();
        first.map(|place| self.remove(place)).is_some()
    }

    #[inline]
    fn range(&self, start: usize, count: usize, visit: impl FnMut(&[u8])) {
        self.iter().skip(start).take(count).for_each(visit);
    }
}

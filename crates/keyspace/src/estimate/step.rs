//! [`Step`]: one line of an estimate, such as 90,000 blocks of 1 + 7 + 1 bytes.

use super::number_range::Run;
use common::Thousands;
use core::fmt::{self, Display};
use core::ops::RangeInclusive;

/// A sum over more lengths than this uses evenly spaced samples.
const SAMPLES_MAX: u64 = 1 << 16;

/// A part of a block, such as the header in front of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The name of the part.
    pub name: &'static str,
    /// How often the block has this part.
    pub count: u64,
    /// The length of the part in bytes, from the shortest to the longest.
    pub len: RangeInclusive<u64>,
}

impl Part {
    /// Returns a part of a fixed length.
    pub(super) fn new(name: &'static str, len: u64) -> Self {
        Self::times(name, 1, len)
    }

    /// Returns a part that occurs `count` times.
    pub(super) fn times(name: &'static str, count: u64, len: u64) -> Self {
        Self { name, count, len: len..=len }
    }

    /// Returns a part whose length is in this range.
    pub(super) fn spread(name: &'static str, len: RangeInclusive<u64>) -> Self {
        Self { name, count: 1, len }
    }

    fn bytes(&self) -> RangeInclusive<u64> {
        self.len.start().saturating_mul(self.count)..=self.len.end().saturating_mul(self.count)
    }
}

/// `7`, `131,072 * 8`, or `(32 to 44)`.
impl Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count != 1 {
            write!(f, "{} * ", Thousands(self.count))?;
        }
        if self.len.start() == self.len.end() {
            write!(f, "{}", Thousands(*self.len.start()))
        } else {
            write!(f, "({})", DisplayRange(&self.len))
        }
    }
}

/// Blocks of one kind: their contents, their size, and their number.
///
/// If the strings of a workload have several lengths, the blocks have several sizes. `bytes` is then the sum
/// over all lengths, each rounded to its own size class.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The name of the blocks.
    pub what: &'static str,
    /// The contents of a block, in their order. A shared integer takes no block and has no parts.
    pub parts: Vec<Part>,
    /// The bytes that are requested for a block, which is the sum of its parts.
    pub asked: RangeInclusive<u64>,
    /// The size class of a block.
    pub class: RangeInclusive<u64>,
    /// The number of blocks.
    pub count: u64,
    /// The bytes of all blocks, in their size classes.
    pub bytes: u64,
}

impl Step {
    /// Returns a step of `count` blocks. Each length occurs equally often. `class` rounds a size up to its
    /// class.
    pub(super) fn new(what: &'static str, count: u64, parts: Vec<Part>, class: impl Fn(u64) -> u64) -> Self {
        let sum = |end: fn(&RangeInclusive<u64>) -> &u64| {
            parts.iter().fold(0_u64, |sum, part| sum.saturating_add(*end(&part.bytes())))
        };
        let asked = sum(RangeInclusive::start)..=sum(RangeInclusive::end);
        let bytes = bytes_of(count, &asked, &class);
        let class = class(*asked.start())..=class(*asked.end());
        Self { what, parts, asked, class, count, bytes }
    }

    /// Returns a step whose size has been computed elsewhere.
    pub(super) fn single(what: &'static str, parts: Vec<Part>, size: u64) -> Self {
        Self { class: size..=size, bytes: size, ..Self::new(what, 1, parts, |size| size) }
    }

    /// Returns the step of the keys whose value is a shared integer, which takes no block.
    pub(super) fn shared_integers<F>(run: &Run<F>) -> Self {
        let (what, parts) = ("shared integer", Vec::new());
        Self { what, parts, asked: 0..=0, class: 0..=0, count: run.keys, bytes: 0 }
    }

    /// Returns whether the values are shared integers. Only their step has no parts.
    pub(super) fn is_shared_integers(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the size class if all blocks have the same one.
    fn single_class(&self) -> Option<u64> {
        (self.class.start() == self.class.end()).then_some(*self.class.start())
    }

    /// Returns the name and the contents of the blocks.
    pub(super) fn label(&self) -> String {
        let names: Vec<_> = self.parts.iter().map(|part| part.name).collect();
        match names.as_slice() {
            [] | [_] => self.what.into(),
            names => format!("{} ({})", self.what, names.join(", ")),
        }
    }

    /// Returns the parts as the text of a sum.
    pub(super) fn sum(&self) -> String {
        match self.parts.as_slice() {
            [] => "0".into(),
            parts => parts.iter().map(Part::to_string).collect::<Vec<_>>().join(" + "),
        }
    }

    /// Returns the step as a term of the whole sum: the size class, which is multiplied by the number of
    /// blocks, or a number of bytes if the blocks have several classes.
    pub(super) fn factor(&self) -> Factor {
        match (self.count, self.single_class(), self.parts.as_slice()) {
            // For a single block of equal parts, the product is more informative than the size.
            (1, Some(class), [part]) if class == *self.asked.start() => Factor::Text(part.to_string()),
            (count, Some(class), _) if count > 1 => Factor::Class(class),
            _ => Factor::Text(Thousands(self.bytes).to_string()),
        }
    }
}

/// How a step appears in the last line of an estimate.
pub(super) enum Factor {
    /// The bytes of each block, as a factor of the number of blocks.
    Class(u64),
    /// A separate term.
    Text(String),
}

/// Returns the bytes of `count` blocks in their size classes.
fn bytes_of(count: u64, asked: &RangeInclusive<u64>, class: impl Fn(u64) -> u64) -> u64 {
    let (start, more) = (*asked.start(), asked.end() - asked.start());
    if more == 0 {
        return count.saturating_mul(class(start));
    }
    // The samples are the middles of equal parts of the range. With at most `SAMPLES_MAX` lengths, each
    // length is a sample.
    let stride = more / SAMPLES_MAX + 1;
    let samples = u128::from((more - stride / 2) / stride + 1);
    let sample = |index: u64| class(start + stride / 2 + index * stride);
    let sum: u128 = (0..samples as u64).map(|index| u128::from(sample(index))).sum();
    let bytes = sum.checked_mul(count.into()).map(|product| product / samples);
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(u64::MAX)
}

/// `8`, or `8 to 16`.
pub(super) struct DisplayRange<'a>(pub(super) &'a RangeInclusive<u64>);

impl Display for DisplayRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (Thousands(*self.0.start()), Thousands(*self.0.end()));
        if start == end { f.pad(&start.to_string()) } else { f.pad(&format!("{start} to {end}")) }
    }
}

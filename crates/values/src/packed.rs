//! Packed values: values made of the bytes of a listpack or an intset, which are borrowed or copied.
//!
//! Borrowing checks only the frame, so it takes constant time. A copy is for foreign bytes, which come from a
//! dump, a file or another program. It checks every entry, and the properties that the type promises: a hash
//! has a value for each field, a set has no member twice, and a sorted set is in order.

use crate::distinct::Distinct;
use crate::element::Element;
use crate::error::Error;
use crate::types::Encoding;
use intset::IntSet;
use listpack::{Depth, ListPack, Offset, Value, View, integer};

/// Returns an error if the encoding is not the one in which the type packs its values.
fn check_encoding(expected: Encoding, encoding: Encoding) -> Result<(), Error> {
    if encoding == expected { Ok(()) } else { Err(Error::NotPacked { encoding }) }
}

fn malformed<T>(offset: impl Into<usize>) -> Result<T, Error> {
    Err(Error::Malformed { offset: offset.into() })
}

/// Returns a view of a listpack. O(1).
pub(crate) fn view_of_listpack(encoding: Encoding, bytes: &[u8]) -> Result<&View, Error> {
    check_encoding(Encoding::ListPack, encoding)?;
    Ok(View::new(bytes)?)
}

/// Returns a view of an intset. O(1).
pub(crate) fn view_of_intset(encoding: Encoding, bytes: &[u8]) -> Result<&intset::View, Error> {
    check_encoding(Encoding::IntSet, encoding)?;
    Ok(intset::View::new(bytes)?)
}

/// The result of [`Collection::check_packed`](crate::Collection::check_packed): the size of a packed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedShape {
    /// The number of elements, members or fields.
    pub len: usize,
    /// The length in bytes of the longest element, member, field or value of a field. An integer counts as
    /// its text.
    pub longest: usize,
}

/// Checks that the bytes are an intset. O(n).
pub(crate) fn check_intset(encoding: Encoding, bytes: &[u8]) -> Result<PackedShape, Error> {
    let set = view_of_intset(encoding, bytes)?;
    set.check_order()?;
    let ends = [set.min(), set.max()];
    let longest = ends.into_iter().flatten().map(integer::decimal_len).max();
    Ok(PackedShape { len: set.len(), longest: longest.unwrap_or(0) })
}

/// Makes a copy of an intset after checking it. O(n).
pub(crate) fn try_intset(encoding: Encoding, bytes: &[u8]) -> Result<IntSet, Error> {
    check_encoding(Encoding::IntSet, encoding)?;
    Ok(IntSet::try_from_bytes(bytes)?)
}

/// The meaning of the entries of a listpack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Any elements.
    Elements,
    /// Elements without duplicates.
    Members,
    /// Fields without duplicates, each followed by its value.
    Fields,
}

/// Checks that the bytes are a listpack with these contents. O(n).
pub(crate) fn check_listpack(
    encoding: Encoding,
    bytes: &[u8],
    contents: Contents,
) -> Result<PackedShape, Error> {
    check_encoding(Encoding::ListPack, encoding)?;
    listpack::validate(bytes, Depth::Strict)?;
    let view = View::new(bytes)?;
    let (mut count, mut longest) = (0, 0);
    for (_, element) in entries(view) {
        count += 1;
        longest = longest.max(element.len());
    }
    let len = match contents {
        Contents::Elements => count,
        Contents::Members => {
            try_distinct(entries(view))?;
            count
        }
        Contents::Fields => {
            try_distinct(entries(view).step_by(2))?;
            if count % 2 == 1 {
                return malformed(bytes.len() - 1);
            }
            count / 2
        }
    };
    Ok(PackedShape { len, longest })
}

/// Makes a copy of a listpack after checking it and its contents. O(n).
pub(crate) fn try_listpack(encoding: Encoding, bytes: &[u8], contents: Contents) -> Result<ListPack, Error> {
    check_listpack(encoding, bytes, contents)?;
    Ok(View::new(bytes)?.try_to_owned()?)
}

/// Checks that the bytes are a listpack of members, each followed by its score, in order. `score` reads a
/// score, and `is_after` compares two neighbours. O(n).
pub(crate) fn check_scored_listpack(
    encoding: Encoding,
    bytes: &[u8],
    score: impl Fn(Value<'_>) -> Option<f64>,
    is_after: impl Fn((Element<'_>, f64), (Element<'_>, f64)) -> bool,
) -> Result<PackedShape, Error> {
    check_encoding(Encoding::ListPack, encoding)?;
    listpack::validate(bytes, Depth::Deep)?;
    let view = View::new(bytes)?;
    let (mut iter, mut last): (_, Option<(Element<'_>, f64)>) = (view.iter(), None);
    let mut shape = PackedShape { len: 0, longest: 0 };
    while let Some((offset, member)) = iter.next_with_offset() {
        let Some((score_offset, value)) = iter.next_with_offset() else { return malformed(bytes.len() - 1) };
        let Some(member) = element(member) else { return malformed(offset) };
        let Some(value) = score(value) else { return malformed(score_offset) };
        let pair = (member, value);
        if last.replace(pair).is_some_and(|last| !is_after(pair, last)) {
            return malformed(offset);
        }
        shape = PackedShape { len: shape.len + 1, longest: shape.longest.max(member.len()) };
    }
    try_distinct(entries(view).step_by(2))?;
    Ok(shape)
}

/// Converts a listpack's value. A double is the score of a sorted set, not an element.
fn element(value: Value<'_>) -> Option<Element<'_>> {
    match value {
        Value::Double(_) => None,
        value => Some(Element::from_packed(value)),
    }
}

fn entries(view: &View) -> impl Iterator<Item = (Offset, Element<'_>)> {
    let mut iter = view.iter();
    core::iter::from_fn(move || {
        iter.next_with_offset().map(|(offset, value)| (offset, Element::from_packed(value)))
    })
}

/// Up to this number, elements are compared with each other. For more a table is faster, although it needs
/// memory.
const FEW: usize = 16;

fn try_distinct<'a>(elements: impl Iterator<Item = (Offset, Element<'a>)>) -> Result<(), Error> {
    let mut few = [Element::Int(0); FEW];
    let (mut len, mut all) = (0, None);
    for (offset, element) in elements {
        let all: &mut Distinct<'a> = match &mut all {
            Some(all) => all,
            None if len < FEW => {
                if few[..len].contains(&element) {
                    return malformed(offset);
                }
                few[len] = element;
                len += 1;
                continue;
            }
            None => {
                let all = all.insert(Distinct::new());
                for element in few {
                    all.try_insert(element)?;
                }
                all
            }
        };
        if !all.try_insert(element)? {
            return malformed(offset);
        }
    }
    Ok(())
}

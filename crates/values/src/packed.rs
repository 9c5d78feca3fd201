//! Packed values: the bytes of a listpack or an intset as a value, borrowed or copied.
//!
//! Borrowing checks the frame alone, so that it takes constant time. A copy is for bytes from elsewhere: besides every entry it
//! checks what the type promises of them. A hash has a value for each field, a set no member twice, a sorted set an order.

use crate::distinct::Distinct;
use crate::element::Element;
use crate::error::Error;
use crate::types::Encoding;
use intset::IntSet;
use listpack::{Depth, ListPack, Offset, Value, View};

/// Refuses an encoding that the type does not pack its values in.
fn expect(expected: Encoding, encoding: Encoding) -> Result<(), Error> {
    if encoding == expected { Ok(()) } else { Err(Error::NotPacked { encoding }) }
}

fn malformed<T>(offset: impl Into<usize>) -> Result<T, Error> {
    Err(Error::Malformed { offset: offset.into() })
}

/// The listpack that the bytes are. O(1).
pub(crate) fn view_of_listpack(encoding: Encoding, bytes: &[u8]) -> Result<&View, Error> {
    expect(Encoding::ListPack, encoding)?;
    Ok(View::new(bytes)?)
}

/// The intset that the bytes are. O(1).
pub(crate) fn view_of_intset(encoding: Encoding, bytes: &[u8]) -> Result<&intset::View, Error> {
    expect(Encoding::IntSet, encoding)?;
    Ok(intset::View::new(bytes)?)
}

/// A copy of the intset that the bytes are. O(n).
pub(crate) fn try_intset(encoding: Encoding, bytes: &[u8]) -> Result<IntSet, Error> {
    expect(Encoding::IntSet, encoding)?;
    Ok(IntSet::try_from_bytes(bytes)?)
}

/// What the entries of a listpack are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Any elements.
    Elements,
    /// Elements, none of them twice.
    Members,
    /// Fields, none of them twice, and their values.
    Fields,
}

/// A copy of the listpack that the bytes are, with such contents. O(n).
pub(crate) fn try_listpack(encoding: Encoding, bytes: &[u8], contents: Contents) -> Result<ListPack, Error> {
    expect(Encoding::ListPack, encoding)?;
    listpack::validate(bytes, Depth::Strict)?;
    let view = View::new(bytes)?;
    match contents {
        Contents::Elements => {}
        Contents::Members => try_distinct(entries(view))?,
        Contents::Fields => {
            try_distinct(entries(view).step_by(2))?;
            if view.iter().count() % 2 == 1 {
                return malformed(bytes.len() - 1);
            }
        }
    }
    Ok(view.try_to_owned()?)
}

/// A copy of the listpack that the bytes are, with members and scores in their order. `score` reads a score, and `is_after`
/// compares two neighbours. O(n).
pub(crate) fn try_scored_listpack(
    encoding: Encoding,
    bytes: &[u8],
    score: impl Fn(Value<'_>) -> Option<f64>,
    is_after: impl Fn((Element<'_>, f64), (Element<'_>, f64)) -> bool,
) -> Result<ListPack, Error> {
    expect(Encoding::ListPack, encoding)?;
    listpack::validate(bytes, Depth::Deep)?;
    let view = View::new(bytes)?;
    let (mut walk, mut last): (_, Option<(Element<'_>, f64)>) = (view.iter(), None);
    while let Some((offset, member)) = walk.next_with_offset() {
        let Some((score_at, value)) = walk.next_with_offset() else { return malformed(bytes.len() - 1) };
        let Some(member) = element(member) else { return malformed(offset) };
        let Some(value) = score(value) else { return malformed(score_at) };
        let pair = (member, value);
        if last.replace(pair).is_some_and(|last| !is_after(pair, last)) {
            return malformed(offset);
        }
    }
    try_distinct(entries(view).step_by(2))?;
    Ok(view.try_to_owned()?)
}

/// Doubles are scores of sorted sets, and no elements.
fn element(value: Value<'_>) -> Option<Element<'_>> {
    match value {
        Value::Double(_) => None,
        value => Some(Element::from_packed(value)),
    }
}

fn entries(view: &View) -> impl Iterator<Item = (Offset, Element<'_>)> {
    let mut walk = view.iter();
    core::iter::from_fn(move || {
        walk.next_with_offset().map(|(offset, value)| (offset, Element::from_packed(value)))
    })
}

fn try_distinct<'a>(elements: impl Iterator<Item = (Offset, Element<'a>)>) -> Result<(), Error> {
    let mut all = Distinct::new();
    for (offset, element) in elements {
        if !all.try_insert(element)? {
            return malformed(offset);
        }
    }
    Ok(())
}

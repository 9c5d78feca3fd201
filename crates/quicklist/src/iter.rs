//! [`Iter`]: an iterator over the elements from both ends. It owns the nodes that it decompresses.

use crate::elements::Elements;
use crate::item::Item;
use crate::list::{Inner, QuickList};
use crate::node::Node;
use crate::nodes::Place;
use crate::side::Side;
use core::fmt;
use core::iter::FusedIterator;
use listpack::{ListPack, Offset, Value};
use zmalloc::{ReserveError, or_oom};

impl QuickList {
    /// Returns an iterator over all elements. O(1), and O(1) for each element.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(0)
    }

    /// Returns an iterator over the elements from `index` on. It is empty if the list has no element at
    /// `index`. Finding the first element takes as long as [`get`](Self::get). In C:
    /// `quicklistGetIteratorAtIdx`.
    pub fn iter_from(&self, index: usize) -> Iter<'_> {
        self.range(index, self.len())
    }

    /// Returns an iterator over up to `count` elements, beginning with the one at index `start`. In C: part
    /// of `LRANGE`.
    pub fn range(&self, start: usize, count: usize) -> Iter<'_> {
        let list = self.inner();
        let remaining = self.len().saturating_sub(start).min(count);
        Iter {
            list,
            remaining,
            front: End::before(list, start, Side::Front),
            back: End::before(list, start.saturating_add(remaining).wrapping_sub(1), Side::Back),
        }
    }
}

/// An iterator over the elements of a list, or of a part of it, from either end.
///
/// The items of [`Iterator::next`] may outlive the next step. So an element of a compressed node is copied.
/// The methods that lend an element until the next step, such as [`next_value`](Self::next_value), need no
/// copy.
pub struct Iter<'a> {
    list: &'a Inner,
    remaining: usize,
    front: End<'a>,
    back: End<'a>,
}

/// The state of one end of the iterator.
struct End<'a> {
    /// The node that this end has entered, or the first one to enter.
    place: Option<Place>,
    /// How many elements to skip when this end enters its first node. `None` after that.
    skip: Option<usize>,
    /// How many elements of its node this end has not yet returned.
    left: usize,
    cursor: Source<'a>,
}

/// The elements that an end reads.
enum Source<'a> {
    Packed(listpack::Iter<'a>),
    Plain(&'a [u8]),
    /// A decompressed copy of a node, and the offset of its next element in the listpack. A plain node has no
    /// offset.
    Decompressed(Node, Option<Offset>),
}

impl<'a> End<'a> {
    /// Returns an end whose first element is the one at `index`.
    fn before(list: &Inner, index: usize, side: Side) -> Self {
        let mut end = Self { place: None, skip: None, left: 0, cursor: Source::Plain(&[]) };
        if index < list.len {
            let (place, offset) = list.nodes.locate(index, list.len);
            let skip = match side {
                Side::Front => offset,
                Side::Back => list.nodes.get(place).count() - 1 - offset,
            };
            (end.place, end.skip) = (Some(place), Some(skip));
        }
        end
    }

    /// Enters the next node if this one has no more elements. The caller knows that there is another element.
    #[inline]
    fn try_prepare(&mut self, list: &'a Inner, side: Side) -> Result<(), ReserveError> {
        if self.left > 0 { Ok(()) } else { self.try_enter(list, side) }
    }

    fn try_enter(&mut self, list: &'a Inner, side: Side) -> Result<(), ReserveError> {
        let next = match self.skip {
            Some(_) => self.place,
            None => self.place.and_then(|place| list.nodes.step_from(side, place)),
        };
        let Some(place) = next else { return Ok(()) };
        let skip = self.skip.unwrap_or(0);
        let node = list.nodes.get(place);
        self.cursor = match node.elements() {
            Some(Elements::Plain(bytes)) => Source::Plain(bytes),
            Some(Elements::Packed(pack)) => Source::Packed(skipped(pack, side, skip)),
            None => {
                let Some(node) = node.try_decompressed()? else { return Ok(()) };
                let offset = match node.elements() {
                    Some(Elements::Packed(pack)) if side == Side::Front => pack.seek(skip as isize),
                    Some(Elements::Packed(pack)) => pack.seek(-1 - skip as isize),
                    _ => None,
                };
                Source::Decompressed(node, offset)
            }
        };
        self.left = node.count() - skip;
        (self.place, self.skip) = (Some(place), None);
        Ok(())
    }

    /// Returns the next element, borrowed until the next step. The node must have one.
    #[inline]
    fn next_value(&mut self, side: Side) -> Option<Value<'_>> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.cursor {
            Source::Packed(iter) => match side {
                Side::Front => iter.next(),
                Side::Back => iter.next_back(),
            },
            Source::Plain(bytes) => Some(Value::raw(bytes)),
            Source::Decompressed(node, offset) => match node.elements()? {
                Elements::Plain(bytes) => Some(Value::raw(bytes)),
                Elements::Packed(pack) => {
                    let at = (*offset)?;
                    *offset = match side {
                        Side::Front => pack.next(at),
                        Side::Back => pack.prev(at),
                    };
                    pack.get(at)
                }
            },
        }
    }

    /// Returns the next element as an item that may outlive the next step. If there is no memory for a copy,
    /// this end does not advance.
    #[inline]
    fn try_next_item(&mut self, side: Side) -> Result<Option<Item<'a>>, ReserveError> {
        let offset_before = match &mut self.cursor {
            Source::Packed(iter) => {
                self.left -= 1;
                let value = if side == Side::Front { iter.next() } else { iter.next_back() };
                return Ok(value.map(Item::stored));
            }
            Source::Plain(bytes) => {
                self.left -= 1;
                return Ok(Some(Item::stored(Value::raw(bytes))));
            }
            Source::Decompressed(_, offset) => *offset,
        };
        let copied = self.next_value(side).map(Item::try_copied).transpose();
        if copied.is_err()
            && let Source::Decompressed(_, offset) = &mut self.cursor
        {
            *offset = offset_before;
            self.left += 1;
        }
        copied
    }
}

/// Returns an iterator over a listpack without the first `skip` elements, counted from `side`.
fn skipped(pack: &ListPack, side: Side, skip: usize) -> listpack::Iter<'_> {
    match side {
        Side::Front if skip > 0 => pack.seek(skip as isize).map_or(pack.iter(), |at| pack.iter_from(at)),
        Side::Front => pack.iter(),
        Side::Back => {
            let mut iter = pack.iter();
            for _ in 0..skip {
                iter.next_back();
            }
            iter
        }
    }
}

impl<'a> Iter<'a> {
    /// Returns the next element, borrowed until the next step. Copies nothing.
    ///
    /// # Errors
    /// If there is no memory to decompress a node. The iterator has then not advanced.
    ///
    /// ```
    /// let mut list = quicklist::QuickList::new(-2, 0);
    /// list.push_back("a");
    /// let mut iter = list.iter();
    /// while let Some(value) = iter.next_value()? {
    ///     assert_eq!(value, b"a"[..]);
    /// }
    /// # Ok::<(), zmalloc::ReserveError>(())
    /// ```
    #[inline]
    pub fn next_value(&mut self) -> Result<Option<Value<'_>>, ReserveError> {
        self.next_value_from(Side::Front)
    }

    /// Like [`next_value`](Self::next_value), from either end.
    #[inline]
    pub fn next_value_from(&mut self, side: Side) -> Result<Option<Value<'_>>, ReserveError> {
        let Self { list, remaining, front, back } = self;
        let end = if side == Side::Front { front } else { back };
        if *remaining == 0 {
            return Ok(None);
        }
        end.try_prepare(list, side)?;
        *remaining -= 1;
        Ok(end.next_value(side))
    }

    /// Like [`next`](Iterator::next) and [`next_back`](DoubleEndedIterator::next_back), but returns an error
    /// if there is no memory.
    ///
    /// # Errors
    /// If there is no memory to decompress a node or to copy an element of it. The iterator has then not
    /// advanced.
    #[inline]
    pub fn try_next_from(&mut self, side: Side) -> Result<Option<Item<'a>>, ReserveError> {
        let Self { list, remaining, front, back } = self;
        let end = if side == Side::Front { front } else { back };
        if *remaining == 0 {
            return Ok(None);
        }
        end.try_prepare(list, side)?;
        let item = end.try_next_item(side)?;
        *remaining -= 1;
        Ok(item)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        or_oom(self.try_next_from(Side::Front))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining, Some(self.remaining))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        or_oom(self.try_next_from(Side::Back))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("remaining", &self.remaining).finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a QuickList {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

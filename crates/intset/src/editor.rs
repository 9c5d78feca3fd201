//! [`Editor`]: a set that is changed where it is.

use crate::buffer::Buffer;
use crate::error::Malformed;
use crate::header::{HEADER_LEN, Header};
use crate::item::{Encoding, Item, search, with_items};
use crate::view::View;
use common::{ReserveError, Room};
use core::fmt;
use core::ops::Deref;

/// A set in a block of the caller's, changed where it is. `R` is a [`Room`], which is a `Buffer` in the
/// signatures below. Reading goes through the [`View`] that the editor lends.
///
/// Each operation asks the room for more or fewer bytes at most once. An operation that fails leaves the set as it was. An empty
/// set keeps the eight bytes of its header. An [`IntSet`](crate::IntSet) is changed by the same code.
///
/// ```
/// use intset::{Editor, IntSet, ReserveError, View};
///
/// // An entry of a table: eight bytes, a set, and a key behind it. It can be 40 bytes long.
/// let mut entry = testing::Entry::new(b"8 bytes:", IntSet::from_iter([5, 1]).as_bytes(), b"key", 40);
///
/// let mut set = Editor::new(&mut entry)?;
/// assert!(set.try_insert(3)? && !set.try_insert(5)? && set.remove(1));
/// assert!(set.try_insert(-70_000)?); // and all integers have 32 bits
///
/// // With 64 bits, the three integers would need 24 bytes.
/// let refused = set.try_insert(1 << 40);
/// assert!(matches!(refused, Err(ReserveError::OutOfMemory { .. })));
/// assert!(set.iter().eq([-70_000, 3, 5]));
///
/// // The rest of the block is as it was, and the set is found between.
/// let block = entry.block();
/// let (set, key) = View::from_prefix(&block[8..])?;
/// assert_eq!((&block[..8], set.len(), key), (&b"8 bytes:"[..], 3, &b"key"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[repr(transparent)]
pub struct Editor<R> {
    pub(crate) buffer: R,
}

impl<R: Room> Editor<R> {
    /// An editor of the set that the room holds. The header is checked, and not the order of the integers, as by
    /// [`View::new`]. O(1).
    ///
    /// # Errors
    /// If the room's bytes are not valid. An error drops the room, unless `room` is a `&mut R`.
    pub fn new(room: R) -> Result<Self, Malformed> {
        View::new(room.bytes())?;
        Ok(Self { buffer: room })
    }

    /// The room.
    #[inline]
    pub fn into_room(self) -> R {
        self.buffer
    }
}

impl<B: Buffer> Editor<B> {
    /// Adds `value`, and returns whether it was not there before. O(n), because the integers behind it move; O(log n) or less at
    /// the end. If the value needs more bits than the others have, all are rewritten. In C: `intsetAdd`.
    ///
    /// # Errors
    /// If there is no memory, or with 2^32 - 1 integers.
    pub fn try_insert(&mut self, value: i64) -> Result<bool, ReserveError> {
        // One instance for each encoding: what an integer takes is a constant in it.
        with_items!(self.items(), items => match place(items, value) {
            None => self.try_upgrade_and_add(value).map(|()| true),
            Some((_, Ok(_))) => Ok(false),
            Some((item, Err(index))) => self.try_insert_at(index, item).map(|()| true),
        })
    }

    /// Puts `item`, which has the set's encoding, in front of the integer at `index`, or at the end.
    #[inline]
    fn try_insert_at<T: Item>(&mut self, index: usize, item: T) -> Result<(), ReserveError> {
        let header = Header { encoding: T::ENCODING, len: self.len() + 1 };
        let at = HEADER_LEN + index * size_of::<T>();
        self.buffer.try_make_gap(header, at, |gap| gap.write(item.as_ref()))
    }

    /// Adds a value that needs more bits than all others have, and therefore is below or above them all. In C:
    /// `intsetUpgradeAndAdd`.
    #[cold]
    #[inline(never)]
    fn try_upgrade_and_add(&mut self, value: i64) -> Result<(), ReserveError> {
        let (old, end) = (self.header(), self.as_bytes().len());
        let new = Header { encoding: Encoding::of(value), len: old.len + 1 };
        self.buffer.try_make_gap(new, end, |_| ())?;
        let bytes = self.buffer.items_mut();
        match (old.encoding, new.encoding) {
            (Encoding::Int16, Encoding::Int32) => widen::<[u8; 2], [u8; 4]>(bytes, old.len, value),
            (Encoding::Int16, _) => widen::<[u8; 2], [u8; 8]>(bytes, old.len, value),
            _ => widen::<[u8; 4], [u8; 8]>(bytes, old.len, value),
        }
        Ok(())
    }

    /// Removes `value`, and returns whether it was there. O(n), because the integers behind it move. Never fails: the block gets
    /// smaller if the allocator can make it so. In C: `intsetRemove`.
    pub fn remove(&mut self, value: i64) -> bool {
        self.rank(value).map(|index| self.buffer.remove_items(index, index + 1)).is_ok()
    }

    /// Removes the integer at `index`, and returns it. O(n), as [`remove`](Self::remove).
    pub fn remove_at(&mut self, index: usize) -> Option<i64> {
        let value = self.get(index)?;
        self.buffer.remove_items(index, index + 1);
        Some(value)
    }

    /// Removes `count` integers from index `start` on, or as many as there are, and returns how many those were. O(n).
    pub fn remove_range(&mut self, start: usize, count: usize) -> usize {
        let start = start.min(self.len());
        let end = start.saturating_add(count).min(self.len());
        self.buffer.remove_items(start, end);
        end - start
    }

    /// Removes all integers. O(1), but for what the room does with the bytes.
    pub fn clear(&mut self) {
        self.buffer.remove_items(0, self.len());
    }
}

impl<B: Buffer> Deref for Editor<B> {
    type Target = View;

    #[inline]
    fn deref(&self) -> &View {
        View::of(self.buffer.bytes())
    }
}

impl<B: Buffer> fmt::Debug for Editor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// `value` as it is stored among `items`, and its index, or where it would be inserted. `None` if it needs more bytes.
#[inline]
fn place<T: Item>(items: &[T], value: i64) -> Option<(T, Result<usize, usize>)> {
    let item = T::new(value)?;
    Some(match items.last() {
        Some(last) if last.number() >= item.number() => (item, search(items, value)),
        // Values that come in ascending order, as many do, need no search.
        _ => (item, Err(items.len())),
    })
}

/// Rewrites the first `len` integers with more bits, and writes `value` below or above them.
fn widen<Old: Item, New: Item>(bytes: &mut [u8], len: usize, value: i64) {
    fn write<T: Item>(bytes: &mut [u8], index: usize, value: i64) {
        // It fits. And there is a place for it, or the room is shorter than it was asked to be.
        if let (Some(place), Some(item)) = (T::slice_mut(bytes).get_mut(index), T::new(value)) {
            *place = item;
        }
    }
    let is_below = value < 0;
    // From the back: the new place of an integer is behind the old places of all before it.
    for index in (0..len).rev() {
        let value = Old::slice(bytes)[index].get();
        write::<New>(bytes, index + usize::from(is_below), value);
    }
    write::<New>(bytes, if is_below { 0 } else { len }, value);
}

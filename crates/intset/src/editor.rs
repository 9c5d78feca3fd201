//! [`Editor`]: changes a set in place.

use crate::buffer::Buffer;
use crate::error::Malformed;
use crate::header::{HEADER_LEN, Header};
use crate::item::{Encoding, Item, search, with_items};
use crate::view::View;
use common::{ReserveError, Room};
use core::fmt;
use core::ops::Deref;

/// Changes a set in place, in a block that the caller owns.
///
/// `R` is a [`Room`]. The signatures below say `Buffer`, which every `Room` implements. The editor derefs to
/// [`View`], which has the methods that read.
///
/// Each operation resizes the room at most once. An operation that fails leaves the set unchanged. An empty
/// set keeps the eight bytes of its header. The methods of [`IntSet`](crate::IntSet) run the same code.
///
/// ```
/// use intset::{Editor, IntSet, ReserveError, View};
///
/// // This entry of a table has eight bytes, then a set, then a key. It has at most 40 bytes.
/// let mut entry = testing::Entry::new(b"8 bytes:", IntSet::from_iter([5, 1]).as_bytes(), b"key", 40);
///
/// let mut set = Editor::new(&mut entry)?;
/// assert!(set.try_insert(3)? && !set.try_insert(5)? && set.remove(1));
/// assert!(set.try_insert(-70_000)?); // now all integers have 32 bits
///
/// // With 64 bits, the three integers would need 24 bytes.
/// let refused = set.try_insert(1 << 40);
/// assert!(matches!(refused, Err(ReserveError::OutOfMemory { .. })));
/// assert!(set.iter().eq([-70_000, 3, 5]));
///
/// // The rest of the block is unchanged, and the set is still between the eight bytes and the key.
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
    /// Returns an editor of the set that the room holds. Checks the header but not the order of the integers,
    /// as [`View::new`] does. O(1).
    ///
    /// # Errors
    /// If the room's bytes are not valid. The room is then dropped. Pass a `&mut R` to keep it.
    pub fn new(room: R) -> Result<Self, Malformed> {
        View::new(room.bytes())?;
        Ok(Self { buffer: room })
    }

    /// Returns the room.
    #[inline]
    pub fn into_room(self) -> R {
        self.buffer
    }
}

impl<B: Buffer> Editor<B> {
    /// Adds `value`, and returns whether it was not in the set before. In C: `intsetAdd`.
    ///
    /// O(n), because the integers after the value move. A value that is greater than all others needs no
    /// search and moves no integer. If the value needs more bits than the encoding has, all integers are
    /// rewritten.
    ///
    /// # Errors
    /// If there is no memory, or if the set has 2^32 - 1 integers.
    pub fn try_insert(&mut self, value: i64) -> Result<bool, ReserveError> {
        // This is compiled once for each encoding, so that the size of an integer is a constant.
        with_items!(self.items(), items => match search_item(items, value) {
            None => self.try_upgrade_and_add(value).map(|()| true),
            Some((_, Ok(_))) => Ok(false),
            Some((item, Err(index))) => self.try_insert_at(index, item).map(|()| true),
        })
    }

    /// Inserts `item` before the integer at `index`, or at the end. `item` has the set's encoding.
    #[inline]
    fn try_insert_at<T: Item>(&mut self, index: usize, item: T) -> Result<(), ReserveError> {
        let header = Header { encoding: T::ENCODING, len: self.len() + 1 };
        let at = HEADER_LEN + index * size_of::<T>();
        self.buffer.try_make_gap(header, at, |gap| gap.write(item.as_ref()))
    }

    /// Adds a value that needs more bits than the encoding has. Such a value is less than all others or
    /// greater than all others. In C: `intsetUpgradeAndAdd`.
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

    /// Removes `value`, and returns whether it was in the set. O(n), because the integers after it move. In
    /// C: `intsetRemove`.
    ///
    /// Never fails. If a smaller block cannot be allocated, the set keeps its block.
    pub fn remove(&mut self, value: i64) -> bool {
        self.rank(value).map(|index| self.buffer.remove_items(index, index + 1)).is_ok()
    }

    /// Removes the integer at `index`, and returns it. Returns `None` if there is none. O(n), as for
    /// [`remove`](Self::remove).
    pub fn remove_at(&mut self, index: usize) -> Option<i64> {
        let value = self.get(index)?;
        self.buffer.remove_items(index, index + 1);
        Some(value)
    }

    /// Removes up to `count` integers, beginning with the one at index `start`. Returns how many were
    /// removed. O(n).
    pub fn remove_range(&mut self, start: usize, count: usize) -> usize {
        let start = start.min(self.len());
        let end = start.saturating_add(count).min(self.len());
        self.buffer.remove_items(start, end);
        end - start
    }

    /// Removes all integers. O(1), plus the time that the room takes to remove the bytes.
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

/// Returns `value` as it is stored among `items`, and the result of a binary search for it. Returns `None` if
/// the value needs more bytes than an item has.
#[inline]
fn search_item<T: Item>(items: &[T], value: i64) -> Option<(T, Result<usize, usize>)> {
    let item = T::new(value)?;
    Some(match items.last() {
        Some(last) if last.number() >= item.number() => (item, search(items, value)),
        // Values often arrive in ascending order. They need no search.
        _ => (item, Err(items.len())),
    })
}

/// Rewrites the first `len` integers with more bits, and writes `value` before or after them.
fn widen<Old: Item, New: Item>(bytes: &mut [u8], len: usize, value: i64) {
    fn write<T: Item>(bytes: &mut [u8], index: usize, value: i64) {
        // The value always fits. A place is missing only if an incorrect `Room` gives fewer bytes than
        // requested.
        if let (Some(place), Some(item)) = (T::slice_mut(bytes).get_mut(index), T::new(value)) {
            *place = item;
        }
    }
    let is_below = value < 0;
    // The last integer moves first. The new place of an integer is after the old places of all smaller
    // integers, so no integer is overwritten before it has moved.
    for index in (0..len).rev() {
        let value = Old::slice(bytes)[index].get();
        write::<New>(bytes, index + usize::from(is_below), value);
    }
    write::<New>(bytes, if is_below { 0 } else { len }, value);
}

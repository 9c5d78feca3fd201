//! [`IntSet`]: the block's integers kept in order.

use crate::block::{Block, HEADER_LEN};
use crate::error::{Fault, FromBytesError, Malformed};
use crate::item::{Encoding, Item, search, with_items};
use crate::iter::Iter;
use core::ops::{Bound, RangeBounds};
use core::ptr::NonNull;
use zmalloc::{ReserveError, or_oom};

/// A set of integers, sorted and packed into one block of memory, in the byte layout of Redis' intset. One pointer wide,
/// `Option<IntSet>` too.
///
/// All integers are stored with as many bits as the largest needed when it was added: 16, 32 or 64. An empty set has no
/// block.
///
/// What allocates comes in two forms. `try_...` answers a [`ReserveError`] and leaves the set as it was; the plain form calls
/// zmalloc's OOM handler. Removing never fails.
///
/// ```
/// use intset::{Encoding, IntSet};
/// let mut set = IntSet::from_iter([3, 1, 2]);
/// assert_eq!((set.len(), set.encoding(), set.as_bytes().len()), (3, Encoding::Int16, 8 + 3 * 2));
/// assert!(set.insert(70_000) && !set.insert(1));
/// assert_eq!((set.len(), set.encoding(), set.as_bytes().len()), (4, Encoding::Int32, 8 + 4 * 4));
/// assert!(set.contains(2) && !set.contains(4));
/// assert_eq!(set.iter().rev().collect::<Vec<_>>(), [70_000, 3, 2, 1]);
/// ```
#[repr(transparent)]
pub struct IntSet {
    /// Invariant: the integers are in ascending order, no two the same.
    block: Block,
}

const _: () = assert!(size_of::<Option<IntSet>>() == size_of::<usize>());

impl IntSet {
    /// An empty set. Allocates nothing. In C: `intsetNew`.
    #[inline]
    pub const fn new() -> Self {
        Self { block: Block::EMPTY }
    }

    /// How many integers there are. O(1). In C: `intsetLen`.
    #[inline]
    pub fn len(&self) -> usize {
        self.block.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the integers are stored. It grows with what is inserted and never shrinks while the set has anything in it.
    #[inline]
    pub fn encoding(&self) -> Encoding {
        self.block.encoding()
    }

    /// Whether `value` is in the set. O(log n). In C: `intsetFind`.
    #[inline]
    pub fn contains(&self, value: i64) -> bool {
        self.rank(value).is_ok()
    }

    /// How many integers are below `value`: `Ok` if it is in the set, so that this is its index; `Err` if not. O(log n), as
    /// [`slice::binary_search`]. In C: `intsetSearch`.
    ///
    /// ```
    /// let set = intset::IntSet::from_iter([10, 20]);
    /// assert_eq!((set.rank(20), set.rank(15), set.rank(i64::MAX)), (Ok(1), Err(1), Err(2)));
    /// ```
    #[inline]
    pub fn rank(&self, value: i64) -> Result<usize, usize> {
        with_items!(self.block.items(), items => search(items, value))
    }

    /// The integer at `index`, in ascending order. O(1). In C: `intsetGet`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        with_items!(self.block.items(), items => items.get(index).map(|item| item.get()))
    }

    /// The smallest. O(1). In C: `intsetMin`.
    #[inline]
    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    /// The largest. O(1). In C: `intsetMax`.
    #[inline]
    pub fn max(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// One of them, each with the same chance (to within 2^-32) if `rng` gives fair 64-bit numbers; it is asked once. O(1). In
    /// C: `intsetRandom`.
    #[inline]
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<i64> {
        let index = (u128::from(rng()) * self.len() as u128) >> 64;
        self.get(index as usize)
    }

    /// All, in ascending order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self.block.items())
    }

    /// Those within `range`, in ascending order; none if it starts beyond its end. O(log n).
    ///
    /// ```
    /// let set = intset::IntSet::from_iter([1, 2, 3, 5, 8]);
    /// assert_eq!(set.range(2..8).collect::<Vec<_>>(), [2, 3, 5]);
    /// assert_eq!(set.range(..=3).next_back(), Some(3));
    /// ```
    pub fn range(&self, range: impl RangeBounds<i64>) -> Iter<'_> {
        let below = |value| self.rank(value).unwrap_or_else(|index| index);
        let below_or_at = |value| self.rank(value).map_or_else(|index| index, |index| index + 1);
        let start = match range.start_bound() {
            Bound::Included(&value) => below(value),
            Bound::Excluded(&value) => below_or_at(value),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&value) => below_or_at(value),
            Bound::Excluded(&value) => below(value),
            Bound::Unbounded => self.len(),
        };
        self.slice(start, end)
    }

    /// Those from index `start` up to before `end`, which is no more than the length.
    fn slice(&self, start: usize, end: usize) -> Iter<'_> {
        let mut part = self.iter();
        if let Some(beyond) = (self.len() - end).checked_sub(1) {
            part.nth_back(beyond);
        }
        if let Some(before) = start.checked_sub(1) {
            part.nth(before);
        }
        part
    }

    /// Adds `value` and says whether it was not there before. O(n), for those behind it are moved; O(log n) or less at the end. If
    /// the value needs more bits than the others have, all are rewritten. In C: `intsetAdd`.
    ///
    /// Fails if there is no memory, or with 2^32 - 1 integers.
    pub fn try_insert(&mut self, value: i64) -> Result<bool, ReserveError> {
        if Encoding::of(value) > self.encoding() {
            return self.upgrade_and_add(value).map(|()| true);
        }
        // Who adds in order, as many do, is not made to search.
        let index = match self.max() {
            Some(max) if max >= value => match self.rank(value) {
                Ok(_) => return Ok(false),
                Err(index) => index,
            },
            _ => self.len(),
        };
        self.block.try_insert(index, value).map(|()| true)
    }

    /// [`try_insert`](Self::try_insert), calling the OOM handler if there is no room.
    #[inline]
    pub fn insert(&mut self, value: i64) -> bool {
        or_oom(self.try_insert(value))
    }

    /// Adds a value that needs more bits than all others have, and therefore is below or above them all. In C:
    /// `intsetUpgradeAndAdd`.
    #[cold]
    #[inline(never)]
    fn upgrade_and_add(&mut self, value: i64) -> Result<(), ReserveError> {
        let (below, above) = if value < 0 { (Some(value), None) } else { (None, Some(value)) };
        let values = below.into_iter().chain(self.iter()).chain(above);
        let encoding = Encoding::of(value);
        self.block = Block::try_new(encoding, self.len() + 1, |bytes| {
            for (place, value) in bytes.chunks_exact_mut(encoding.size()).zip(values) {
                place.copy_from_slice(&value.to_le_bytes()[..encoding.size()]);
            }
        })?;
        Ok(())
    }

    /// Takes `value` out and says whether it was there. O(n), for those behind it are moved. Never fails: the block gets smaller if
    /// the allocator can make it so. In C: `intsetRemove`.
    pub fn remove(&mut self, value: i64) -> bool {
        let found = self.rank(value);
        found.is_ok_and(|index| self.remove_at(index).is_some())
    }

    /// Takes out the integer at `index`. O(n), as [`remove`](Self::remove).
    pub fn remove_at(&mut self, index: usize) -> Option<i64> {
        let value = self.get(index)?;
        self.block.remove(index, index + 1);
        Some(value)
    }

    /// Takes out `count` integers from index `start` on, or as many as there are, and says how many those were. O(n).
    pub fn remove_range(&mut self, start: usize, count: usize) -> usize {
        let start = start.min(self.len());
        let end = start.saturating_add(count).min(self.len());
        self.block.remove(start, end);
        end - start
    }

    /// Takes out all, and gives the block back.
    pub fn clear(&mut self) {
        self.block = Block::EMPTY;
    }

    /// A copy. Fails if there is no memory. O(n).
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        let bytes = &self.as_bytes()[HEADER_LEN..];
        let block = Block::try_new(self.encoding(), self.len(), |copy| copy.copy_from_slice(bytes))?;
        Ok(Self { block })
    }

    /// The bytes that Redis would store: encoding, length, integers, all little-endian. O(1). Of an empty set the header
    /// alone.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.block.as_bytes()
    }

    /// The set that the bytes are, wherever they come from: all is checked. O(n). An encoding wider than the integers need
    /// is kept, as Redis may have written it; an empty set is accepted. In C: `intsetValidateIntegrity`, deep.
    ///
    /// ```
    /// use intset::{Fault, IntSet};
    /// let bytes = [2, 0, 0, 0, 2, 0, 0, 0, 7, 0, 1, 0];
    /// assert_eq!(IntSet::from_bytes(&bytes[..6]).unwrap_err().fault, Fault::Truncated);
    /// let error = IntSet::from_bytes(&bytes).unwrap_err();
    /// assert_eq!((error.offset, error.fault), (10, Fault::Order)); // 1 after 7
    /// ```
    pub fn try_from_bytes(bytes: &[u8]) -> Result<Self, FromBytesError> {
        let (encoding, items) = check_header(bytes)?;
        let block =
            Block::try_new(encoding, items.len() / encoding.size(), |copy| copy.copy_from_slice(items))?;
        with_items!(block.items(), items => check_order(items))?;
        Ok(Self { block })
    }

    /// [`try_from_bytes`](Self::try_from_bytes), calling the OOM handler if there is no room for the copy.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        match Self::try_from_bytes(bytes) {
            Ok(set) => Ok(set),
            Err(FromBytesError::Malformed(error)) => Err(error),
            Err(FromBytesError::Reserve(error)) => or_oom(Err(error)),
        }
    }

    /// What the set has added to `used_memory`, in bytes: its block with all that the allocator rounds up. In C, without that:
    /// `intsetBlobLen`.
    pub fn allocation_size(&self) -> usize {
        self.block.allocation_size()
    }

    /// For a defragmenter: asks `moves` about the block, with its size in bytes, whether it should lie elsewhere, as
    /// `zmalloc::defrag::Survey::hint` says; moves it if told so, and says whether it did. Without memory it stays where it is. In C:
    /// the intset part of `defragKey`.
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        self.block.relocate(moves)
    }
}

/// Encoding and integers of bytes whose header is right.
fn check_header(bytes: &[u8]) -> Result<(Encoding, &[u8]), Malformed> {
    let malformed = |offset, fault| Malformed { offset, fault };
    let truncated = malformed(bytes.len(), Fault::Truncated);
    let (&encoding, rest) = bytes.split_first_chunk::<4>().ok_or(truncated)?;
    let (&length, items) = rest.split_first_chunk::<4>().ok_or(truncated)?;
    let encoding =
        Encoding::from_number(u32::from_le_bytes(encoding)).ok_or(malformed(0, Fault::Encoding))?;
    // No overflow: 2^32 times 8 are below 2^64.
    if u64::from(u32::from_le_bytes(length)) * encoding.size() as u64 != items.len() as u64 {
        return Err(malformed(4, Fault::Length));
    }
    Ok((encoding, items))
}

/// Whether all ascend, none twice.
fn check_order<T: Item>(items: &[T]) -> Result<(), Malformed> {
    match items.windows(2).position(|pair| pair[0].get() >= pair[1].get()) {
        Some(index) => {
            Err(Malformed { offset: HEADER_LEN + (index + 1) * size_of::<T>(), fault: Fault::Order })
        }
        None => Ok(()),
    }
}

//! The handle, and what can be said of a list without looking at its entries.

use crate::storage::{COUNT_UNKNOWN, HEADER_LEN, Storage};
use core::fmt;
use core::num::NonZeroU32;
use core::ptr::NonNull;
use zmalloc::{ReserveError, or_oom};

/// A packed list: strings and integers, one behind the other, in one block. See the [crate's page](crate).
///
/// One pointer wide, and so is `Option<ListPack>`. An empty list owns no block.
pub struct ListPack {
    pub(crate) storage: Storage,
}

const _: () = assert!(size_of::<Option<ListPack>>() == size_of::<usize>());

/// Where an entry begins, in bytes from the beginning of the list.
///
/// An offset is good until the list changes before it. One that is no longer good, or of another list, is no danger: some
/// other value may be found or changed there, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(NonZeroU32);

const _: () = assert!(size_of::<Option<Offset>>() == 4);

impl Offset {
    /// The position `at`, which is not in front of the first entry.
    #[inline]
    pub(crate) fn new(at: usize) -> Self {
        debug_assert!(at >= HEADER_LEN);
        // No list is longer than 1 GiB. Were it, the offset would be wrong, which is no danger.
        Self(NonZeroU32::new(at as u32).unwrap_or(NonZeroU32::MAX))
    }

    #[inline]
    pub(crate) fn at(self) -> usize {
        self.0.get() as usize
    }
}

impl ListPack {
    /// An empty list. Allocates nothing. In C: `lpNew`.
    #[inline]
    pub const fn new() -> Self {
        Self { storage: Storage::new() }
    }

    /// The list in antirez' format, header and end included: what a dump holds. O(1).
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.storage.bytes()
    }

    /// Header and entries, without the end byte.
    #[inline]
    pub(crate) fn body(&self) -> &[u8] {
        match self.storage.bytes() {
            [body @ .., _end] => body,
            [] => &[], // a list has seven bytes at least
        }
    }

    /// Bytes of the list. O(1). In C: `lpBytes`.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.storage.byte_len()
    }

    /// How many entries there are. O(1) up to 65,534 entries; beyond, the header does not tell, and they are counted: O(n).
    /// In C: `lpLength`.
    #[inline]
    pub fn len(&self) -> usize {
        self.known_len().unwrap_or_else(|| self.count_entries())
    }

    #[cold]
    #[inline(never)]
    fn count_entries(&self) -> usize {
        self.iter().count()
    }

    /// The number of entries, if the header tells.
    #[inline]
    pub(crate) fn known_len(&self) -> Option<usize> {
        let count = self.storage.count();
        (count != COUNT_UNKNOWN).then_some(usize::from(count))
    }

    /// Whether there is no entry. O(1).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.body().len() == HEADER_LEN
    }

    /// What the list adds to `used_memory`, in bytes: 0 if it is empty. O(1).
    #[inline]
    pub fn allocation_size(&self) -> usize {
        self.storage.allocation_size()
    }

    /// Removes all entries and gives the block back. O(1).
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Moves the list to a block of the size class that it needs, if it has a larger one and there is memory. Removing entries
    /// does so by itself once half of the block is empty. O(n). In C: `lpShrinkToFit`.
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.extend(1_000..1_100);
    /// list.truncate(70);
    /// let roomy = list.allocation_size();
    /// list.shrink_to_fit();
    /// assert!(list.allocation_size() < roomy);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.storage.shrink_to_fit();
    }

    /// A copy, or an error if there is no memory. O(n). In C: `lpDup`.
    pub fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(Self { storage: Storage::try_from_bytes(self.as_bytes())? })
    }

    /// For defragmentation: asks `moves` about the block, with its address and size in bytes, and moves the list to a new one
    /// if the answer is `true` and there is memory. Answers whether it has moved. O(n) if so.
    pub fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        self.storage.relocate(moves)
    }
}

impl Default for ListPack {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for ListPack {
    /// [`ListPack::try_clone`], with the OOM handler in place of an error.
    fn clone(&self) -> Self {
        or_oom(self.try_clone())
    }
}

/// Lists are equal if their entries are, one by one.
impl PartialEq for ListPack {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes() || self.iter().eq(other.iter())
    }
}

impl fmt::Debug for ListPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

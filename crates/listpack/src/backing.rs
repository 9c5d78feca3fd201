//! [`Backing`]: the place of a [`ListPack`](crate::ListPack)'s bytes.

use crate::buffer::Buffer;
use crate::storage::Storage;
use common::{NoRoom, ReserveError, Room, Writer};

/// A list's own block, or a caller's [`Room`].
///
/// A `Backing<NoRoom>` is always a block. It has the size and the niche of [`Storage`], and a match on it
/// compiles to nothing, because [`NoRoom`] has no values.
pub(crate) enum Backing<R> {
    Own(Storage),
    Room(R),
}

const _: () = assert!(size_of::<Option<Backing<NoRoom>>>() == size_of::<usize>());

impl Backing<NoRoom> {
    /// Returns the block.
    #[inline]
    pub(crate) fn own(&self) -> &Storage {
        match self {
            Self::Own(storage) => storage,
            Self::Room(no_room) => match *no_room {},
        }
    }

    /// Returns the block mutably.
    #[inline]
    pub(crate) fn own_mut(&mut self) -> &mut Storage {
        match self {
            Self::Own(storage) => storage,
            Self::Room(no_room) => match *no_room {},
        }
    }
}

/// These methods are always inlined. With [`NoRoom`] they compile to nothing, so the compiler inlines the
/// methods of [`Storage`] as if they were called directly.
impl<R: Room> Buffer for Backing<R> {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(storage) => storage.bytes(),
            Self::Room(room) => Buffer::bytes(room),
        }
    }

    #[inline(always)]
    fn entries_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Own(storage) => storage.entries_mut(),
            Self::Room(room) => room.entries_mut(),
        }
    }

    #[inline(always)]
    fn count(&self) -> u16 {
        match self {
            Self::Own(storage) => storage.count(),
            Self::Room(room) => room.count(),
        }
    }

    #[inline(always)]
    fn set_count(&mut self, count: u16) {
        match self {
            Self::Own(storage) => storage.set_count(count),
            Self::Room(room) => room.set_count(count),
        }
    }

    #[inline(always)]
    fn try_splice(
        &mut self,
        at: usize,
        removed: usize,
        added: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError> {
        match self {
            Self::Own(storage) => storage.try_splice(at, removed, added, fill),
            Self::Room(room) => Buffer::try_splice(room, at, removed, added, fill),
        }
    }
}

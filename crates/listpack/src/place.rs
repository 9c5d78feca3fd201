//! [`Place`]: where the bytes of a [`ListPack`](crate::ListPack) lie.

use crate::buffer::Buffer;
use crate::storage::Storage;
use common::{NoRoom, ReserveError, Room, Writer};

/// A list's own block, or a [`Room`] of a caller's.
///
/// Without a room, which [`NoRoom`] says, this is the block: as large, with the same niche, and matching on it compiles to nothing.
pub(crate) enum Place<R> {
    Own(Storage),
    Room(R),
}

const _: () = assert!(size_of::<Option<Place<NoRoom>>>() == size_of::<usize>());

impl Place<NoRoom> {
    /// The block.
    #[inline]
    pub(crate) fn own(&self) -> &Storage {
        match self {
            Self::Own(storage) => storage,
            Self::Room(no_room) => match *no_room {},
        }
    }

    /// The block, to be changed.
    #[inline]
    pub(crate) fn own_mut(&mut self) -> &mut Storage {
        match self {
            Self::Own(storage) => storage,
            Self::Room(no_room) => match *no_room {},
        }
    }
}

/// These are always inlined: where there is no room, nothing of them is left, and the rest is inlined as if they were not there.
impl<R: Room> Buffer for Place<R> {
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

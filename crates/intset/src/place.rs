//! [`Place`]: where the bytes of an [`IntSet`](crate::IntSet) lie.

use crate::block::Block;
use crate::buffer::Buffer;
use crate::header::Header;
use common::{NoRoom, ReserveError, Room, Writer};

/// A set's own block, or a [`Room`] of a caller's.
///
/// Without a room, which [`NoRoom`] says, this is the block: as large, with the same niche, and matching on it compiles to nothing.
pub(crate) enum Place<R> {
    Own(Block),
    Room(R),
}

const _: () = assert!(size_of::<Option<Place<NoRoom>>>() == size_of::<usize>());

impl Place<NoRoom> {
    /// The block.
    #[inline]
    pub(crate) fn own(&self) -> &Block {
        match self {
            Self::Own(block) => block,
            Self::Room(no_room) => match *no_room {},
        }
    }

    /// The block, to be changed.
    #[inline]
    pub(crate) fn own_mut(&mut self) -> &mut Block {
        match self {
            Self::Own(block) => block,
            Self::Room(no_room) => match *no_room {},
        }
    }
}

/// These are always inlined: where there is no room, nothing of them is left, and the rest is inlined as if they were not there.
impl<R: Room> Buffer for Place<R> {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(block) => block.bytes(),
            Self::Room(room) => Buffer::bytes(room),
        }
    }

    #[inline(always)]
    fn items_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Own(block) => block.items_mut(),
            Self::Room(room) => room.items_mut(),
        }
    }

    #[inline(always)]
    fn try_make_gap(
        &mut self,
        header: Header,
        at: usize,
        fill: impl FnOnce(&mut Writer<'_, '_>),
    ) -> Result<(), ReserveError> {
        match self {
            Self::Own(block) => block.try_make_gap(header, at, fill),
            Self::Room(room) => room.try_make_gap(header, at, fill),
        }
    }

    #[inline(always)]
    fn remove_items(&mut self, start: usize, end: usize) {
        match self {
            Self::Own(block) => block.remove_items(start, end),
            Self::Room(room) => room.remove_items(start, end),
        }
    }
}

//! [`Backing`]: the place of an [`IntSet`](crate::IntSet)'s bytes.

use crate::block::Block;
use crate::buffer::Buffer;
use crate::header::Header;
use common::{NoRoom, ReserveError, Room, Writer};

/// A set's own block, or a caller's [`Room`].
///
/// A `Backing<NoRoom>` is always a block. It has the size and the niche of [`Block`], and a match on it
/// compiles to nothing, because [`NoRoom`] has no values.
pub(crate) enum Backing<R> {
    Own(Block),
    Room(R),
}

const _: () = assert!(size_of::<Option<Backing<NoRoom>>>() == size_of::<usize>());

impl Backing<NoRoom> {
    /// Returns the block.
    #[inline]
    pub(crate) fn own(&self) -> &Block {
        match self {
            Self::Own(block) => block,
            Self::Room(no_room) => match *no_room {},
        }
    }

    /// Returns the block mutably.
    #[inline]
    pub(crate) fn own_mut(&mut self) -> &mut Block {
        match self {
            Self::Own(block) => block,
            Self::Room(no_room) => match *no_room {},
        }
    }
}

/// These methods are always inlined. With [`NoRoom`] they compile to nothing, so the compiler inlines the
/// methods of [`Block`] as if they were called directly.
impl<R: Room> Buffer for Backing<R> {
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

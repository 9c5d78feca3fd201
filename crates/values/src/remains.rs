//! [`Remains`]: the rest of a value that is dropped in steps.

use crate::hashtable::StringTable;
use core::fmt;
use quicklist::QuickList;

/// The rest of a collection that is dropped in steps. If it is dropped itself, it frees the rest at once.
///
/// It is no longer a value. For example, a sorted set loses its table before its members, so that no member
/// has to be looked up.
pub struct Remains(pub(crate) RemainsRepr);

pub(crate) enum RemainsRepr {
    List(QuickList),
    Set(StringTable<1>),
    Hash(StringTable<2>),
    ZSet(zindex::Remains),
}

const _: () = assert!(size_of::<Remains>() == 2 * size_of::<usize>());

impl From<StringTable<1>> for RemainsRepr {
    fn from(table: StringTable<1>) -> Self {
        Self::Set(table)
    }
}

impl From<StringTable<2>> for RemainsRepr {
    fn from(table: StringTable<2>) -> Self {
        Self::Hash(table)
    }
}

/// Checks that the rest may be dropped on another thread.
const _: () = {
    const fn sendable<T: Send + Sync>() {}
    sendable::<Remains>();
};

impl Remains {
    /// Drops the next part, as [`Collection::drop_in_steps`](crate::Collection::drop_in_steps) does.
    #[must_use = "what is left is dropped at once"]
    pub fn drop_in_steps(self, n: usize) -> Option<Self> {
        let rest = match self.0 {
            RemainsRepr::List(list) => list.drop_in_steps(n).map(RemainsRepr::List),
            RemainsRepr::Set(table) => table.drop_in_steps(n).map(RemainsRepr::Set),
            RemainsRepr::Hash(table) => table.drop_in_steps(n).map(RemainsRepr::Hash),
            RemainsRepr::ZSet(remains) => remains.drop_in_steps(n).map(RemainsRepr::ZSet),
        };
        rest.map(Self)
    }

    /// Returns the exact number of bytes of the rest in `used_memory`. Constant time.
    pub fn allocation_size(&self) -> usize {
        match &self.0 {
            RemainsRepr::List(list) => list.allocation_size(),
            RemainsRepr::Set(table) => table.allocation_size(),
            RemainsRepr::Hash(table) => table.allocation_size(),
            RemainsRepr::ZSet(remains) => remains.allocation_size(),
        }
    }
}

impl fmt::Debug for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remains").finish_non_exhaustive()
    }
}

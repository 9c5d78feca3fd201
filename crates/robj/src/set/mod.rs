//! [`Set`]: sets.

use crate::collection::{Collection, from_word, into_word, sealed};
use crate::members::Members;
use crate::types::{Encoding, ObjectType};
use core::ptr::NonNull;
use intset::IntSet;
use listpack::ListPack;
use zmalloc::ReserveError;

/// A set of byte strings; 16 bytes.
#[derive(Debug)]
pub struct Set(Repr);

/// Its encodings.
#[derive(Debug)]
enum Repr {
    IntSet(IntSet),
    ListPack(ListPack),
    HashTable(Members<1>),
}

impl Set {
    /// Nothing in it, and nothing allocated.
    pub const fn new() -> Self {
        Self(Repr::IntSet(IntSet::new()))
    }
}

impl Default for Set {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Set {
    fn eq(&self, _other: &Self) -> bool {
        false // SKELETON
    }
}

impl Eq for Set {}

impl sealed::Sealed for Set {}

impl Collection for Set {
    const TYPE: ObjectType = ObjectType::Set;
    const EMPTY: Self = Self::new();

    fn encoding(&self) -> Encoding {
        match self.0 {
            Repr::IntSet(_) => Encoding::IntSet,
            Repr::ListPack(_) => Encoding::ListPack,
            Repr::HashTable(_) => Encoding::HashTable,
        }
    }

    fn len(&self) -> usize {
        match &self.0 {
            Repr::IntSet(inner) => inner.len(),
            Repr::ListPack(inner) => inner.len(),
            Repr::HashTable(inner) => inner.len(),
        }
    }

    fn memory_usage(&self) -> usize {
        match &self.0 {
            Repr::IntSet(inner) => inner.allocation_size(),
            Repr::ListPack(inner) => inner.allocation_size(),
            Repr::HashTable(inner) => inner.allocation_size(),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::IntSet(_) => 1,
            Repr::ListPack(_) => 1,
            Repr::HashTable(inner) => inner.len(),
        }
    }

    fn drop_in_steps(self, n: usize) -> Option<Self> {
        let _ = n;
        match self.0 {
            Repr::IntSet(_) => None,   // one block
            Repr::ListPack(_) => None, // one block
            Repr::HashTable(inner) => inner.drop_in_steps(n).map(|rest| Self(Repr::HashTable(rest))),
        }
    }

    fn relocate(&mut self, cursor: u64, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> u64 {
        let _ = cursor;
        match &mut self.0 {
            Repr::IntSet(inner) => {
                inner.relocate(moves);
                0
            }
            Repr::ListPack(inner) => {
                inner.relocate(moves);
                0
            }
            Repr::HashTable(inner) => inner.relocate(cursor, moves),
        }
    }

    fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(Self(match &self.0 {
            Repr::IntSet(inner) => Repr::IntSet(inner.try_clone()?),
            Repr::ListPack(inner) => Repr::ListPack(inner.try_clone()?),
            Repr::HashTable(inner) => Repr::HashTable(inner.try_clone()?),
        }))
    }

    fn into_raw(self) -> (Encoding, NonNull<u8>) {
        let encoding = self.encoding();
        let word = match self.0 {
            Repr::IntSet(inner) => into_word(inner),
            Repr::ListPack(inner) => into_word(inner),
            Repr::HashTable(inner) => into_word(inner),
        };
        (encoding, word)
    }

    unsafe fn from_raw(encoding: Encoding, pointer: NonNull<u8>) -> Self {
        // SAFETY: by contract, the encoding says whose word the pointer is.
        unsafe {
            Self(match encoding {
                Encoding::IntSet => Repr::IntSet(from_word(pointer)),
                Encoding::ListPack => Repr::ListPack(from_word(pointer)),
                _ => Repr::HashTable(from_word(pointer)),
            })
        }
    }
}

//! [`List`]: lists.

use crate::collection::{Collection, from_word, into_word, sealed};
use crate::types::{Encoding, ObjectType};
use core::ptr::NonNull;
use listpack::ListPack;
use zmalloc::ReserveError;

/// A list of byte strings; 16 bytes.
#[derive(Debug)]
pub struct List(Repr);

/// Its encodings.
#[derive(Debug)]
enum Repr {
    ListPack(ListPack),
}

impl List {
    /// Nothing in it, and nothing allocated.
    pub const fn new() -> Self {
        Self(Repr::ListPack(ListPack::new()))
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for List {
    fn eq(&self, _other: &Self) -> bool {
        false // SKELETON
    }
}

impl Eq for List {}

impl sealed::Sealed for List {}

impl Collection for List {
    const TYPE: ObjectType = ObjectType::List;
    const EMPTY: Self = Self::new();

    fn encoding(&self) -> Encoding {
        match self.0 {
            Repr::ListPack(_) => Encoding::ListPack,
        }
    }

    fn len(&self) -> usize {
        match &self.0 {
            Repr::ListPack(inner) => inner.len(),
        }
    }

    fn memory_usage(&self) -> usize {
        match &self.0 {
            Repr::ListPack(inner) => inner.allocation_size(),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::ListPack(_) => 1,
        }
    }

    fn drop_in_steps(self, n: usize) -> Option<Self> {
        let _ = n;
        match self.0 {
            Repr::ListPack(_) => None, // one block
        }
    }

    fn relocate(&mut self, cursor: u64, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> u64 {
        let _ = cursor;
        match &mut self.0 {
            Repr::ListPack(inner) => {
                inner.relocate(moves);
                0
            }
        }
    }

    fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(Self(match &self.0 {
            Repr::ListPack(inner) => Repr::ListPack(inner.try_clone()?),
        }))
    }

    fn into_raw(self) -> (Encoding, NonNull<u8>) {
        let encoding = self.encoding();
        let word = match self.0 {
            Repr::ListPack(inner) => into_word(inner),
        };
        (encoding, word)
    }

    unsafe fn from_raw(encoding: Encoding, pointer: NonNull<u8>) -> Self {
        // SAFETY: by contract, the encoding says whose word the pointer is.
        unsafe {
            Self(match encoding {
                _ => Repr::ListPack(from_word(pointer)),
            })
        }
    }
}

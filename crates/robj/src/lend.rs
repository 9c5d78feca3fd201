//! How an object lends the collection that is in it to be changed. (Readers get a view.)
//!
//! The header keeps the encoding in its tag and the collection's word as its value. A loan makes the collection of the two on
//! the stack, and puts both back when it ends, because a write may change them.
//!
//! ```text
//!  header  | type, encoding | lru | refcount | word |
//!                   \                         /
//!  loan             enum { ListPack(word), ... }
//! ```

use crate::header::Header;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use values::Collection;

/// A collection inside an object, to be changed. The object has the changed one when this is dropped; if it never is, the object is
/// empty and the collection is leaked.
pub struct RefMut<'a, C: Collection> {
    value: ManuallyDrop<C>,
    header: &'a mut Header,
}

impl<'a, C: Collection> RefMut<'a, C> {
    /// # Safety
    /// The header's type is `C::TYPE` (so that encoding and value are those of a `C`).
    #[inline]
    pub(crate) unsafe fn new(header: &'a mut Header) -> Self {
        // SAFETY: encoding and word came from `into_raw` (H1); they are replaced at once, so that there is one owner.
        let value = unsafe { C::from_raw(header.encoding(), header.value.collection) };
        put(header, C::EMPTY);
        Self { value: ManuallyDrop::new(value), header }
    }
}

/// Gives a collection to a header, whose value owns nothing.
#[inline]
pub(crate) fn put<C: Collection>(header: &mut Header, collection: C) {
    let (encoding, word) = collection.into_raw();
    header.set_collection(C::TYPE, encoding, word);
}

impl<C: Collection> Deref for RefMut<'_, C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.value
    }
}

impl<C: Collection> DerefMut for RefMut<'_, C> {
    #[inline]
    fn deref_mut(&mut self) -> &mut C {
        &mut self.value
    }
}

impl<C: Collection> Drop for RefMut<'_, C> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken once, here; the field is not used again. What the header held meanwhile owns nothing.
        put(self.header, unsafe { ManuallyDrop::take(&mut self.value) });
    }
}

impl<C: Collection + fmt::Debug> fmt::Debug for RefMut<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

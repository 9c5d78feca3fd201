//! [`RefMut`]: a collection that its object lends for writing. (Readers get a view.)
//!
//! The header keeps the encoding in its tag and the collection's word as its value. A loan builds a
//! collection from encoding and word, on the stack. When the loan ends, it puts both back, because a write
//! may change them.
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

/// A collection that is borrowed from an object for writing. When this is dropped, the object gets the
/// changed collection. If this is leaked, the object stays empty and the collection is leaked too.
pub struct RefMut<'a, C: Collection> {
    value: ManuallyDrop<C>,
    header: &'a mut Header,
}

impl<'a, C: Collection> RefMut<'a, C> {
    /// Takes the collection out of a header.
    ///
    /// # Safety
    /// The header's type must be `C::TYPE`, so that encoding and value are those of a `C`.
    #[inline]
    pub(crate) unsafe fn new(header: &'a mut Header) -> Self {
        // SAFETY: encoding and word came from `into_raw` (H1). They are replaced at once, so that there is
        // one owner.
        let value = unsafe { C::from_raw(header.encoding(), header.value.collection) };
        store_collection(header, C::EMPTY);
        Self { value: ManuallyDrop::new(value), header }
    }
}

/// Gives a collection to a header, whose old value must not own anything.
#[inline]
pub(crate) fn store_collection<C: Collection>(header: &mut Header, collection: C) {
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
        // SAFETY: the field is taken only here, and is not used again. The header's value owns nothing
        // meanwhile.
        store_collection(self.header, unsafe { ManuallyDrop::take(&mut self.value) });
    }
}

impl<C: Collection + fmt::Debug> fmt::Debug for RefMut<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

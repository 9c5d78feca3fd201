//! [`Lent`]: counts the bytes of strings that replies hold.
//!
//! A reply shares a long string with its key ([`StringRef::to_bytes`](crate::StringRef::to_bytes)). When the
//! key is removed or written to, the reply keeps the old string alive, and its memory no longer belongs to a
//! key. The sum has one [`CountedBytes`] for each reply. Clones of a `Bytes` count as one reply.
//!
//! Limits: the sum is an upper bound of the memory that replies keep alive, because a string counts once for
//! each reply.

use crate::shared_sum::{CountedBytes, SharedSum};
use bytes::Bytes;
use robj::Robj;
use values::Element;

/// The bytes of all replies that are not dropped yet.
#[derive(Default)]
pub(crate) struct Lent(SharedSum);

impl Lent {
    /// Returns the bytes of all replies that are not dropped yet.
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// Returns a reply that shares the string of `object`. A shared string never changes.
    pub(crate) fn lend(&self, object: &Robj) -> Bytes {
        let counted = self.0.add(object.allocation_size());
        Bytes::from_owner(Reply { object: object.clone(), _counted: counted })
    }
}

/// The fields are dropped in this order, so the string is counted until its memory is freed.
struct Reply {
    object: Robj,
    _counted: CountedBytes,
}

impl AsRef<[u8]> for Reply {
    fn as_ref(&self) -> &[u8] {
        match self.object.as_element() {
            Ok(Element::Bytes(bytes)) => bytes,
            _ => unreachable!("the object of an entry has bytes"),
        }
    }
}

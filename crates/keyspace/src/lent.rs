//! [`Lent`]: how many bytes replies hold.
//!
//! A reply shares a long string with its key ([`StringRef::to_bytes`](crate::StringRef::to_bytes)). When the
//! key is removed or written to, the reply keeps the old string alive. So memory is in use that belongs to no
//! key. Each reply is a share of one sum. Clones of a `Bytes` are one reply.
//!
//! Limits: the sum is an upper bound of the memory that replies keep alive, because a string counts once for
//! each reply.

use crate::shared_sum::{Share, SharedSum};
use bytes::Bytes;
use robj::Robj;
use values::Element;

/// The bytes of all replies that are still held.
#[derive(Default)]
pub(crate) struct Lent(SharedSum);

impl Lent {
    /// The bytes of all replies that are still held.
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// A reply that shares the string of `object`, which stays as it is while it is shared.
    pub(crate) fn lend(&self, object: &Robj) -> Bytes {
        let share = self.0.add(object.allocation_size());
        Bytes::from_owner(Reply { object: object.clone(), _share: share })
    }
}

/// The fields are dropped in this order: the string is counted until its memory is free.
struct Reply {
    object: Robj,
    _share: Share,
}

impl AsRef<[u8]> for Reply {
    fn as_ref(&self) -> &[u8] {
        match self.object.as_element() {
            Ok(Element::Bytes(bytes)) => bytes,
            _ => unreachable!("the object of an entry has bytes"),
        }
    }
}

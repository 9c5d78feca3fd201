//! [`Lent`]: how many bytes replies hold.
//!
//! A reply shares a long string with its key ([`StringRef::to_bytes`](crate::StringRef::to_bytes)). When the
//! key is removed or written to, the reply keeps the old string alive. So memory is in use that belongs to no
//! key.
//!
//! Each reply adds the size of its string when it is made, and subtracts it when it is dropped, on whatever
//! thread. Clones of a `Bytes` are one reply. Keyspace and replies share the counter, because a reply may
//! outlive its keyspace.
//!
//! Limits: the sum is an upper bound of the memory that replies keep alive, because a string counts once for
//! each reply. The counter is one word for all threads, so replies of long strings to several threads at once
//! wait for it. It is allocated with the first reply, through the global allocator.

use bytes::Bytes;
use core::sync::atomic::{AtomicUsize, Ordering};
use robj::Robj;
use std::sync::{Arc, OnceLock};
use values::Element;

/// The counter, which is made with the first reply.
#[derive(Default)]
pub(crate) struct Lent(OnceLock<Arc<AtomicUsize>>);

impl Lent {
    /// The bytes of all replies that are still held.
    pub(crate) fn bytes(&self) -> usize {
        self.0.get().map_or(0, |bytes| bytes.load(Ordering::Relaxed))
    }

    /// A reply that shares the string of `object`.
    pub(crate) fn lend(&self, object: &Robj) -> Bytes {
        let (counter, size) = (self.0.get_or_init(Arc::default).clone(), object.allocation_size());
        counter.fetch_add(size, Ordering::Relaxed);
        Bytes::from_owner(Reply { object: object.clone(), _count: Count { counter, size } })
    }
}

/// The fields are dropped in this order: the string is counted until its memory is free.
struct Reply {
    object: Robj,
    _count: Count,
}

/// What a reply has added to the counter. The object stays as it is while it is shared.
struct Count {
    counter: Arc<AtomicUsize>,
    size: usize,
}

impl AsRef<[u8]> for Reply {
    fn as_ref(&self) -> &[u8] {
        match self.object.as_element() {
            Ok(Element::Bytes(bytes)) => bytes,
            _ => unreachable!("the object of an entry has bytes"),
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.size, Ordering::Relaxed);
    }
}

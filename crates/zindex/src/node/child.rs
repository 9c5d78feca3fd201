//! [`Child`]: a boxed leaf or a boxed inner node, in one word.
//!
//! Nodes are aligned to eight bytes, so the lowest bit of their address is free. The bit is set for an
//! inner node. Invariant: the address without the bit is that of a box which the `Child` owns. The bit
//! tells the type of the box.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use allocator_api2::boxed::Box;
use zmalloc::{Zmalloc, box_size, relocate_box};

use super::{First, Inner, Leaf};

pub(crate) type Boxed<T> = Box<T, Zmalloc>;

pub(crate) struct Child {
    tagged: NonNull<u8>,
}

pub(crate) enum NodeRef<'a> {
    Leaf(&'a Leaf),
    Inner(&'a Inner),
}

pub(crate) enum NodeMut<'a> {
    Leaf(&'a mut Leaf),
    Inner(&'a mut Inner),
}

const INNER: usize = 1;
const _: () = assert!(align_of::<Leaf>() > INNER && align_of::<Inner>() > INNER);
const _: () = assert!(size_of::<Option<Child>>() == size_of::<usize>());

// SAFETY: a child owns its node, and nodes are `Send`.
unsafe impl Send for Child {}
// SAFETY: a shared child only lends its node, and nodes are `Sync`.
unsafe impl Sync for Child {}

impl Child {
    pub(crate) fn leaf(leaf: Boxed<Leaf>) -> Self {
        Self { tagged: NonNull::from(Box::leak(leaf)).cast() }
    }

    pub(crate) fn inner(inner: Boxed<Inner>) -> Self {
        Self { tagged: NonNull::from(Box::leak(inner)).cast().map_addr(|address| address | INNER) }
    }

    #[inline]
    fn is_inner(&self) -> bool {
        self.tagged.addr().get() & INNER != 0
    }

    /// Returns the node's address.
    #[inline]
    fn untagged<T>(&self) -> NonNull<T> {
        // SAFETY: the address of a node is not null, and its lowest bit is clear.
        unsafe { NonNull::new_unchecked(self.tagged.as_ptr().map_addr(|address| address & !INNER).cast()) }
    }

    #[inline]
    pub(crate) fn get(&self) -> NodeRef<'_> {
        // SAFETY: the node is owned, has the type that the tag tells, and is borrowed as long as `self`.
        unsafe {
            if self.is_inner() {
                NodeRef::Inner(self.untagged().as_ref())
            } else {
                NodeRef::Leaf(self.untagged().as_ref())
            }
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> NodeMut<'_> {
        // SAFETY: as in `get`, and `self` is borrowed for writing.
        unsafe {
            if self.is_inner() {
                NodeMut::Inner(self.untagged().as_mut())
            } else {
                NodeMut::Leaf(self.untagged().as_mut())
            }
        }
    }

    /// Returns the inner node, or `None` if the node is a leaf. A leaf is dropped.
    pub(crate) fn into_inner(self) -> Option<Boxed<Inner>> {
        if !self.is_inner() {
            return None;
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: the node is an inner node that came out of a box. `this` does not drop it.
        Some(unsafe { Box::from_raw_in(this.untagged().as_ptr(), Zmalloc) })
    }

    /// Returns the number of children of an inner node, or of entries of a leaf.
    pub(crate) fn width(&self) -> usize {
        match self.get() {
            NodeRef::Leaf(leaf) => leaf.len(),
            NodeRef::Inner(inner) => inner.len(),
        }
    }

    /// Returns the number of entries in and below the node.
    pub(crate) fn count(&self) -> usize {
        match self.get() {
            NodeRef::Leaf(leaf) => leaf.len(),
            NodeRef::Inner(inner) => inner.count(),
        }
    }

    /// Returns the first entry in or below the node, which must have one.
    pub(crate) fn first(&self) -> First {
        match self.get() {
            NodeRef::Leaf(leaf) => First { key: leaf.key(0), block: leaf.ptr(0) },
            NodeRef::Inner(inner) => inner.first(0),
        }
    }

    /// Returns the number of bytes that the node's own block adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: the node is owned and has the type that the tag tells.
        unsafe {
            if self.is_inner() { box_size(&self.boxed::<Inner>()) } else { box_size(&self.boxed::<Leaf>()) }
        }
    }

    /// Moves the node to another block if `moves` returns `true` and there is memory. Returns whether it
    /// moved.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        // SAFETY: the node is owned and has the type that the tag tells. The new address gets the same tag.
        unsafe {
            if self.is_inner() {
                let mut boxed = self.boxed::<Inner>();
                let moved = relocate_box(&mut boxed, moves);
                self.tagged = NonNull::from(&mut **boxed).cast().map_addr(|address| address | INNER);
                moved
            } else {
                let mut boxed = self.boxed::<Leaf>();
                let moved = relocate_box(&mut boxed, moves);
                self.tagged = NonNull::from(&mut **boxed).cast();
                moved
            }
        }
    }

    /// Returns the node's box, which must not outlive the borrow of `self`, nor a change of it.
    ///
    /// # Safety
    /// The node must be a `T`.
    unsafe fn boxed<T>(&self) -> ManuallyDrop<Boxed<T>> {
        // SAFETY: the node came out of a box, and `ManuallyDrop` does not drop it here.
        ManuallyDrop::new(unsafe { Box::from_raw_in(self.untagged().as_ptr(), Zmalloc) })
    }

    /// Drops the node and bypasses the thread's cache, so that its block is free in its slab at once.
    pub(crate) fn drop_no_tcache(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: the node is owned, has the type that the tag tells, and is not used again.
        unsafe {
            if this.is_inner() {
                zmalloc::drop_no_tcache(ManuallyDrop::into_inner(this.boxed::<Inner>()));
            } else {
                zmalloc::drop_no_tcache(ManuallyDrop::into_inner(this.boxed::<Leaf>()));
            }
        }
    }

    /// Prefetches the cache lines that a search of the node reads.
    #[inline]
    pub(crate) fn prefetch(&self) {
        let start = self.untagged::<u8>().as_ptr();
        for line in 0..5 {
            dict::prefetch::prefetch(start.wrapping_add(64 * line));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: the node came out of a box of the type that the tag tells, and is not used again.
        unsafe {
            if self.is_inner() {
                drop(Box::<Inner, _>::from_raw_in(self.untagged().as_ptr(), Zmalloc));
            } else {
                drop(Box::<Leaf, _>::from_raw_in(self.untagged().as_ptr(), Zmalloc));
            }
        }
    }
}

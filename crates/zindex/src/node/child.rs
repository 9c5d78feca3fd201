//! [`Child`]: a boxed leaf or a boxed inner node, in one word.
//!
//! Nodes are aligned to eight, so the lowest bit of their address is free to tell which it is: set for an inner node.
//! Invariant: the address without the bit is that of a box which this owns, of the type that the bit says.

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

// SAFETY: owns a node, which may be sent.
unsafe impl Send for Child {}
// SAFETY: shared, it lends the node, which may be shared.
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

    /// The node's address.
    #[inline]
    fn untagged<T>(&self) -> NonNull<T> {
        // SAFETY: the address of a node is not null, and it has no such bit.
        unsafe { NonNull::new_unchecked(self.tagged.as_ptr().map_addr(|address| address & !INNER).cast()) }
    }

    #[inline]
    pub(crate) fn get(&self) -> NodeRef<'_> {
        // SAFETY: an owned node of the type that the tag says, borrowed with this.
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
        // SAFETY: as in `get`, borrowed for writing.
        unsafe {
            if self.is_inner() {
                NodeMut::Inner(self.untagged().as_mut())
            } else {
                NodeMut::Leaf(self.untagged().as_mut())
            }
        }
    }

    /// The inner node, if it is one.
    pub(crate) fn into_inner(self) -> Option<Boxed<Inner>> {
        if !self.is_inner() {
            return None;
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: an owned inner node out of a box; `this` is not dropped.
        Some(unsafe { Box::from_raw_in(this.untagged().as_ptr(), Zmalloc) })
    }

    /// How many children or entries the node has.
    pub(crate) fn width(&self) -> usize {
        match self.get() {
            NodeRef::Leaf(leaf) => leaf.len(),
            NodeRef::Inner(inner) => inner.len(),
        }
    }

    /// How many entries stand in and below the node.
    pub(crate) fn count(&self) -> usize {
        match self.get() {
            NodeRef::Leaf(leaf) => leaf.len(),
            NodeRef::Inner(inner) => inner.count(),
        }
    }

    /// The first entry in or below the node, which has one.
    pub(crate) fn first(&self) -> First {
        match self.get() {
            NodeRef::Leaf(leaf) => First { key: leaf.key(0), block: leaf.ptr(0) },
            NodeRef::Inner(inner) => inner.first(0),
        }
    }

    /// What the node's block adds to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        // SAFETY: an owned node of the type that the tag says.
        unsafe {
            if self.is_inner() { box_size(&self.boxed::<Inner>()) } else { box_size(&self.boxed::<Leaf>()) }
        }
    }

    /// Moves the node to another block, if `moves` says so and there is memory. Returns whether it moved.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        // SAFETY: an owned node of the type that the tag says. Its new address gets the same tag.
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

    /// The node's box, for as long as this is borrowed and stays as it is.
    ///
    /// # Safety
    /// The node is a `T`.
    unsafe fn boxed<T>(&self) -> ManuallyDrop<Boxed<T>> {
        // SAFETY: an owned node out of a box, which is not dropped here.
        ManuallyDrop::new(unsafe { Box::from_raw_in(self.untagged().as_ptr(), Zmalloc) })
    }

    /// Drops the node. Its block goes back past the cache of the thread.
    pub(crate) fn drop_no_tcache(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: an owned node of the type that the tag says, and this is its end.
        unsafe {
            if this.is_inner() {
                zmalloc::drop_no_tcache(ManuallyDrop::into_inner(this.boxed::<Inner>()));
            } else {
                zmalloc::drop_no_tcache(ManuallyDrop::into_inner(this.boxed::<Leaf>()));
            }
        }
    }

    /// Asks for the cache lines that a search of the node reads.
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
        // SAFETY: an owned node out of a box of the type that the tag says, and this is its end.
        unsafe {
            if self.is_inner() {
                drop(Box::<Inner, _>::from_raw_in(self.untagged().as_ptr(), Zmalloc));
            } else {
                drop(Box::<Leaf, _>::from_raw_in(self.untagged().as_ptr(), Zmalloc));
            }
        }
    }
}

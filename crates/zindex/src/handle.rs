//! [`Handle`]: a pointer to a body on the heap, or to a static that stands for an empty body.
//!
//! Invariant: the pointer is [`Body::EMPTY`], or that of a box which only this handle owns.

use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;

use allocator_api2::boxed::Box;
use zmalloc::{ReserveError, Zmalloc, box_size, relocate_box, try_box};

/// The type that a handle points to.
pub(crate) trait Body: Send + Sync + Sized + 'static {
    /// The body of all handles that do not own one. It must refer to a `static`, because a handle recognizes
    /// it by its address.
    const EMPTY: &'static Self;
}

/// A pointer to a body. See the invariant above.
pub(crate) struct Handle<B: Body> {
    body: NonNull<B>,
}

// SAFETY: a handle owns a body, which is `Send`, or shares the empty one, which is `Sync`.
unsafe impl<B: Body> Send for Handle<B> {}
// SAFETY: a shared handle only lends its body, which is `Sync`.
unsafe impl<B: Body> Sync for Handle<B> {}

impl<B: Body> Handle<B> {
    /// Creates a handle that owns no body. Does not allocate.
    pub(crate) const fn new() -> Self {
        Self { body: NonNull::from_ref(B::EMPTY) }
    }

    /// Returns whether the handle owns no body.
    #[inline]
    pub(crate) fn is_static(&self) -> bool {
        self.body == NonNull::from_ref(B::EMPTY)
    }

    /// Returns the body, which is the empty one if the handle owns none.
    #[inline]
    pub(crate) fn get(&self) -> &B {
        // SAFETY: the pointer is that of the static or of an owned body, and both are live.
        unsafe { self.body.as_ref() }
    }

    /// Returns the body for writing, or `None` if the handle owns none.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut B> {
        if self.is_static() {
            return None;
        }
        // SAFETY: the pointer is not that of the static, so the body is owned. It is borrowed for writing
        // with `self`.
        Some(unsafe { self.body.as_mut() })
    }

    /// Gives the handle a body. The handle must not own one yet. An error leaves the handle unchanged.
    pub(crate) fn try_fill(&mut self, body: B) -> Result<(), ReserveError> {
        debug_assert!(self.is_static());
        let body = try_box(body)?;
        self.body = NonNull::from(Box::leak(body));
        Ok(())
    }

    /// Drops the body, if the handle owns one.
    pub(crate) fn clear(&mut self) {
        if !self.is_static() {
            let body = mem::replace(&mut self.body, NonNull::from_ref(B::EMPTY));
            // SAFETY: the body came out of `try_box`, and the handle no longer points at it.
            drop(unsafe { Box::from_raw_in(body.as_ptr(), Zmalloc) });
        }
    }

    /// Returns the number of bytes that the body's own block adds to `used_memory`. This is 0 if the handle
    /// owns no body.
    pub(crate) fn allocation_size(&self) -> usize {
        self.boxed().map_or(0, |boxed| box_size(&boxed))
    }

    /// Moves the body's block if `moves` returns `true` and there is memory. Returns whether it moved.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        let Some(mut boxed) = self.boxed() else { return false };
        let moved = relocate_box(&mut boxed, moves);
        self.body = NonNull::from(&mut **boxed);
        moved
    }

    /// Returns the box of the body, if the handle owns one. The handle still owns the body. The caller must
    /// not use the box after the handle has changed. If the caller moves the block, it must store the new
    /// address in the handle.
    fn boxed(&self) -> Option<ManuallyDrop<Box<B, Zmalloc>>> {
        // SAFETY: the owned body came out of a box, and `ManuallyDrop` does not drop it here.
        (!self.is_static())
            .then(|| ManuallyDrop::new(unsafe { Box::from_raw_in(self.body.as_ptr(), Zmalloc) }))
    }
}

impl<B: Body> Drop for Handle<B> {
    fn drop(&mut self) {
        self.clear();
    }
}

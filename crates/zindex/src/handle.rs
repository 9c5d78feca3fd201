//! One pointer to a body on the heap, or to a static that stands for the empty one.
//!
//! Invariant: the pointer is that of [`Body::EMPTY`], or that of a box of which this is the only owner.

use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;

use allocator_api2::boxed::Box;
use zmalloc::{ReserveError, Zmalloc, box_size, relocate_box, try_box};

/// What a handle points to.
pub(crate) trait Body: Send + Sync + Sized + 'static {
    /// The body of all handles that own none.
    const EMPTY: &'static Self;
}

pub(crate) struct Handle<B: Body> {
    body: NonNull<B>,
}

// SAFETY: owns a body, which may be sent, or shares the empty one, which may be shared.
unsafe impl<B: Body> Send for Handle<B> {}
// SAFETY: shared, it lends the body, which may be shared.
unsafe impl<B: Body> Sync for Handle<B> {}

impl<B: Body> Handle<B> {
    pub(crate) const fn new() -> Self {
        Self { body: NonNull::from_ref(B::EMPTY) }
    }

    /// Whether the handle owns no body.
    #[inline]
    pub(crate) fn is_static(&self) -> bool {
        self.body == NonNull::from_ref(B::EMPTY)
    }

    #[inline]
    pub(crate) fn get(&self) -> &B {
        // SAFETY: the static, or an owned body.
        unsafe { self.body.as_ref() }
    }

    /// The body if there is one of its own.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut B> {
        if self.is_static() {
            return None;
        }
        // SAFETY: not the static, so a body that is owned, and borrowed for writing with the handle.
        Some(unsafe { self.body.as_mut() })
    }

    /// Gives the handle a body of its own, which it does not have.
    pub(crate) fn try_fill(&mut self, body: B) -> Result<(), ReserveError> {
        debug_assert!(self.is_static());
        let body = try_box(body)?;
        self.body = NonNull::from(Box::leak(body));
        Ok(())
    }

    /// Drops the body, if there is one.
    pub(crate) fn clear(&mut self) {
        if !self.is_static() {
            let body = mem::replace(&mut self.body, NonNull::from_ref(B::EMPTY));
            // SAFETY: an owned body, out of `try_box`; the handle has forgotten it.
            drop(unsafe { Box::from_raw_in(body.as_ptr(), Zmalloc) });
        }
    }

    /// What the body's own block adds to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        self.boxed().map_or(0, |boxed| box_size(&boxed))
    }

    /// Moves the body's block if `moves` says so and there is memory. Returns whether it moved.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        let Some(mut boxed) = self.boxed() else { return false };
        let moved = relocate_box(&mut boxed, moves);
        self.body = NonNull::from(&mut **boxed);
        moved
    }

    /// The box of an owned body, for as long as the handle is borrowed and stays as it is.
    fn boxed(&self) -> Option<ManuallyDrop<Box<B, Zmalloc>>> {
        // SAFETY: an owned body, out of a box, which is not dropped here.
        (!self.is_static())
            .then(|| ManuallyDrop::new(unsafe { Box::from_raw_in(self.body.as_ptr(), Zmalloc) }))
    }
}

impl<B: Body> Drop for Handle<B> {
    fn drop(&mut self) {
        self.clear();
    }
}

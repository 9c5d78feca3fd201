//! One pointer to a body on the heap, or to a static that stands for the empty one.
//!
//! Invariant: the pointer is that of [`Body::EMPTY`], or that of a box of which this is the only owner.

use core::alloc::Layout;
use core::ptr::NonNull;

use allocator_api2::boxed::Box;
use zmalloc::{ReserveError, Zmalloc};

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
            let body = core::mem::replace(&mut self.body, NonNull::from_ref(B::EMPTY));
            // SAFETY: an owned body, out of `try_box`; the handle has forgotten it.
            drop(unsafe { Box::from_raw_in(body.as_ptr(), Zmalloc) });
        }
    }

    /// What the body's own block adds to `used_memory`, in bytes.
    pub(crate) fn charge(&self) -> usize {
        if self.is_static() { 0 } else { charge(self.get()) }
    }

    /// Moves the body's block if `moves` says so and there is memory.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        if self.is_static() || !moves(self.body.cast(), self.charge()) {
            return false;
        }
        // SAFETY: an owned body out of `try_box`.
        let moved = unsafe { try_move(self.body) };
        moved.is_some_and(|body| {
            self.body = body;
            true
        })
    }
}

impl<B: Body> Drop for Handle<B> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A box on the accounting allocator.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T, Zmalloc>, ReserveError> {
    Box::try_new_in(value, Zmalloc).map_err(|_| ReserveError::OutOfMemory { size: size_of::<T>() })
}

/// What a box adds to `used_memory`, in bytes. The value lies in a box of [`try_box`].
pub(crate) fn charge<T>(boxed: &T) -> usize {
    // SAFETY: a live block of the allocator with the layout of its type. (No bytes of it are read or written.)
    unsafe { Zmalloc.block_size(NonNull::from_ref(boxed).cast(), Layout::new::<T>()) }
}

/// Moves a boxed value to another block. `None` without memory: it is where it was.
///
/// # Safety
/// `old` is that of a box of [`try_box`], which nothing borrows, and which nobody uses afterwards if it has moved.
pub(crate) unsafe fn try_move<T>(old: NonNull<T>) -> Option<NonNull<T>> {
    // SAFETY: the box allocated it with this layout; the rest by contract.
    let new = unsafe { Zmalloc.try_relocate_if(old.cast(), Layout::new::<T>(), |_| true) };
    new.map(NonNull::cast)
}

//! What happens when memory runs out and the caller asked for an answer that cannot fail.

use core::mem::transmute;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::io::Write;

/// Called with the size that could not be allocated, in bytes; must not return.
pub type OomHandler = fn(usize) -> !;

/// The handler, or null for the default one.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Sets the function that the infallible half of the family calls when an allocation fails. The
/// default prints the size to stderr and aborts. In C: `zmalloc_set_oom_handler`.
///
/// The handler may unwind: every caller in this workspace leaves its structure valid, with all that was in it.
pub fn set_oom_handler(handler: OomHandler) {
    HANDLER.store(handler as *mut (), Ordering::Release);
}

/// Ends the program (or unwinds, if the handler does) because `size` bytes could not be had.
#[cold]
#[inline(never)]
pub fn oom(size: usize) -> ! {
    let handler = HANDLER.load(Ordering::Acquire);
    if handler.is_null() {
        default_handler(size);
    }
    // SAFETY: the pointer is not null, and only `set_oom_handler` stores others: an `OomHandler`.
    unsafe { transmute::<*mut (), OomHandler>(handler)(size) }
}

fn default_handler(size: usize) -> ! {
    // Standard error is unbuffered: nothing here allocates.
    let _ = writeln!(std::io::stderr(), "zmalloc: Out of memory trying to allocate {size} bytes");
    std::process::abort()
}

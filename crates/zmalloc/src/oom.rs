//! The handler for allocations that fail where the caller cannot receive an error.

use core::mem::transmute;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::io::Write;

/// The type of an OOM handler. It receives the size that could not be allocated, in bytes, and must not
/// return.
pub type OomHandler = fn(usize) -> !;

/// The handler, or null for the default handler.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Sets the function that is called when an infallible allocation fails. The default handler prints the size
/// to stderr and aborts. In C: `zmalloc_set_oom_handler`.
///
/// The handler may unwind. Every caller in this workspace then leaves its structure valid, with its contents.
pub fn set_oom_handler(handler: OomHandler) {
    HANDLER.store(handler as *mut (), Ordering::Release);
}

/// Calls the OOM handler because `size` bytes could not be allocated. It ends the program, or unwinds.
#[cold]
#[inline(never)]
pub fn oom(size: usize) -> ! {
    let handler = HANDLER.load(Ordering::Acquire);
    if handler.is_null() {
        default_handler(size);
    }
    // SAFETY: the pointer is not null, and `set_oom_handler` stores only `OomHandler`s.
    unsafe { transmute::<*mut (), OomHandler>(handler)(size) }
}

fn default_handler(size: usize) -> ! {
    // Standard error is unbuffered, so nothing here allocates.
    let _ = writeln!(std::io::stderr(), "zmalloc: Out of memory trying to allocate {size} bytes");
    std::process::abort()
}

//! Keeps the counts right in the child of a fork. The child has all of the parent's memory, but only one
//! thread.

#[cfg(all(any(target_os = "linux", target_os = "macos", target_os = "freebsd"), not(miri)))]
mod imp {
    use super::super::{INSIDE, SLOT, SLOTS};
    use core::sync::atomic::{AtomicU8, Ordering};

    const UNTRIED: u8 = 0;
    const FAILED: u8 = 1;
    const REGISTERED: u8 = 2;

    /// Whether the handler is registered. This is an atomic and not a lock: a lock that another thread holds
    /// during a fork would stay locked in the child, which does not have that thread.
    static STATE: AtomicU8 = AtomicU8::new(UNTRIED);

    /// Registers a handler that runs in the child of each fork. Returns whether it is registered. Two threads
    /// may register it at the same time. The handler then runs twice, which does no harm.
    pub(crate) fn register_fork_handler() -> bool {
        if STATE.load(Ordering::Relaxed) == UNTRIED {
            // SAFETY: the handler takes no arguments and exists as long as the process.
            let error = unsafe { libc::pthread_atfork(None, None, Some(after_fork)) };
            STATE.store(if error == 0 { REGISTERED } else { FAILED }, Ordering::Relaxed);
        }
        STATE.load(Ordering::Relaxed) == REGISTERED
    }

    extern "C" fn after_fork() {
        // SAFETY: this runs in the child, on its only thread. Child handlers that were registered earlier
        // have already run, but POSIX does not allow them to start threads. So no other thread has run in the
        // child and reused the memory of the parent's threads.
        INSIDE.with(|inside| unsafe { SLOTS.after_fork(SLOT.get(), inside) });
    }
}

/// Other platforms have no `fork`, or no hook for it.
#[cfg(not(all(any(target_os = "linux", target_os = "macos", target_os = "freebsd"), not(miri))))]
mod imp {
    pub(crate) fn register_fork_handler() -> bool {
        false
    }
}

pub(crate) use imp::register_fork_handler;

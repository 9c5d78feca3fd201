//! What a fork does to the count: the child has all the memory, and one thread.

#[cfg(all(any(target_os = "linux", target_os = "macos", target_os = "freebsd"), not(miri)))]
mod imp {
    use super::super::{INSIDE, SLOT, SLOTS};
    use core::sync::atomic::{AtomicU8, Ordering};

    const UNTRIED: u8 = 0;
    const FAILED: u8 = 1;
    const WATCHING: u8 = 2;

    /// Not a lock: a child of a fork would wait for ever for a thread that it does not have.
    static STATE: AtomicU8 = AtomicU8::new(UNTRIED);

    /// Has the process tell of forks, and says whether it will. Two threads at once may both register: once more
    /// does no harm.
    pub(crate) fn watch() -> bool {
        if STATE.load(Ordering::Relaxed) == UNTRIED {
            // SAFETY: a function without arguments that is there as long as the process.
            let error = unsafe { libc::pthread_atfork(None, None, Some(after_fork)) };
            STATE.store(if error == 0 { WATCHING } else { FAILED }, Ordering::Relaxed);
        }
        STATE.load(Ordering::Relaxed) == WATCHING
    }

    extern "C" fn after_fork() {
        // SAFETY: this is the child, and its only thread. Handlers that were registered earlier have run before this one;
        // one of them that started a thread, which POSIX does not allow there, could have reused the memory of the
        // parent's.
        INSIDE.with(|inside| unsafe { SLOTS.after_fork(SLOT.get(), inside) });
    }
}

/// Other platforms have no `fork`, or no hook for it.
#[cfg(not(all(any(target_os = "linux", target_os = "macos", target_os = "freebsd"), not(miri))))]
mod imp {
    pub(crate) fn watch() -> bool {
        false
    }
}

pub(crate) use imp::watch;

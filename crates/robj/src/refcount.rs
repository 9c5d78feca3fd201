//! How many references an object has.
//!
//! A type of its own, and not methods of the header, for a reason that Miri finds: while `release` of one
//! thread still runs, another thread, whose reference is now the last, may change or free the object. A
//! `&Header` argument would promise the compiler that value and block stay put until the function returns. A
//! `&RefCount` promises nothing, because all of it is an atomic. So `release`, and with it every use of the count
//! that may outlive the caller's reference, goes by the count's own address (`Robj::count`).
//!
//! Learned from: std's `Arc`, for the orderings.

use core::sync::atomic::{AtomicU32, Ordering, fence};

/// The count that immortal objects show, which is never changed. In C: `OBJ_SHARED_REFCOUNT`.
pub const SHARED_REFCOUNT: u32 = i32::MAX as u32; // what `OBJECT REFCOUNT` prints: 2147483647

/// A count above this aborts. The gap up to [`SHARED_REFCOUNT`] is so wide that no number of threads
/// that are all about to abort can cross it.
const REFCOUNT_MAX: u32 = SHARED_REFCOUNT / 2;

/// A number of references, or [`SHARED_REFCOUNT`] for an object that needs no counting.
#[repr(transparent)]
pub(crate) struct RefCount(AtomicU32);

impl RefCount {
    pub(crate) const fn one() -> Self {
        Self(AtomicU32::new(1))
    }

    pub(crate) const fn immortal() -> Self {
        Self(AtomicU32::new(SHARED_REFCOUNT))
    }

    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn is_immortal(&self) -> bool {
        self.get() == SHARED_REFCOUNT
    }

    /// Whether the caller's reference is the only one.
    ///
    /// Acquire: what other threads did with their references, before they gave them up, is done.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        self.0.load(Ordering::Acquire) == 1
    }

    /// Counts one more reference; more than a thousand million abort the process.
    #[inline]
    pub(crate) fn retain(&self) {
        if self.is_immortal() {
            return;
        }
        // Relaxed: the caller has a reference, so nothing needs to be seen that it does not see already.
        if self.0.fetch_add(1, Ordering::Relaxed) > REFCOUNT_MAX {
            // Only leaked clones get here. Wrapping would free a value that is in use.
            std::process::abort();
        }
    }

    /// Counts one reference less and says whether it was the last, so that the caller has to free.
    ///
    /// A count of 1 that the last holder reads cannot rise again, because only a holder can raise it: most
    /// objects have one owner and die without a locked instruction.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        match self.0.load(Ordering::Acquire) {
            1 => true,
            SHARED_REFCOUNT => false,
            _ => {
                // Release: all that this thread did with the value comes before its being freed.
                let last = self.0.fetch_sub(1, Ordering::Release) == 1;
                if last {
                    // Pairs with the releases of all other holders.
                    fence(Ordering::Acquire);
                }
                last
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_go_up_and_down() {
        let count = RefCount::one();
        count.retain();
        count.retain();
        assert_eq!(count.get(), 3);
        assert!(!count.release());
        assert!(!count.release());
        assert!(count.is_unique());
        assert!(count.release());
    }

    #[test]
    fn an_immortal_count_stays() {
        let count = RefCount::immortal();
        count.retain();
        assert!(!count.release());
        assert!(!count.is_unique());
        assert_eq!(count.get(), 2_147_483_647);
    }

    /// Runs this test once more in a process of its own, which has to die at the second `retain`.
    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot start processes")]
    fn too_many_references_abort() {
        const INSIDE: &str = "ROBJ_TEST_TOO_MANY_REFERENCES";
        if std::env::var_os(INSIDE).is_some() {
            let count = RefCount(AtomicU32::new(REFCOUNT_MAX));
            count.retain();
            println!("one more is allowed");
            count.retain();
            println!("two more are not");
            return;
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "refcount::tests::too_many_references_abort", "--nocapture"])
            .env(INSIDE, "1")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success());
        assert!(printed.contains("one more is allowed"), "{printed}");
        assert!(!printed.contains("two more are not"), "{printed}");
    }
}

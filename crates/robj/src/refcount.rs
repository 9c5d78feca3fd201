//! [`RefCount`]: the number of references to an object.
//!
//! The count is a type of its own, and its methods are not those of the header, for a reason that Miri
//! shows. While `release` of one thread still runs, another thread may hold the last reference, and may
//! change or free the object. A `&Header` argument would promise the compiler that the block stays until
//! the function returns. A `&RefCount` does not promise that, because all of it is atomic. So every use of
//! the count that may outlive the caller's reference goes by the count's own address (`Robj::count`).
//!
//! Learned from: std's `Arc`, for the orderings.

use core::sync::atomic::{AtomicU32, Ordering, fence};

/// The count of immortal objects, which never changes. In C: `OBJ_SHARED_REFCOUNT`.
pub const SHARED_REFCOUNT: u32 = i32::MAX as u32; // `OBJECT REFCOUNT` prints 2147483647

/// A `retain` of a higher count aborts the process. The gap up to [`SHARED_REFCOUNT`] is so wide that the
/// threads which are about to abort cannot raise the count across it, however many there are.
const REFCOUNT_MAX: u32 = SHARED_REFCOUNT / 2;

/// The number of references, or [`SHARED_REFCOUNT`] for an immortal object.
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

    /// Returns whether the caller's reference is the only one.
    ///
    /// The load is an acquire. So everything that other threads did through their references happens before
    /// it, if they have dropped them.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        self.0.load(Ordering::Acquire) == 1
    }

    /// Adds a reference. More than 2^30 of them abort the process.
    #[inline]
    pub(crate) fn retain(&self) {
        if self.is_immortal() {
            return;
        }
        // Relaxed is enough: the caller has a reference, so it needs to see nothing new.
        if self.0.fetch_add(1, Ordering::Relaxed) > REFCOUNT_MAX {
            // Only leaked clones get here. If the count wrapped around, a value in use would be freed.
            std::process::abort();
        }
    }

    /// Removes a reference and returns whether it was the last one. The caller then has to free the object.
    ///
    /// If the count is 1, it cannot rise any more, because only a holder can raise it. Most objects have
    /// one owner, so most are freed without a locked instruction.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        match self.0.load(Ordering::Acquire) {
            1 => true,
            SHARED_REFCOUNT => false,
            _ => {
                // The release orders everything that this thread did with the value before the free.
                let last = self.0.fetch_sub(1, Ordering::Release) == 1;
                if last {
                    // The fence pairs with the releases of all other holders.
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

    /// Runs this test once more in a process of its own, which must abort at the second `retain`.
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

//! jemalloc's controls (`mallctl`), by name.
//!
//! A [`Key`] is a name such as `stats.arenas.0.bins.0.curregs`. jemalloc translates a name into a short array
//! of numbers once, and answers to the array afterwards without looking at strings; the components of the
//! name that are numbers stay what they were, so one array serves all arenas and bins. Every failure is
//! `None`: an unknown name, a jemalloc that was built without statistics, and an allocator that is no
//! jemalloc.
//!
//! Invariant: the type that a key is read or written as is the type that jemalloc's manual gives it. A wrong
//! size is refused by jemalloc; a wrong type of the right size would be read as a number all the same, for the
//! types that [`Plain`] admits.

use core::ffi::{CStr, c_void};
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use std::sync::OnceLock;

/// The index that stands for all arenas together, where one arena's index can stand
/// (`MALLCTL_ARENAS_ALL`).
pub(super) const ALL_ARENAS: usize = 4096;

/// The longest name that is used here has six components.
const COMPONENTS_MAX: usize = 6;

/// Types of controls that are read and written here.
///
/// # Safety
/// The type has no padding, and whatever jemalloc writes for a control of its size is a value of it.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: a number is one of all bit patterns.
unsafe impl Plain for u32 {}
// SAFETY: likewise.
unsafe impl Plain for u64 {}
// SAFETY: likewise.
unsafe impl Plain for usize {}
// SAFETY: C's `bool` is Rust's, and jemalloc has no other controls of one byte.
unsafe impl Plain for bool {}

/// A control, found when it is first used.
pub(super) struct Key {
    name: &'static CStr,
    mib: OnceLock<Option<Mib>>,
}

#[derive(Clone, Copy)]
struct Mib {
    components: [usize; COMPONENTS_MAX],
    len: usize,
    /// Which components are numbers in the name: an arena's, a bin's.
    holes: [usize; 2],
}

impl Key {
    pub(super) const fn new(name: &'static CStr) -> Self {
        Self { name, mib: OnceLock::new() }
    }

    /// Reads the control; `indices` take the places of the numbers in its name.
    pub(super) fn read<T: Plain>(&self, indices: &[usize]) -> Option<T> {
        let mut value = MaybeUninit::<T>::uninit();
        let mut len = size_of::<T>();
        // SAFETY: `value` has room for `len` bytes; nothing is written to the control.
        unsafe { self.call(indices, value.as_mut_ptr().cast(), &mut len, null_mut(), 0)? };
        // SAFETY: jemalloc succeeds only if it wrote a value of just this size (module invariant).
        Some(unsafe { value.assume_init() })
    }

    /// Writes the control and answers what it was before.
    pub(super) fn replace<T: Plain>(&self, mut new: T) -> Option<T> {
        let mut old = MaybeUninit::<T>::uninit();
        let mut len = size_of::<T>();
        // SAFETY: as in `read`; and `new` is a value of the control's type.
        unsafe {
            self.call(&[], old.as_mut_ptr().cast(), &mut len, (&raw mut new).cast(), size_of::<T>())?;
            Some(old.assume_init())
        }
    }

    /// Sets off a control that neither takes nor gives a value.
    ///
    /// # Safety
    /// What the control does, the caller may do.
    pub(super) unsafe fn fire(&self, indices: &[usize]) -> Option<()> {
        // SAFETY: nothing is read or written; the rest is the caller's.
        unsafe { self.call(indices, null_mut(), null_mut(), null_mut(), 0) }
    }

    /// The call itself, `mallctlbymib`.
    ///
    /// # Safety
    /// As for `mallctl`: `old` is null or has room for `*old_len` bytes, `new` is null or points to
    /// `new_len` bytes of what the control takes.
    pub(super) unsafe fn call(
        &self,
        indices: &[usize],
        old: *mut c_void,
        old_len: *mut usize,
        new: *mut c_void,
        new_len: usize,
    ) -> Option<()> {
        let Mib { mut components, len, holes } = (*self.mib.get_or_init(|| look_up(self.name)))?;
        for (hole, index) in holes.into_iter().zip(indices) {
            components[hole] = *index;
        }
        // SAFETY: passed on unchanged.
        unsafe { by_mib(&components[..len], old, old_len, new, new_len) }
    }
}

fn look_up(name: &CStr) -> Option<Mib> {
    let (components, len) = name_to_mib(name)?;
    let mut holes = [0; 2];
    let parts = name.to_bytes().split(|&byte| byte == b'.').enumerate();
    let numbers = parts.filter(|(_, part)| part.iter().all(u8::is_ascii_digit));
    holes.iter_mut().zip(numbers).for_each(|(hole, (position, _))| *hole = position);
    Some(Mib { components, len, holes })
}

#[cfg(zmalloc_backend = "jemalloc")]
mod je {
    use super::COMPONENTS_MAX;
    use core::alloc::Layout;
    use core::ffi::{CStr, c_void};
    use tikv_jemalloc_sys as je;

    pub(super) fn name_to_mib(name: &CStr) -> Option<([usize; COMPONENTS_MAX], usize)> {
        let (mut components, mut len) = ([0; COMPONENTS_MAX], COMPONENTS_MAX);
        // SAFETY: the name ends in NUL; `components` has room for `len` numbers.
        let status = unsafe { je::mallctlnametomib(name.as_ptr(), components.as_mut_ptr(), &mut len) };
        (status == 0).then_some((components, len))
    }

    /// # Safety
    /// As for `Key::call`.
    pub(super) unsafe fn by_mib(
        mib: &[usize],
        old: *mut c_void,
        old_len: *mut usize,
        new: *mut c_void,
        new_len: usize,
    ) -> Option<()> {
        // SAFETY: passed on unchanged.
        let status = unsafe { je::mallctlbymib(mib.as_ptr(), mib.len(), old, old_len, new, new_len) };
        (status == 0).then_some(())
    }

    /// Where a block comes from: past the thread's cache, and from one arena if one is given.
    fn flags(arena: Option<u32>) -> core::ffi::c_int {
        je::MALLOCX_TCACHE_NONE | arena.map_or(0, |index| je::MALLOCX_ARENA(index as usize))
    }

    /// Allocates a raw block past the thread's cache; null on failure.
    pub(in super::super) fn alloc_uncached(layout: Layout, arena: Option<u32>) -> *mut u8 {
        let align = layout.align().trailing_zeros().cast_signed();
        // SAFETY: a size of at least 1; an arena that exists; an alignment that is a power of two.
        unsafe { je::mallocx(layout.size().max(1), flags(arena) | align).cast() }
    }

    /// Frees a block into its arena, past the thread's cache.
    ///
    /// # Safety
    /// `ptr` is a live block of this back end and `charge` its size class.
    pub(in super::super) unsafe fn dealloc_uncached(ptr: *mut u8, charge: usize) {
        // SAFETY: by contract.
        unsafe { je::sdallocx(ptr.cast(), charge, flags(None)) }
    }
}

#[cfg(zmalloc_backend = "jemalloc")]
pub(super) use je::{alloc_uncached, dealloc_uncached};
#[cfg(zmalloc_backend = "jemalloc")]
use je::{by_mib, name_to_mib};

/// Another allocator: it has no controls, and no cache that could be gone around.
#[cfg(not(zmalloc_backend = "jemalloc"))]
mod other {
    use super::COMPONENTS_MAX;
    use crate::backend;
    use core::alloc::Layout;
    use core::ffi::{CStr, c_void};

    pub(super) fn name_to_mib(_name: &CStr) -> Option<([usize; COMPONENTS_MAX], usize)> {
        None
    }

    /// # Safety
    /// None needed: nothing is called.
    pub(super) unsafe fn by_mib(
        _mib: &[usize],
        _old: *mut c_void,
        _old_len: *mut usize,
        _new: *mut c_void,
        _new_len: usize,
    ) -> Option<()> {
        None
    }

    pub(in super::super) fn alloc_uncached(layout: Layout, _arena: Option<u32>) -> *mut u8 {
        // SAFETY: a layout is at most `isize::MAX`, as every back end asks.
        unsafe { backend::raw_alloc(layout) }
    }

    /// # Safety
    /// `ptr` is a live raw block and `charge` its charge.
    pub(in super::super) unsafe fn dealloc_uncached(ptr: *mut u8, charge: usize) {
        // SAFETY: by contract.
        unsafe { backend::dealloc_unsized(ptr, charge) }
    }
}

#[cfg(not(zmalloc_backend = "jemalloc"))]
pub(super) use other::{alloc_uncached, dealloc_uncached};
#[cfg(not(zmalloc_backend = "jemalloc"))]
use other::{by_mib, name_to_mib};

#[cfg(all(test, zmalloc_backend = "jemalloc"))]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_in_a_name_are_replaced_in_order() {
        static SIZE: Key = Key::new(c"arenas.bin.0.size");
        let sizes = [0, 1, 2].map(|bin| SIZE.read::<usize>(&[bin]).unwrap());
        assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
        let mib = look_up(c"stats.arenas.0.bins.0.curregs");
        assert!(mib.is_none_or(|mib| mib.holes == [2, 4]), "without statistics there may be none");
    }

    #[test]
    fn what_jemalloc_does_not_know_is_none() {
        static UNKNOWN: Key = Key::new(c"no.such.control");
        static PAGE: Key = Key::new(c"arenas.page");
        static BIN: Key = Key::new(c"arenas.bin.0.size");
        assert_eq!(UNKNOWN.read::<usize>(&[]), None);
        assert_eq!(PAGE.read::<u32>(&[]), None, "the wrong size");
        assert_eq!(BIN.read::<usize>(&[100_000]), None, "no such bin");
    }
}

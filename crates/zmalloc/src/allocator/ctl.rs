//! jemalloc's controls (`mallctl`), through tikv-jemalloc-ctl.
//!
//! That crate translates the name of a control into a short array of numbers, the *mib*, and uses it to read
//! and write the control. If a component of the name is a number (the index of an arena or a bin), the mib
//! holds that number in the same position. So one look-up serves all arenas and bins: only the numbers in the
//! mib are replaced.
//!
//! [`Control`] differs from that crate as follows:
//!
//! - It looks up the mib once, and keeps it.
//! - It returns `None` for every failure, such as an unknown name or a jemalloc without statistics.
//! - It also exists if another allocator is used. Other allocators have no controls, so every result is
//!   `None`, and tikv-jemalloc-ctl is not compiled.
//! - It has two more kinds of call. [`Control::run`] is for a control without a value. [`Control::query`] is
//!   for a control whose question and answer have different types.

pub(super) use implementation::Control;

/// The index that stands for all arenas together, wherever an arena's index is expected
/// (`MALLCTL_ARENAS_ALL`).
pub(super) const ALL_ARENAS: usize = 4096;

/// A number that replaces a component of a name: the position of the component, counted from 0, and the
/// number.
type Component = (usize, usize);

#[cfg(zmalloc_backend = "jemalloc")]
mod implementation {
    use super::Component;
    use core::ffi::{CStr, c_void};
    use core::ptr::null_mut;
    use std::sync::OnceLock;
    use tikv_jemalloc_ctl::{Access, AsName, Mib};
    use tikv_jemalloc_sys::mallctlbymib;

    /// Returns the number of components of a name: the number of dots plus one.
    const fn components(name: &CStr) -> usize {
        let (bytes, mut i, mut count) = (name.to_bytes(), 0, 1);
        while i < bytes.len() {
            if bytes[i] == b'.' {
                count += 1;
            }
            i += 1;
        }
        count
    }

    /// A control, which is looked up when it is first used. Its name has `LEN` components.
    pub(crate) struct Control<const LEN: usize>
    where
        [usize; LEN]: Default,
    {
        name: &'static CStr,
        mib: OnceLock<Option<Mib<[usize; LEN]>>>,
    }

    impl<const LEN: usize> Control<LEN>
    where
        [usize; LEN]: Default,
    {
        /// Creates a control. Its name is looked up when the control is first used.
        ///
        /// # Panics
        /// If the name does not have `LEN` components. jemalloc would not notice a longer name, and would
        /// look up its first `LEN` components.
        pub(crate) const fn new(name: &'static CStr) -> Self {
            assert!(components(name) == LEN);
            Self { name, mib: OnceLock::new() }
        }

        /// Reads the control. `at` lists the numbers that replace components of its name.
        pub(crate) fn read<T>(&self, at: &[Component]) -> Option<T>
        where
            Mib<[usize; LEN]>: Access<T>,
        {
            self.mib(at)?.read().ok()
        }

        /// Writes the control and returns its previous value.
        pub(crate) fn update<T>(&self, value: T) -> Option<T>
        where
            Mib<[usize; LEN]>: Access<T>,
        {
            self.mib(&[])?.update(value).ok()
        }

        /// Runs a control that neither takes nor returns a value.
        ///
        /// # Safety
        /// The control's effect must be sound at this point. In particular, it must not free live blocks.
        pub(crate) unsafe fn run(&self, at: &[Component]) -> Option<()> {
            let mib = self.mib(at)?;
            let mib = mib.as_ref();
            // SAFETY: `mib` has the given length, and no value is read or written. The effect is sound by
            // contract.
            let error =
                unsafe { mallctlbymib(mib.as_ptr(), mib.len(), null_mut(), null_mut(), null_mut(), 0) };
            (error == 0).then_some(())
        }

        /// Passes all of `question` to the control, which overwrites `answer`.
        ///
        /// # Safety
        /// The control must only read the bytes of `question`, and must write a value of `A` to each element
        /// of `answer`.
        pub(crate) unsafe fn query<Q, A>(&self, question: &[Q], answer: &mut [A]) -> Option<()> {
            let mib = self.mib(&[])?;
            let mib = mib.as_ref();
            let new: *const c_void = question.as_ptr().cast();
            let mut old_len = size_of_val(answer);
            // SAFETY: `mib`, `question` and `answer` have the given lengths. The rest is by contract.
            let error = unsafe {
                let old = answer.as_mut_ptr().cast();
                mallctlbymib(
                    mib.as_ptr(),
                    mib.len(),
                    old,
                    &mut old_len,
                    new.cast_mut(),
                    size_of_val(question),
                )
            };
            (error == 0).then_some(())
        }

        fn mib(&self, at: &[Component]) -> Option<Mib<[usize; LEN]>> {
            let look_up = || self.name.to_bytes_with_nul().name().mib().ok();
            let mut mib = (*self.mib.get_or_init(look_up))?;
            for &(position, number) in at {
                mib[position] = number;
            }
            Some(mib)
        }
    }
}

#[cfg(not(zmalloc_backend = "jemalloc"))]
mod implementation {
    use super::Component;
    use core::ffi::CStr;

    /// Replaces the control of jemalloc if the allocator has no controls.
    pub(crate) struct Control<const LEN: usize>;

    impl<const LEN: usize> Control<LEN> {
        pub(crate) const fn new(_name: &'static CStr) -> Self {
            Self
        }

        pub(crate) fn read<T>(&self, _at: &[Component]) -> Option<T> {
            None
        }

        pub(crate) fn update<T>(&self, _value: T) -> Option<T> {
            None
        }

        /// # Safety
        /// Every call is sound, because it does nothing.
        pub(crate) unsafe fn run(&self, _at: &[Component]) -> Option<()> {
            None
        }

        /// # Safety
        /// Every call is sound, because it does nothing.
        pub(crate) unsafe fn query<Q, A>(&self, _question: &[Q], _answer: &mut [A]) -> Option<()> {
            None
        }
    }
}

#[cfg(all(test, zmalloc_backend = "jemalloc"))]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_in_a_name_are_replaced() {
        static SIZE: Control<4> = Control::new(c"arenas.bin.0.size");
        let sizes = [0, 1, 2].map(|bin| SIZE.read::<usize>(&[(2, bin)]).unwrap());
        assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    }

    #[test]
    fn what_jemalloc_does_not_know_is_none() {
        static UNKNOWN: Control<3> = Control::new(c"no.such.control");
        static PAGE: Control<2> = Control::new(c"arenas.page");
        static BIN: Control<4> = Control::new(c"arenas.bin.0.size");
        assert_eq!(UNKNOWN.read::<usize>(&[]), None);
        assert_eq!(PAGE.read::<u32>(&[]), None, "the wrong size");
        assert_eq!(BIN.read::<usize>(&[(2, 100_000)]), None, "no such bin");
    }
}

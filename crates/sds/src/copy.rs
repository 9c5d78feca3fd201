//! Copies a few bytes without a function call.

use core::ptr::NonNull;

/// Copies `bytes` to `to`.
///
/// The simple version is `copy_from_nonoverlapping`, which calls `memcpy`. Most strings are short, so this
/// version copies up to 32 bytes with two loads and two stores, which may overlap. `memcpy`
/// first has to choose the code for the length.
///
/// # Safety
/// `to` must be valid for writes of `bytes.len()` bytes, none of which may be part of `bytes`.
#[inline(always)]
pub(crate) unsafe fn copy(bytes: &[u8], to: NonNull<u8>) {
    /// # Safety
    /// As for [`copy`]. In addition, there must be at least `N` and at most `2 * N` bytes.
    #[inline(always)]
    unsafe fn ends<const N: usize>(bytes: &[u8], to: NonNull<u8>) {
        let from = bytes.as_ptr();
        let rest = bytes.len() - N;
        // SAFETY: these are the first and the last `N` bytes. Both are read before either is written.
        unsafe {
            let (first, last) = (from.cast::<[u8; N]>().read(), from.add(rest).cast::<[u8; N]>().read());
            to.cast::<[u8; N]>().write(first);
            to.add(rest).cast::<[u8; N]>().write(last);
        }
    }
    // SAFETY: `to` is valid by contract, and each arm matches only lengths that its `ends` accepts.
    unsafe {
        match bytes.len() {
            33.. => to.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()),
            16.. => ends::<16>(bytes, to),
            8.. => ends::<8>(bytes, to),
            4.. => ends::<4>(bytes, to),
            2.. => ends::<2>(bytes, to),
            1 => to.write(bytes[0]),
            0 => {}
        }
    }
}

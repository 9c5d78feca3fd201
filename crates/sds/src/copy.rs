//! Copying few bytes without a call.

use core::ptr::NonNull;

/// Copies `bytes` to `to`. Short strings are most strings: up to 32 bytes are copied by two loads and two
/// stores that may overlap, which is done before a call of `memcpy` has found out how many there are.
///
/// # Safety
/// `to` may be written over as many bytes, none of which is part of `bytes`.
#[inline(always)]
pub(crate) unsafe fn copy(bytes: &[u8], to: NonNull<u8>) {
    /// # Safety
    /// As for [`copy`], and there are at least `N` and at most `2 * N` bytes.
    #[inline(always)]
    unsafe fn ends<const N: usize>(bytes: &[u8], to: NonNull<u8>) {
        let from = bytes.as_ptr();
        let rest = bytes.len() - N;
        // SAFETY: the first and the last `N` of the bytes; both are read before either is written.
        unsafe {
            let (first, last) = (from.cast::<[u8; N]>().read(), from.add(rest).cast::<[u8; N]>().read());
            to.cast::<[u8; N]>().write(first);
            to.add(rest).cast::<[u8; N]>().write(last);
        }
    }
    // SAFETY: by contract; each arm holds for the lengths that its `ends` takes.
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

//! Tells the kernel that pages are not needed any more.

/// Gives the whole pages inside `len` bytes from `ptr` back to the system at once. Returns the size of these
/// pages in bytes, which is 0 if no page lies wholly inside or if the kernel refuses (locked pages). The
/// content of the pages is lost, and they read as zeros.
///
/// A forked child uses this after it has saved a value and does not need it again. The kernel then need not
/// copy those pages when the parent writes to them.
///
/// Returns `None` and does nothing where the system has no such advice or gives it another meaning, which is
/// everywhere except on Linux. In C: `zmadvise_dontneed`.
///
/// # Safety
/// The bytes must be a live block or a part of one, and only the caller may use them. They must be written
/// before they are read again. The allocator must not keep data of its own in them; the allocators of this
/// crate keep none in a live block.
pub unsafe fn madvise_dontneed(ptr: core::ptr::NonNull<u8>, len: usize) -> Option<usize> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let (skip, len) = whole_pages(ptr.addr().get(), len, super::page_size()?);
        if len == 0 {
            return Some(0);
        }
        // SAFETY: these are whole pages inside a block of the caller, whose content is not needed.
        let status = unsafe { libc::madvise(ptr.as_ptr().add(skip).cast(), len, libc::MADV_DONTNEED) };
        Some(if status == 0 { len } else { 0 })
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (ptr, len);
        None
    }
}

/// Returns the offset of the first whole page inside `len` bytes from `address`, and the size of all whole
/// pages in bytes.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn whole_pages(address: usize, len: usize, page_size: usize) -> (usize, usize) {
    let skip = address.wrapping_neg() & (page_size - 1);
    (skip, len.saturating_sub(skip) & !(page_size - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_wholly_inside_are_taken() {
        const PAGE: usize = 4096;
        assert_eq!(whole_pages(PAGE, PAGE, PAGE), (0, PAGE));
        assert_eq!(whole_pages(PAGE, PAGE - 1, PAGE), (0, 0));
        assert_eq!(whole_pages(PAGE + 1, PAGE, PAGE).1, 0);
        assert_eq!(whole_pages(PAGE + 1, 2 * PAGE - 1, PAGE), (PAGE - 1, PAGE));
        assert_eq!(whole_pages(PAGE - 8, 3 * PAGE, PAGE), (8, 2 * PAGE));
        assert_eq!(whole_pages(7, 0, PAGE).1, 0);
        assert_eq!(whole_pages(usize::MAX - 7, 8, PAGE).1, 0);
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))] // calls the system, which Miri does not emulate
    fn the_advice_empties_whole_pages_and_leaves_the_rest() {
        let page = crate::os::page_size().unwrap();
        let block = crate::zmalloc(4 * page);
        // SAFETY: the block has four pages of bytes and is written before it is read.
        unsafe {
            block.as_ptr().write_bytes(7, 4 * page);
            let emptied = madvise_dontneed(block.add(1), 4 * page - 1).unwrap();
            let skip = whole_pages(block.addr().get() + 1, 0, page).0 + 1;
            assert!(emptied == 3 * page || emptied == 2 * page, "{emptied}");
            let bytes = core::slice::from_raw_parts(block.as_ptr(), 4 * page);
            assert!(bytes[..skip].iter().chain(&bytes[skip + emptied..]).all(|&byte| byte == 7));
            assert!(bytes[skip..skip + emptied].iter().all(|&byte| byte == 0));
            crate::zfree(block);
        }
    }
}

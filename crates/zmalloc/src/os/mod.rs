//! Figures of the operating system about this process, another process, or the machine.
//!
//! Each file answers one question. Files that use text of the kernel separate reading from parsing. So the
//! parsers compile, and are tested, on every platform, also with text that no kernel wrote. They return
//! `None` for text that is cut short, malformed, or holds a number that is too large.

mod advice;
mod cgroup;
mod physical;
mod rss;
mod smaps;

pub use advice::madvise_dontneed;
pub use physical::memory_size;
pub use rss::{fragmentation_ratio, rss};
pub use smaps::{private_dirty, smap_bytes_by_field};

/// Returns the size of a page in bytes, as the system counts pages.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn page_size() -> Option<usize> {
    // SAFETY: `sysconf` only returns a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok().filter(|&size| size.is_power_of_two())
}

/// Parses `text`, without the blanks around it, as one decimal number.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn number(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

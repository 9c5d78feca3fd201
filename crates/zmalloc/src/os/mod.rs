//! What the operating system says: of this process, of another, of the machine.
//!
//! One question a file. The files that read text of the kernel keep the reading apart from the parsing, so
//! that the parsers run, and are tested, on every platform and on text that no kernel ever wrote. All of
//! them answer `None` to text that is cut short, malformed or too large for a number.

mod advice;
mod cgroup;
mod physical;
mod rss;
mod smaps;

pub use advice::madvise_dontneed;
pub use physical::memory_size;
pub use rss::{fragmentation_ratio, rss};
pub use smaps::{private_dirty, smap_bytes_by_field};

/// Bytes a page, as the system counts pages.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn page_size() -> Option<usize> {
    // SAFETY: `sysconf` only answers.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok().filter(|&size| size.is_power_of_two())
}

/// The decimal number that is all of `text` apart from blanks around it.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn number(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

//! The part of the process that is in physical memory.

/// Returns the bytes of the process that are in physical memory, or `None` if the platform has no cheap way
/// to ask. The call is a system call or, on Linux, reads a file of /proc, so it is not meant for busy loops.
/// In C: `zmalloc_get_rss`; in INFO: `used_memory_rss`.
pub fn rss() -> Option<usize> {
    imp::rss()
}

/// Returns [`rss`] divided by [`used_memory`](crate::used_memory).
///
/// About 1.03 is healthy for jemalloc with much data. A much larger ratio means fragmentation, or memory that
/// was not given back. A ratio below 1 means swap. A process with little data has a large ratio that means
/// nothing.
///
/// Returns `None` if [`rss`] does, or if nothing is allocated. In C: `zmalloc_get_fragmentation_ratio`; in
/// INFO: `mem_fragmentation_ratio`.
pub fn fragmentation_ratio() -> Option<f64> {
    match crate::used_memory() {
        0 => None,
        used => Some(rss()? as f64 / used as f64),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    pub(super) fn rss() -> Option<usize> {
        let stat = std::fs::read("/proc/self/stat").ok()?;
        super::rss_pages(&stat)?.checked_mul(crate::os::page_size()?)
    }
}

#[cfg(target_os = "macos")]
mod imp {
    pub(super) fn rss() -> Option<usize> {
        let mut info = core::mem::MaybeUninit::<libc::mach_task_basic_info>::uninit();
        let mut words = libc::MACH_TASK_BASIC_INFO_COUNT;
        #[allow(deprecated)] // the crate recommended instead offers little else that is needed here
        // SAFETY: `info` has room for `words` words.
        let status = unsafe {
            libc::task_info(
                libc::mach_task_self(),
                libc::MACH_TASK_BASIC_INFO,
                info.as_mut_ptr().cast(),
                &mut words,
            )
        };
        if status != libc::KERN_SUCCESS || words < libc::MACH_TASK_BASIC_INFO_COUNT {
            return None;
        }
        // SAFETY: the kernel reports that it wrote all of `info`.
        usize::try_from(unsafe { info.assume_init() }.resident_size).ok()
    }
}

#[cfg(target_os = "freebsd")]
mod imp {
    pub(super) fn rss() -> Option<usize> {
        // SAFETY: `getpid` only returns a number.
        let pid = unsafe { libc::getpid() };
        let mib = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, pid];
        let mut info = core::mem::MaybeUninit::<libc::kinfo_proc>::uninit();
        let mut len = size_of_val(&info);
        // SAFETY: `info` has room for `len` bytes, and no new value is set.
        let status = unsafe {
            libc::sysctl(
                mib.as_ptr(),
                mib.len() as libc::c_uint,
                info.as_mut_ptr().cast(),
                &mut len,
                core::ptr::null_mut(),
                0,
            )
        };
        if status != 0 || len != size_of_val(&info) {
            return None;
        }
        // SAFETY: the kernel reports that it wrote all of `info`.
        let pages = unsafe { info.assume_init() }.ki_rssize;
        usize::try_from(pages).ok()?.checked_mul(crate::os::page_size()?)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd")))]
mod imp {
    pub(super) fn rss() -> Option<usize> {
        None
    }
}

/// Returns the resident pages in a line of /proc/PID/stat, which are the 24th field. The second field is the
/// process name in parentheses. It may contain spaces, parentheses and incomplete characters, so counting
/// starts after the last `)`.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn rss_pages(stat: &[u8]) -> Option<usize> {
    const FIELDS_BEFORE: usize = 21; // after the name: state is the 3rd field, rss the 24th
    let after_name = stat.rsplit(|&byte| byte == b')').next()?;
    if after_name.len() == stat.len() {
        return None; // no name
    }
    core::str::from_utf8(after_name).ok()?.split_ascii_whitespace().nth(FIELDS_BEFORE)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 777 99";

    #[test]
    fn rss_is_found_behind_any_process_name() {
        let names = [&b"redis"[..], b"my server", b"a) S 1 (b", b"(())", b"", b"cut short \xe6\x95"];
        for name in names {
            let stat = [b"12 (", name, b") ", TAIL.as_bytes()].concat();
            assert_eq!(rss_pages(&stat), Some(777), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn a_line_cut_short_has_no_rss() {
        assert_eq!(rss_pages(b"12 (redis) S 1 2"), None);
        assert_eq!(rss_pages(format!("12 redis {TAIL}").as_bytes()), None);
        assert_eq!(rss_pages(b""), None);
    }

    #[test]
    fn an_rss_larger_than_all_memory_is_refused() {
        let stat = format!("12 (redis) {TAIL}").replace("777", "99999999999999999999999");
        assert_eq!(rss_pages(stat.as_bytes()), None);
        assert_eq!(rss_pages(stat.replace("999", "-1").as_bytes()), None);
    }
}

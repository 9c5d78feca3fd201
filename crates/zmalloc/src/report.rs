//! What the operating system says of the process.

/// Bytes of the process that are in physical memory, or `None` where the platform has no cheap way to
/// ask. Opens a file of /proc: not for busy loops. In C: `zmalloc_get_rss`; in INFO: `used_memory_rss`.
pub fn rss() -> Option<usize> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let stat = std::fs::read("/proc/self/stat").ok()?;
        // SAFETY: `sysconf` only answers.
        let page_size = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        rss_pages(&stat)?.checked_mul(page_size)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    None
}

/// The resident pages in a line of /proc/PID/stat: the 24th field. The second is the process name in
/// parentheses and may itself hold spaces, parentheses and half a character, so counting starts after the
/// last `)`.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn rss_pages(stat: &[u8]) -> Option<usize> {
    const FIELDS_BEFORE: usize = 21; // of those after the name: state is the 3rd field, rss the 24th
    let after_name = stat.rsplit(|&byte| byte == b')').next()?;
    if after_name.len() == stat.len() {
        return None; // no name
    }
    core::str::from_utf8(after_name).ok()?.split_ascii_whitespace().nth(FIELDS_BEFORE)?.parse().ok()
}

/// [`rss`] over [`used_memory`](crate::used_memory): about 1.03 is healthy for jemalloc with much data;
/// far above is fragmentation or memory not given back, below 1 is swap. A process with little data shows
/// a large ratio that means nothing. `None` where [`rss`] is, or when nothing is allocated. In C:
/// `zmalloc_get_fragmentation_ratio`; in INFO: `mem_fragmentation_ratio`.
pub fn fragmentation_ratio() -> Option<f64> {
    match crate::used_memory() {
        0 => None,
        used => Some(rss()? as f64 / used as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::rss_pages;

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
}

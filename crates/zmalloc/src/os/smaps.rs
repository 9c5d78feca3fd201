//! The fields of /proc/PID/smaps, which describe each mapping of a process.
//!
//! ```text
//! 7f2c4a000000-7f2c4a021000 rw-p 00000000 00:00 0        one heading for each mapping
//! Size:                132 kB                            its fields: a word and a colon first
//! Rss:                  12 kB
//! Private_Dirty:         8 kB
//! THPeligible:    0                                      not all are sizes
//! VmFlags: rd wr mr mw me ac sd
//! ```
//!
//! /proc/PID/smaps_rollup (Linux 4.14) has the sums of most fields over all mappings, in one such group. It
//! is read first, because the kernel adds faster than it prints.

#[cfg(any(target_os = "linux", target_os = "android", test))]
use std::io::BufRead;

/// Returns the sum of one smaps field over all mappings of process `pid`, in bytes. `None` stands for this
/// process. The fields are `Rss`, `Pss`, `Private_Dirty`, `AnonHugePages`, `Swap` and others; proc(5) lists
/// them.
///
/// Returns `None` if there is no such process, no permission, no such field, or no smaps at all, which is
/// everywhere except on Linux. The result is not a `usize`, because another process may be larger than this
/// one can be.
///
/// The kernel walks the page tables of the whole process. That takes microseconds for a small process and
/// milliseconds for gigabytes. In C: `zmalloc_get_smap_bytes_by_field`, which requires a colon after the
/// field. The colon is optional here.
pub fn smap_bytes_by_field(field: &str, pid: Option<u32>) -> Option<u64> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let field = field.strip_suffix(':').unwrap_or(field);
        let process = pid.map_or("self".to_owned(), |pid| pid.to_string());
        ["smaps_rollup", "smaps"].iter().find_map(|name| {
            let file = std::fs::File::open(format!("/proc/{process}/{name}")).ok()?;
            sum_of_field(std::io::BufReader::new(file), field)
        })
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (field, pid);
        None
    }
}

/// Returns the bytes that process `pid` has written to and shares with no other process. `None` stands for
/// this process. In a child that was forked to save a snapshot, these are the bytes that copy-on-write has
/// copied.
///
/// Returns `None` in the cases of [`smap_bytes_by_field`]. In C: `zmalloc_get_private_dirty`; in INFO:
/// `rdb_last_cow_size` and others.
pub fn private_dirty(pid: Option<u32>) -> Option<u64> {
    smap_bytes_by_field("Private_Dirty", pid)
}

/// Adds up the lines `FIELD: n kB`. Returns `None` if there is none, if one of them has another form, or if
/// the text ends within a line. In the last case the sum could silently miss some mappings.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn sum_of_field(mut smaps: impl BufRead, field: &str) -> Option<u64> {
    let (mut line, mut sum_kb) = (Vec::new(), None::<u64>);
    loop {
        line.clear();
        if smaps.read_until(b'\n', &mut line).ok()? == 0 {
            return sum_kb?.checked_mul(1024);
        }
        let text = line.strip_suffix(b"\n")?;
        // A heading begins with an address, so a file name in it cannot be mistaken for a field.
        if let Some(value) = text.strip_prefix(field.as_bytes()).and_then(|rest| rest.strip_prefix(b":")) {
            let kb = super::number(value.strip_suffix(b" kB")?)?;
            sum_kb = Some(sum_kb.unwrap_or(0).checked_add(kb)?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
55d0c0000000-55d0c0021000 r-xp 00000000 fe:01 42 /tmp/Rss: 1000 kB\n\
Size:                132 kB\n\
Rss:                  12 kB\n\
Private_Dirty:         8 kB\n\
THPeligible:    0\n\
VmFlags: rd wr mr mw me ac sd\n\
7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0                          [stack]\n\
Size:                132 kB\n\
Rss:                   4 kB\n\
Private_Dirty:         0 kB\n";

    fn sum(text: &str, field: &str) -> Option<u64> {
        sum_of_field(text.as_bytes(), field)
    }

    #[test]
    fn a_field_is_summed_over_all_mappings() {
        assert_eq!(sum(SMAPS, "Size"), Some(264 * 1024));
        assert_eq!(sum(SMAPS, "Rss"), Some(16 * 1024));
        assert_eq!(sum(SMAPS, "Private_Dirty"), Some(8 * 1024));
    }

    #[test]
    fn what_is_neither_a_size_nor_a_field_has_no_sum() {
        for field in
            ["Pss", "THPeligible", "VmFlags", "", "Siz", "Dirty", "55d0c0000000-55d0c0021000 r-xp 0000"]
        {
            assert_eq!(sum(SMAPS, field), None, "{field}");
        }
        assert_eq!(sum("", "Rss"), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn text_cut_anywhere_within_a_line_has_no_sum() {
        for end in 1..SMAPS.len() {
            let whole_lines = SMAPS.as_bytes()[end - 1] == b'\n';
            if !whole_lines {
                assert_eq!(sum(&SMAPS[..end], "Size"), None, "cut at {end}");
            }
        }
    }

    #[test]
    fn numbers_that_overflow_have_no_sum() {
        let most_kb = u64::MAX / 1024;
        assert_eq!(sum(&format!("Rss: {most_kb} kB\n"), "Rss"), Some(most_kb * 1024));
        assert_eq!(sum(&format!("Rss: {} kB\n", most_kb + 1), "Rss"), None);
        assert_eq!(sum(&format!("Rss: {0} kB\nRss: {0} kB\n", u64::MAX), "Rss"), None);
        assert_eq!(sum("Rss: 99999999999999999999999 kB\n", "Rss"), None);
        assert_eq!(sum("Rss: -4 kB\n", "Rss"), None);
        assert_eq!(sum("Rss: 4 MB\n", "Rss"), None);
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))] // calls the system, which Miri does not emulate
    fn this_process_and_this_process_by_its_number_are_one() {
        let pid = std::process::id();
        // This field describes the mappings. Fields about resident memory change from one call to the next.
        let size = smap_bytes_by_field("KernelPageSize", Some(pid)).unwrap();
        assert!(size > 0 && size.is_multiple_of(4096));
        let (by_self, by_pid) = (private_dirty(None).unwrap(), private_dirty(Some(pid)).unwrap());
        assert!(by_self.abs_diff(by_pid) < 64 << 20, "{by_self} {by_pid}");
        assert!(smap_bytes_by_field("Rss:", None) > Some(0), "the colon of the C function may be given");
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))] // calls the system, which Miri does not emulate
    fn a_process_that_is_not_there_has_no_figures() {
        assert_eq!(private_dirty(Some(u32::MAX)), None);
    }
}

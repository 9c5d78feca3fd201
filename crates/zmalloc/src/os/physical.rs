//! How much memory there is to use.

/// Bytes of memory that the process may use: the machine's physical memory or, on Linux, the lowest limit of a
/// control group (v1 or v2) that the process is in, if that is less. `None` where the platform cannot be
/// asked.
///
/// Not `usize`, because a machine may have more memory than a 32-bit process can address. Reads files of
/// /proc and /sys: for the start of a program, not for a loop. In C: `zmalloc_get_memory_size`, which knows
/// nothing of control groups; in INFO: `total_system_memory`.
pub fn memory_size() -> Option<u64> {
    let physical = physical()?;
    Some(super::cgroup::limit().map_or(physical, |limit| limit.min(physical)))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn physical() -> Option<u64> {
    // SAFETY: `sysconf` only answers.
    let pages = u64::try_from(unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) }).ok()?;
    pages.checked_mul(super::page_size()? as u64).filter(|&bytes| bytes > 0)
}

#[cfg(target_os = "macos")]
fn physical() -> Option<u64> {
    by_name(c"hw.memsize", 0_u64)
}

#[cfg(target_os = "freebsd")]
fn physical() -> Option<u64> {
    by_name(c"hw.physmem", 0 as libc::c_ulong)
}

/// A figure of the kernel, of the type that `value` has.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn by_name<T: Into<u64>>(name: &core::ffi::CStr, mut value: T) -> Option<u64> {
    let mut len = size_of::<T>();
    // SAFETY: `value` has room for `len` bytes, and both callers pass a number; nothing is set.
    let status = unsafe {
        libc::sysctlbyname(name.as_ptr(), (&raw mut value).cast(), &mut len, core::ptr::null_mut(), 0)
    };
    let bytes = value.into();
    if status == 0 && len == size_of::<T>() && bytes > 0 { Some(bytes) } else { None }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd")))]
fn physical() -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux", not(miri)))] // asks the system, which Miri does not imitate
mod tests {
    use super::*;

    #[test]
    fn the_memory_to_use_is_some_and_no_more_than_the_machine_has() {
        let size = memory_size().unwrap();
        assert!((1 << 20..=physical().unwrap()).contains(&size), "{size}");
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
        let kb: u64 = total.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        assert_eq!(physical(), Some(kb * 1024));
    }
}

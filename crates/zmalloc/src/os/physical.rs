//! The amount of memory that the process may use.

/// Returns the number of bytes of memory that the process may use. This is the machine's physical memory. On
/// Linux, the lowest limit of the process' control groups (v1 or v2) applies if it is less. Returns `None` if
/// the size is not known, as on platforms other than Linux, Android, macOS and FreeBSD.
///
/// The result is not a `usize`, because a machine may have more memory than a 32-bit process can address. On
/// Linux, a call reads files of /proc and /sys, so it should not be made in a loop.
///
/// In C: `zmalloc_get_memory_size`, which does not consider control groups; in INFO: `total_system_memory`.
pub fn memory_size() -> Option<u64> {
    let physical = physical()?;
    Some(super::cgroup::limit().map_or(physical, |limit| limit.min(physical)))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn physical() -> Option<u64> {
    // SAFETY: `sysconf` only returns a number.
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

/// Reads a number from the kernel's `sysctl` tree by its name. `T` must be the C type of this number.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn by_name<T: Into<u64>>(name: &core::ffi::CStr, mut value: T) -> Option<u64> {
    let mut len = size_of::<T>();
    // SAFETY: `value` has room for `len` bytes. Both callers pass an integer, for which all bytes are valid. The
    // null pointer means that no new value is set.
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

#[cfg(all(test, target_os = "linux", not(miri)))] // Miri does not emulate these system calls
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

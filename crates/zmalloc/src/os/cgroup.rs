//! The memory limit of the control groups that the process is in.
//!
//! A group's limit applies to all groups below it. So the result is the lowest limit on the path from the
//! process' own group up to the top. Two files are needed to find that path:
//!
//! ```text
//! /proc/self/cgroup       0::/app/db                          the group, v2
//!                         4:cpu,memory:/app/db                the group, v1, by controller
//! /proc/self/mountinfo    31 23 0:28 /app /sys/fs/cgroup rw - cgroup2 cgroup2 rw
//!                                    |    |                   |
//!            the group mounted ------+    +-- mounted at      +-- its type
//!
//! /app/db below /app is /db:  /sys/fs/cgroup/db/memory.max, then /sys/fs/cgroup/memory.max
//! ```
//!
//! A container sees its own group mounted as if it were the top. The groups above are not visible. The limit
//! is then usually on the mounted group itself, which is examined too.
//!
//! One hierarchy can be mounted more than once. Every mount that the group lies below is examined: one mount
//! may show more of the path than another, and a later mount may cover an earlier one. A mount of another
//! group is ignored, unless a path leads out of the namespace (`/../x`). In that case, if no mount is known
//! to be above the group, the highest mount is used.
//!
//! A group file that says `max` (v2), or about 2^63 (v1), is no limit.
//!
//! Learned from: cgroups(7), proc_pid_mountinfo(5).

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn limit() -> Option<u64> {
    let groups = std::fs::read("/proc/self/cgroup").ok()?;
    let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
    lowest_limit(&groups, &mounts, |path| {
        use std::os::unix::ffi::OsStrExt;
        std::fs::read(std::ffi::OsStr::from_bytes(path)).ok()
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn limit() -> Option<u64> {
    None
}

#[cfg(any(target_os = "linux", target_os = "android", test))]
use parse::lowest_limit;

#[cfg(any(target_os = "linux", target_os = "android", test))]
mod parse {
    use crate::os::number;
    use core::cmp::Reverse;

    /// The differences between the two versions of control groups.
    struct Version {
        /// The file system's type in mountinfo.
        kind: &'static [u8],
        /// The file with the limit in a group's directory.
        file: &'static [u8],
    }

    const V1: Version = Version { kind: b"cgroup", file: b"memory.limit_in_bytes" };
    const V2: Version = Version { kind: b"cgroup2", file: b"memory.max" };

    /// A mounted hierarchy.
    struct Mount {
        /// The group that is mounted.
        root: Vec<u8>,
        /// The directory that it is mounted on.
        point: Vec<u8>,
        /// The file with the limit in a group's directory.
        file: &'static [u8],
    }

    /// Returns the lowest limit in bytes, given the text of /proc/self/cgroup and /proc/self/mountinfo and a
    /// function that reads files. Returns `None` if there is no limit, or if the text cannot be parsed.
    pub(super) fn lowest_limit(
        groups: &[u8],
        mounts: &[u8],
        read: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<u64> {
        let mut lowest: Option<u64> = None;
        let mut read_limit = |mount: &Mount, path: &[u8]| {
            let name = [&mount.point[..], path, b"/", mount.file].concat();
            if let Some(limit) = read(&name).and_then(|text| number(&text)) {
                lowest = Some(lowest.map_or(limit, |lowest| lowest.min(limit)));
            }
        };
        for line in groups.split(|&byte| byte == b'\n') {
            let Some((version, group)) = memory_group(line) else { continue };
            let mounts = || mounts.split(|&byte| byte == b'\n').filter_map(|line| mount_of(line, &version));
            let mut is_below_any = false;
            for mount in mounts() {
                let Some(mut path) = below(group, &mount.root) else { continue };
                is_below_any = true;
                read_limit(&mount, path);
                while let Some(parent) = path.iter().rposition(|&byte| byte == b'/') {
                    path = &path[..parent];
                    read_limit(&mount, path);
                }
            }
            if !is_below_any {
                let may_be_above =
                    |mount: &Mount| has_parent_component(group) || has_parent_component(&mount.root);
                let highest = mounts().filter(may_be_above).max_by_key(|mount| Reverse(mount.root.len()));
                if let Some(mount) = highest {
                    read_limit(&mount, b"");
                }
            }
        }
        lowest
    }

    /// Returns the group of a line of /proc/PID/cgroup if the line is about memory. The line is
    /// `ID:CONTROLLERS:PATH`. For v2, the hierarchy is 0 and the list of controllers is empty. A path may
    /// contain colons.
    fn memory_group(line: &[u8]) -> Option<(Version, &[u8])> {
        let mut parts = line.splitn(3, |&byte| byte == b':');
        let (id, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        if !path.starts_with(b"/") {
            return None;
        }
        if id == b"0" && controllers.is_empty() {
            Some((V2, path))
        } else if has_memory(controllers) {
            Some((V1, path))
        } else {
            None
        }
    }

    fn has_memory(list: &[u8]) -> bool {
        list.split(|&byte| byte == b',').any(|word| word == b"memory")
    }

    /// Returns the mount that a line of mountinfo describes, if it is of `version` and has the memory
    /// controller. Before the single `-` there are six fields and any number of optional ones. After it
    /// follow the type, the source and the options.
    fn mount_of(line: &[u8], version: &Version) -> Option<Mount> {
        let mut fields = line.split(|&byte| byte == b' ');
        let (root, point) = (fields.nth(3)?, fields.next()?);
        fields.find(|field| *field == b"-")?;
        let (kind, options) = (fields.next()?, fields.nth(1)?);
        let is_wanted = kind == version.kind && (version.kind == V2.kind || has_memory(options));
        is_wanted.then(|| Mount { root: unescape(root), point: unescape(point), file: version.file })
    }

    /// Decodes the octal escapes of mountinfo, which writes blanks, line ends and backslashes as three octal
    /// digits: `\040`.
    fn unescape(text: &[u8]) -> Vec<u8> {
        let (mut plain, mut rest) = (Vec::with_capacity(text.len()), text);
        while let [first, after @ ..] = rest {
            let is_octal = |digit: &u8| (b'0'..=b'7').contains(digit);
            match after {
                [a @ b'0'..=b'3', b, c, after @ ..] if *first == b'\\' && is_octal(b) && is_octal(c) => {
                    plain.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                    rest = after;
                }
                _ => {
                    plain.push(*first);
                    rest = after;
                }
            }
        }
        plain
    }

    /// Returns the path of `group` relative to `root`, which is empty or starts with `/`. Returns `None` if
    /// the group is not below `root`, or if the path leads upwards, as that of a group outside of the
    /// namespace does.
    fn below<'a>(group: &'a [u8], root: &[u8]) -> Option<&'a [u8]> {
        let root = root.strip_suffix(b"/").unwrap_or(root);
        let path = group.strip_prefix(root)?;
        let path = path.strip_suffix(b"/").unwrap_or(path);
        if (path.is_empty() || path.starts_with(b"/")) && !has_parent_component(path) {
            Some(path)
        } else {
            None
        }
    }

    /// Returns whether a path leaves the namespace, where the names of groups are unknown.
    fn has_parent_component(path: &[u8]) -> bool {
        path.split(|&byte| byte == b'/').any(|name| name == b"..")
    }
}

#[cfg(test)]
mod tests {
    use super::lowest_limit;

    const V2_MOUNT: &str = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1_MOUNTS: &str = "\
32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

    fn limit(groups: &str, mounts: &str, files: &[(&str, &str)]) -> Option<u64> {
        lowest_limit(groups.as_bytes(), mounts.as_bytes(), |path| {
            let (_, text) = files.iter().find(|(name, _)| name.as_bytes() == path)?;
            Some(text.as_bytes().to_vec())
        })
    }

    #[test]
    fn the_lowest_limit_on_the_way_up_counts() {
        let files = |own, parent| {
            [("/sys/fs/cgroup/app/db/memory.max", own), ("/sys/fs/cgroup/app/memory.max", parent)]
        };
        let asked = |own, parent| limit("0::/app/db\n", V2_MOUNT, &files(own, parent));
        assert_eq!(asked("1000\n", "2000\n"), Some(1000));
        assert_eq!(asked("3000\n", "2000\n"), Some(2000));
        assert_eq!(asked("max\n", "2000\n"), Some(2000));
        assert_eq!(asked("max\n", "max\n"), None);
        assert_eq!(asked("0\n", "max\n"), Some(0));
        assert_eq!(asked("99999999999999999999999\n", "nonsense"), None);
    }

    #[test]
    fn version_one_is_found_by_its_controller() {
        let groups = "5:cpu,cpuacct:/web\n4:hugetlb,memory:/app\n1:name=systemd:/\n";
        let files = [
            ("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "4096000\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/sys/fs/cgroup/cpu/web/memory.limit_in_bytes", "1\n"),
        ];
        assert_eq!(limit(groups, V1_MOUNTS, &files), Some(4_096_000));
        assert_eq!(limit("4:memory_not:/app\n", V1_MOUNTS, &files), None);
    }

    #[test]
    fn with_both_versions_mounted_both_count() {
        let mounts = [V1_MOUNTS, V2_MOUNT].concat();
        let files = |v1, v2| {
            [("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", v1), ("/sys/fs/cgroup/b/memory.max", v2)]
        };
        assert_eq!(limit("4:memory:/a\n0::/b\n", &mounts, &files("100", "200")), Some(100));
        assert_eq!(limit("4:memory:/a\n0::/b\n", &mounts, &files("300", "200")), Some(200));
    }

    #[test]
    fn a_container_sees_its_own_group_as_the_top() {
        let mount = "31 23 0:28 /docker/4f2a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let files = [("/sys/fs/cgroup/memory.max", "500"), ("/sys/fs/cgroup/x/memory.max", "400")];
        assert_eq!(limit("0::/docker/4f2a\n", mount, &files), Some(500));
        assert_eq!(limit("0::/docker/4f2a/x\n", mount, &files), Some(400));
        // Outside of the mounted group: another group with a similar name, whose limit does not apply.
        assert_eq!(limit("0::/docker/4f2a_other\n", mount, &files), None);
        // Outside of the namespace: the place of the group is unknown, so the mounted group is all that can
        // be examined.
        assert_eq!(limit("0::/../x\n", V2_MOUNT, &files), Some(500));
        assert_eq!(limit("0::/x/../x\n", V2_MOUNT, &files), Some(500));
    }

    #[test]
    fn a_mount_of_another_group_does_not_count() {
        let other = "40 23 0:28 /system.slice/other /mnt/other rw - cgroup2 cgroup2 rw\n";
        let files = [
            ("/mnt/other/memory.max", "1000"),
            ("/sys/fs/cgroup/system.slice/db/memory.max", "500000"),
            ("/sys/fs/cgroup/memory.max", "900000"),
        ];
        for mounts in [[other, V2_MOUNT].concat(), [V2_MOUNT, other].concat()] {
            assert_eq!(limit("0::/system.slice/db\n", &mounts, &files), Some(500_000));
            assert_eq!(limit("0::/../db\n", &mounts, &files), Some(900_000));
        }
    }

    #[test]
    fn a_mount_on_top_of_another_or_of_a_lower_group_hides_no_limit() {
        let lower = "40 23 0:28 /app /mnt/app rw - cgroup2 cgroup2 rw\n";
        let files = |top, own| [("/sys/fs/cgroup/memory.max", top), ("/mnt/app/db/memory.max", own)];
        let on_top = "41 31 0:28 /app /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let hidden = [("/sys/fs/cgroup/db/memory.max", "300"), ("/sys/fs/cgroup/memory.max", "400")];
        for swap in [false, true] {
            let both = |a: &str, b: &str| if swap { [b, a].concat() } else { [a, b].concat() };
            let asked = |top, own| limit("0::/app/db\n", &both(V2_MOUNT, lower), &files(top, own));
            assert_eq!((asked("100", "200"), asked("200", "100")), (Some(100), Some(100)));
            assert_eq!(limit("0::/app/db\n", &both(V2_MOUNT, on_top), &hidden), Some(300));
        }
    }

    #[test]
    fn names_with_blanks_colons_and_backslashes_are_found() {
        let mount = r"31 23 0:28 / /mnt/my\040groups\134 rw - cgroup2 cgroup2 rw";
        let files = [(r"/mnt/my groups\/a:b) (c d/memory.max", "77")];
        assert_eq!(limit("0::/a:b) (c d\n", mount, &files), Some(77));
    }

    #[test]
    #[cfg_attr(miri, ignore = "no unsafe code")]
    fn text_cut_anywhere_is_no_panic() {
        let groups = "4:memory:/a\n0::/b/c\n";
        let mounts = [V1_MOUNTS, V2_MOUNT, r"1 2 0:1 /\04 /x\1 rw - cgroup2 none rw"].concat();
        for cut in 0..mounts.len() {
            limit(groups, &mounts[..cut], &[("/sys/fs/cgroup/b/memory.max", "5")]);
        }
        for cut in 0..groups.len() {
            limit(&groups[..cut], &mounts, &[("/sys/fs/cgroup/b/memory.max", "5")]);
        }
        assert_eq!(limit("", "", &[]), None);
    }
}

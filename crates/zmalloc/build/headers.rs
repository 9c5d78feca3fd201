//! What C headers say of a library: the numbers of its version.

/// The integer that `#define NAME` gives, if the text has it.
pub(crate) fn number(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut words = line.strip_prefix("#define ")?.split_ascii_whitespace();
        if words.next()? == name { words.next()?.parse().ok() } else { None }
    })
}

/// `-5.3.1` for what jemalloc.h defines; empty where it does not say.
pub(crate) fn jemalloc(text: &str) -> String {
    let part = |name: &str| number(text, name);
    match (part("JEMALLOC_VERSION_MAJOR"), part("JEMALLOC_VERSION_MINOR"), part("JEMALLOC_VERSION_BUGFIX")) {
        (Some(major), Some(minor), Some(bugfix)) => format!("-{major}.{minor}.{bugfix}"),
        _ => String::new(),
    }
}

/// `-2.2.4` for what mimalloc.h defines. One number holds all three: 224 until release 2.2, then 20204.
pub(crate) fn mimalloc(text: &str) -> String {
    match number(text, "MI_MALLOC_VERSION") {
        Some(short @ ..1_000) => format!("-{}.{}.{}", short / 100, short / 10 % 10, short % 10),
        Some(long) => format!("-{}.{}.{}", long / 10_000, long / 100 % 100, long % 100),
        None => String::new(),
    }
}

/// `-2.10` for what gperftools/tcmalloc.h defines.
pub(crate) fn tcmalloc(text: &str) -> String {
    match (number(text, "TC_VERSION_MAJOR"), number(text, "TC_VERSION_MINOR")) {
        (Some(major), Some(minor)) => format!("-{major}.{minor}"),
        _ => String::new(),
    }
}

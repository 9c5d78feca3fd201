//! Reads the version of a library from its C header.

/// Returns the integer that `#define NAME` gives, if the text has it.
pub(crate) fn number(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut words = line.strip_prefix("#define ")?.split_ascii_whitespace();
        if words.next()? == name { words.next()?.parse().ok() } else { None }
    })
}

/// Returns `-5.3.1` for the definitions of jemalloc.h, or an empty text if they are missing.
pub(crate) fn jemalloc(text: &str) -> String {
    let part = |name: &str| number(text, name);
    match (part("JEMALLOC_VERSION_MAJOR"), part("JEMALLOC_VERSION_MINOR"), part("JEMALLOC_VERSION_BUGFIX")) {
        (Some(major), Some(minor), Some(bugfix)) => format!("-{major}.{minor}.{bugfix}"),
        _ => String::new(),
    }
}

/// Returns `-2.2.4` for the definition of mimalloc.h. One number holds all three parts: 224 until release
/// 2.2, and 20204 afterwards.
pub(crate) fn mimalloc(text: &str) -> String {
    match number(text, "MI_MALLOC_VERSION") {
        Some(short @ ..1_000) => format!("-{}.{}.{}", short / 100, short / 10 % 10, short % 10),
        Some(long) => format!("-{}.{}.{}", long / 10_000, long / 100 % 100, long % 100),
        None => String::new(),
    }
}

/// Returns `-2.10` for the definitions of gperftools/tcmalloc.h.
pub(crate) fn tcmalloc(text: &str) -> String {
    match (number(text, "TC_VERSION_MAJOR"), number(text, "TC_VERSION_MINOR")) {
        (Some(major), Some(minor)) => format!("-{major}.{minor}"),
        _ => String::new(),
    }
}

//! Chooses the back end of a build. No function here reads the environment, so that `tests/choice.rs` can
//! test every case.
//!
//! ```text
//! Miri                                                 prefix      Miri interprets std's System, but no C
//! a sanitizer that watches malloc                      libc        the sanitizer replaces its malloc
//! feature prefix                                       prefix
//! feature libc                                         libc
//! feature tcmalloc                                     tcmalloc
//! feature tcmalloc_minimal                             tcmalloc_minimal
//! feature mimalloc                                     mimalloc
//! feature jemalloc (the default)                       jemalloc
//! no feature, or none that the platform supports       prefix
//! ```
//!
//! The first line that applies wins. Several features may be on at once, because Cargo combines the features
//! that all crates of a program ask for. A less common feature is more likely to be intended, so it wins, and
//! the default is the weakest.

/// The allocators underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackEnd {
    Prefix,
    Libc,
    Tcmalloc,
    TcmallocMinimal,
    Mimalloc,
    Jemalloc,
}

use BackEnd::*;

impl BackEnd {
    /// All back ends, from the strongest feature to the weakest.
    pub(crate) const BY_PRECEDENCE: [Self; 6] = [Prefix, Libc, Tcmalloc, TcmallocMinimal, Mimalloc, Jemalloc];

    /// Returns the name of the library, which is the name of the feature.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Prefix => "prefix",
            Libc => "libc",
            Tcmalloc => "tcmalloc",
            TcmallocMinimal => "tcmalloc_minimal",
            Mimalloc => "mimalloc",
            Jemalloc => "jemalloc",
        }
    }

    /// Returns whether the back end is available on an operating system, which has Cargo's name.
    pub(crate) fn supports(self, os: &str) -> bool {
        let has_usable_size = ["linux", "android", "macos", "freebsd"].contains(&os);
        match self {
            Prefix => true,
            Libc | Jemalloc => has_usable_size,
            Tcmalloc | TcmallocMinimal => has_usable_size && os != "android",
            Mimalloc => has_usable_size || os == "windows",
        }
    }
}

/// The properties of a build that determine its back end.
pub(crate) struct Build<'a> {
    /// `CARGO_CFG_TARGET_OS`; `unknown` for bare wasm32.
    pub(crate) os: &'a str,
    pub(crate) miri: bool,
    /// Whether [`sanitizer`] found one.
    pub(crate) sanitized: bool,
    /// The features that are on.
    pub(crate) features: &'a [BackEnd],
}

/// Returns the back end of a build.
pub(crate) fn choose(build: &Build) -> BackEnd {
    if build.miri {
        return Prefix;
    }
    if build.sanitized {
        return if Libc.supports(build.os) { Libc } else { Prefix };
    }
    let wanted = |back_end: &BackEnd| build.features.contains(back_end) && back_end.supports(build.os);
    BackEnd::BY_PRECEDENCE.into_iter().find(wanted).unwrap_or(Prefix)
}

/// The sanitizers that replace `malloc` or need to know what it returned. The undefined-behaviour sanitizer
/// does not, but it finds more with the plainest allocator. Redis' Makefile selects libc for it too.
const SANITIZERS: [&str; 9] =
    ["address", "hwaddress", "memtag", "memory", "leak", "thread", "dataflow", "realtime", "undefined"];

/// Returns the sanitizer of a build, or the first if there are several.
///
/// - `cfg_sanitize`: `CARGO_CFG_SANITIZE`, a comma-separated list that a nightly compiler sets.
/// - `rust_flags`: rustc's arguments, one by one. They are `-Zsanitizer=address`, or `-Z` and then
///   `sanitizer=address`; the same after `-C`, which will be the stable form; and link arguments that name a
///   sanitizer.
/// - `c_flags`: the flags of the C compiler and linker, separated by blanks: `-fsanitize=address,undefined`.
pub(crate) fn sanitizer<'a>(
    cfg_sanitize: &str,
    rust_flags: impl IntoIterator<Item = &'a str>,
    c_flags: impl IntoIterator<Item = &'a str>,
) -> Option<&'static str> {
    of_list(cfg_sanitize)
        .or_else(|| rust_flags.into_iter().find_map(|flag| of_rust_flag(flag).or_else(|| of_c_flags(flag))))
        .or_else(|| c_flags.into_iter().find_map(of_c_flags))
}

fn of_list(list: &str) -> Option<&'static str> {
    list.split(',').find_map(|name| SANITIZERS.into_iter().find(|known| *known == name))
}

fn of_rust_flag(flag: &str) -> Option<&'static str> {
    let option = ["-Z", "-C", "--codegen"].iter().find_map(|prefix| flag.strip_prefix(prefix));
    let option = option.unwrap_or(flag).trim_start_matches([' ', '=']);
    ["sanitizer=", "sanitize="].iter().find_map(|name| of_list(option.strip_prefix(name)?))
}

fn of_c_flags(flags: &str) -> Option<&'static str> {
    let words = flags.split([' ', '\t', '\n', '=', '"', '\'']);
    let mut pairs = words.clone().zip(words.skip(1));
    pairs.find_map(|(option, list)| if option.ends_with("-fsanitize") { of_list(list) } else { None })
}

//! Which back end a build gets: the rules of `build.rs`, and the definitions that it reads from headers.

#![allow(missing_docs, reason = "the modules belong to the build script")]

#[path = "../build/choice.rs"]
mod choice;
#[path = "../build/headers.rs"]
mod headers;

use choice::BackEnd::{self, *};
use choice::{Build, choose, sanitizer};

const FULL_SUPPORT_OS: [&str; 3] = ["linux", "macos", "freebsd"];
const OTHER_OS: [&str; 4] = ["windows", "wasi", "unknown", "none"];

fn on(os: &str, features: &[BackEnd]) -> BackEnd {
    choose(&Build { os, miri: false, sanitized: false, features })
}

/// Returns all sets of features, by the bits of a number.
fn every_set() -> impl Iterator<Item = Vec<BackEnd>> {
    let has = |set: u32| move |(bit, _): &(usize, BackEnd)| set >> bit & 1 == 1;
    (0..1 << BackEnd::BY_PRECEDENCE.len()).map(move |set| {
        BackEnd::BY_PRECEDENCE.into_iter().enumerate().filter(has(set)).map(|(_, one)| one).collect()
    })
}

#[test]
#[cfg_attr(miri, ignore = "many cases, and no unsafe code in them")]
fn the_strongest_feature_wins_whatever_else_is_on() {
    assert_eq!(
        BackEnd::BY_PRECEDENCE.map(BackEnd::name),
        ["prefix", "libc", "tcmalloc", "tcmalloc_minimal", "mimalloc", "jemalloc"]
    );
    for os in FULL_SUPPORT_OS {
        for mut features in every_set() {
            let strongest = features.first().copied().unwrap_or(Prefix);
            assert_eq!(on(os, &features), strongest, "{os}, {features:?}");
            features.reverse();
            assert_eq!(on(os, &features), strongest, "the order in which they are named is nothing");
        }
    }
}

#[test]
fn a_platform_that_cannot_have_a_back_end_gets_the_next_and_at_last_the_prefix() {
    for os in OTHER_OS {
        for feature in [Libc, Tcmalloc, TcmallocMinimal, Jemalloc] {
            assert_eq!(on(os, &[feature]), Prefix, "{os}");
        }
        assert_eq!(on(os, &[]), Prefix, "{os}");
    }
    assert_eq!(on("windows", &[Tcmalloc, Mimalloc, Jemalloc]), Mimalloc);
    assert_eq!(on("wasi", &[Mimalloc]), Prefix);
    assert_eq!(on("android", &[Tcmalloc, Jemalloc]), Jemalloc);
}

#[test]
#[cfg_attr(miri, ignore = "many cases, and no unsafe code in them")]
fn a_sanitizer_beats_every_feature_and_miri_beats_the_sanitizer() {
    for os in FULL_SUPPORT_OS.into_iter().chain(OTHER_OS) {
        for features in every_set() {
            let build = |miri, sanitized| choose(&Build { os, miri, sanitized, features: &features });
            let plainest = if FULL_SUPPORT_OS.contains(&os) { Libc } else { Prefix };
            assert_eq!(build(false, true), plainest, "{os}, {features:?}");
            assert_eq!(build(true, false), Prefix, "{os}, {features:?}");
            assert_eq!(build(true, true), Prefix, "{os}, {features:?}");
        }
    }
}

#[test]
fn sanitizers_are_seen_in_every_spelling_of_the_flags() {
    let rust = |flags: &[&str]| sanitizer("", flags.iter().copied(), []);
    for name in ["address", "hwaddress", "memtag", "memory", "leak", "thread", "dataflow", "realtime"] {
        assert_eq!(rust(&[&format!("-Zsanitizer={name}")]), Some(name));
        assert_eq!(sanitizer(name, [], []), Some(name));
    }
    let address: [&[&str]; 9] = [
        &["-Copt-level=1", "-Z", "sanitizer=address"],
        &["-Z sanitizer=address"],
        &["-Csanitizer=address"],
        &["-C", "sanitize=address"],
        &["--codegen=sanitize=address"],
        &["--codegen", "sanitize=address"],
        &["-Zsanitizer=cfi,address"],
        &["-Clink-arg=-fsanitize=address"],
        &["-C", "link-args=-g -fsanitize=address -lm"],
    ];
    for flags in address {
        assert_eq!(rust(flags), Some("address"), "{flags:?}");
    }
    assert_eq!(sanitizer("cfi,thread", [], []), Some("thread"));

    let c = |flags: &str| sanitizer("", [], [flags]);
    assert_eq!(c("-fsanitize=address"), Some("address"));
    assert_eq!(c("-O1 -g  -fsanitize=undefined,address -fno-omit-frame-pointer"), Some("undefined"));
    assert_eq!(c("\"-fsanitize=memory\""), Some("memory"));
    assert_eq!(sanitizer("", [], ["-O2", "-fsanitize=undefined"]), Some("undefined"));
}

#[test]
fn flags_that_leave_malloc_alone_are_not_taken_for_a_sanitizer() {
    let flags = [
        "",
        "-Copt-level=3",
        "-Zsanitizer=cfi",
        "-Zsanitizer=kcfi",
        "-Zsanitizer=safestack",
        "-Zsanitizer=shadow-call-stack",
        "-Zsanitizer-recover=address",
        "-Zsanitizer-memory-track-origins=2",
        "-Clink-arg=-fno-sanitize=address",
        "--cfg=sanitizer",
        "address",
        "--cfg",
        "feature=\"address\"",
    ];
    assert_eq!(sanitizer("", flags, []), None);
    let c_flags = ["-O2 -fno-sanitize=all -fsanitize-recover=address -fsanitize=cfi", ""];
    assert_eq!(sanitizer("", [], c_flags), None);
    assert_eq!(sanitizer("cfi,kcfi", [], []), None);
}

#[test]
fn this_build_has_the_back_end_that_the_rules_give_it() {
    let on = [
        (Prefix, cfg!(feature = "prefix")),
        (Libc, cfg!(feature = "libc")),
        (Tcmalloc, cfg!(feature = "tcmalloc")),
        (TcmallocMinimal, cfg!(feature = "tcmalloc_minimal")),
        (Mimalloc, cfg!(feature = "mimalloc")),
        (Jemalloc, cfg!(feature = "jemalloc")),
    ];
    let features: Vec<_> = on.into_iter().filter_map(|(feature, on)| on.then_some(feature)).collect();
    let back_end = choose(&Build {
        os: std::env::consts::OS,
        miri: cfg!(miri),
        sanitized: cfg!(zmalloc_sanitizer),
        features: &features,
    });
    let (name, version) = zmalloc::ALLOCATOR.split_once('-').unwrap_or((zmalloc::ALLOCATOR, ""));
    assert_eq!(name, back_end.name());
    let has_version = !matches!(back_end, Prefix | Libc);
    assert_eq!(version.starts_with(|first: char| first.is_ascii_digit()), has_version, "{version}");
}

#[test]
fn versions_are_read_from_the_headers() {
    let jemalloc = "#define JEMALLOC_VERSION_MAJOR 5\n#define JEMALLOC_VERSION_MINOR 3\n\
                    #define JEMALLOC_VERSION_BUGFIX 1\n#define JEMALLOC_VERSION_NREV 0\n";
    assert_eq!(headers::jemalloc(jemalloc), "-5.3.1");
    assert_eq!(headers::mimalloc("#define MI_MALLOC_VERSION 224   // major + 2 digits minor\n"), "-2.2.4");
    assert_eq!(headers::mimalloc("#define MI_MALLOC_VERSION 30302"), "-3.3.2");
    let tcmalloc = "#define TC_VERSION_STRING \"gperftools 2.10\"\n#define TC_VERSION_MAJOR  2\n\
                    #define TC_VERSION_MINOR  10\n";
    assert_eq!(headers::tcmalloc(tcmalloc), "-2.10");
    for nothing in ["", "#define JEMALLOC_VERSION_MAJOR 5\n", "#define TC_VERSION_MAJOR x", "#define"] {
        let all = [headers::jemalloc(nothing), headers::mimalloc(nothing), headers::tcmalloc(nothing)];
        assert_eq!(all, ["", "", ""], "{nothing}");
    }
}

/// `cargo xtask asan` sets the variable. If the build did not see the sanitizer's flag, all tests for it
/// would be skipped silently.
#[test]
fn a_build_that_was_meant_to_be_sanitized_is() {
    if std::env::var("ZMALLOC_TEST_SANITIZER").is_ok_and(|name| name == "address") {
        assert_eq!(zmalloc::ALLOCATOR, "libc", "build.rs has not seen the sanitizer");
    }
}

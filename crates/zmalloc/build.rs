//! Chooses the back end and says so to the crate as `cfg(zmalloc_backend = "...")`.
//!
//! A sanitizer or Miri has to see every block, so it overrides the features: sanitizers get libc,
//! which they intercept; Miri gets the prefix layout over std's `System`, which it interprets.

use std::env;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!(r#"cargo:rustc-check-cfg=cfg(zmalloc_backend, values("jemalloc", "libc", "prefix"))"#);
    println!(r#"cargo:rustc-check-cfg=cfg(zmalloc_lg_quantum, values("3", "4", "ask"))"#);

    let backend = backend();
    println!("cargo:rustc-cfg=zmalloc_backend=\"{backend}\"");
    println!("cargo:rustc-cfg=zmalloc_lg_quantum=\"{}\"", lg_quantum());
    let name = match backend {
        "jemalloc" => format!("jemalloc{}", jemalloc_version()),
        other => other.to_owned(),
    };
    println!("cargo:rustc-env=ZMALLOC_ALLOCATOR={name}");
}

/// What the platform, the tools in use and the features come to.
fn backend() -> &'static str {
    let set = |name: &str| env::var_os(name).is_some();
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let has_usable_size = ["linux", "android", "freebsd", "macos"].contains(&os.as_str());
    if set("CARGO_CFG_MIRI") || set("CARGO_FEATURE_PREFIX") {
        "prefix"
    } else if has_usable_size && (sanitized() || set("CARGO_FEATURE_LIBC")) {
        "libc"
    } else if has_usable_size && set("CARGO_FEATURE_JEMALLOC") {
        "jemalloc"
    } else {
        "prefix"
    }
}

/// Whether this build is instrumented by a sanitizer that replaces `malloc`.
fn sanitized() -> bool {
    let by_cfg = env::var("CARGO_CFG_SANITIZE").unwrap_or_default();
    let by_flag = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    ["address", "memory", "leak", "thread", "hwaddress"].iter().any(|name| {
        by_cfg.split(',').any(|one| one == *name)
            || by_flag.split('\x1f').any(|flag| {
                flag.trim_start_matches("-Z")
                    .trim_start()
                    .strip_prefix("sanitizer=")
                    .is_some_and(|list| list.split(',').any(|one| one == *name))
            })
    })
}

/// The spacing of jemalloc's smallest classes, which the size-class arithmetic needs: 3 or 4, or
/// `ask` where the build cannot know it and each size is asked of `nallocx`.
fn lg_quantum() -> &'static str {
    if jemalloc_setting("JEMALLOC_OVERRIDE").is_some() {
        return "ask"; // somebody else's build of jemalloc
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    match jemalloc_setting("JEMALLOC_SYS_WITH_LG_QUANTUM").as_deref() {
        Some("3") => "3",
        Some("4") => "4",
        Some(_) => "ask",
        None if ["x86", "x86_64", "aarch64"].contains(&arch.as_str()) => "4",
        None => "ask",
    }
}

/// A variable as tikv-jemalloc-sys reads it: the one for this target (`X86_64_UNKNOWN_LINUX_GNU_...`) before the
/// one for all.
fn jemalloc_setting(name: &str) -> Option<String> {
    let target = env::var("TARGET").unwrap_or_default().to_uppercase().replace('-', "_");
    [format!("{target}_{name}"), name.to_owned()].into_iter().find_map(|name| {
        println!("cargo:rerun-if-env-changed={name}");
        env::var(name).ok()
    })
}

/// `-5.3.1`, read from the header that tikv-jemalloc-sys built; empty where there is none.
fn jemalloc_version() -> String {
    let Some(root) = env::var_os("DEP_JEMALLOC_ROOT") else { return String::new() };
    let header = Path::new(&root).join("include/jemalloc/jemalloc.h");
    let Ok(text) = fs::read_to_string(header) else { return String::new() };
    let number = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name)?.trim().parse::<u32>().ok())
    };
    match (
        number("JEMALLOC_VERSION_MAJOR"),
        number("JEMALLOC_VERSION_MINOR"),
        number("JEMALLOC_VERSION_BUGFIX"),
    ) {
        (Some(major), Some(minor), Some(bugfix)) => format!("-{major}.{minor}.{bugfix}"),
        _ => String::new(),
    }
}

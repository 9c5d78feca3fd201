//! Chooses the back end and passes it to the crate as `cfg(zmalloc_backend = "...")`. `build/choice.rs`
//! contains the rules. The environment variable `ZMALLOC_ALLOCATOR` holds the name and version of the linked
//! library.

#[path = "build/choice.rs"]
mod choice;
#[path = "build/headers.rs"]
mod headers;
#[path = "build/tcmalloc.rs"]
mod tcmalloc;

use choice::BackEnd;
use std::env;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    println!(
        r#"cargo:rustc-check-cfg=cfg(zmalloc_backend, values("jemalloc", "libc", "mimalloc", "prefix", "tcmalloc"))"#
    );
    println!(r#"cargo:rustc-check-cfg=cfg(zmalloc_lg_quantum, values("3", "4", "ask"))"#);
    println!(r#"cargo:rustc-check-cfg=cfg(zmalloc_sanitizer, values(any()))"#);
    println!("cargo:rustc-check-cfg=cfg(zmalloc_initial_exec)");

    let sanitizer = sanitizer();
    let back_end = back_end(sanitizer.is_some());
    let (cfg, version) = match back_end {
        BackEnd::Prefix | BackEnd::Libc => (back_end.name(), String::new()),
        BackEnd::Jemalloc => ("jemalloc", headers::jemalloc(&jemalloc_header())),
        BackEnd::Mimalloc => ("mimalloc", headers::mimalloc(&mimalloc_header())),
        BackEnd::Tcmalloc | BackEnd::TcmallocMinimal => {
            let header = tcmalloc::header(back_end.name());
            println!("cargo:rustc-link-lib={}", back_end.name());
            ("tcmalloc", headers::tcmalloc(&header)) // the minimal library is a part of the full one
        }
    };
    println!("cargo:rustc-cfg=zmalloc_backend=\"{cfg}\"");
    if back_end == BackEnd::Jemalloc && initial_exec() {
        println!("cargo:rustc-cfg=zmalloc_initial_exec");
    }
    println!("cargo:rustc-cfg=zmalloc_lg_quantum=\"{}\"", lg_quantum());
    if back_end == BackEnd::Jemalloc && jemalloc_setting("JEMALLOC_OVERRIDE").is_none() {
        warn_about_settings();
    }
    if let Some(name) = sanitizer {
        // The tests need to know whether there is a sanitizer, and its name.
        println!("cargo:rustc-cfg=zmalloc_sanitizer");
        println!("cargo:rustc-cfg=zmalloc_sanitizer=\"{name}\"");
    }
    println!("cargo:rustc-env=ZMALLOC_ALLOCATOR={}{version}", back_end.name());
}

/// Returns the back end for the platform, the tools and the features.
fn back_end(sanitized: bool) -> BackEnd {
    let set = |name: &str| env::var_os(name).is_some();
    let feature = |one: &BackEnd| set(&format!("CARGO_FEATURE_{}", one.name().to_uppercase()));
    let features: Vec<_> = BackEnd::BY_PRECEDENCE.into_iter().filter(feature).collect();
    choice::choose(&choice::Build {
        os: &env::var("CARGO_CFG_TARGET_OS").unwrap_or_default(),
        miri: set("CARGO_CFG_MIRI"),
        sanitized,
        features: &features,
    })
}

/// Returns whether the thread's flag is addressed by the initial-exec model: see `src/counter/flag.rs`.
fn initial_exec() -> bool {
    let is = |name: &str, value| env::var(format!("CARGO_CFG_TARGET_{name}")).is_ok_and(|has| has == value);
    let fits = is("ARCH", "x86_64") && is("OS", "linux") && is("POINTER_WIDTH", "64");
    fits && env::var_os("CARGO_FEATURE_DISABLE_INITIAL_EXEC_TLS").is_none()
}

/// Looks for a sanitizer in rustc's flags, and in the flags of the C compiler under all names that the crate
/// `cc` reads.
fn sanitizer() -> Option<&'static str> {
    let by_cfg = env::var("CARGO_CFG_SANITIZE").unwrap_or_default();
    let rust_flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let target = env::var("TARGET").unwrap_or_default();
    let mut c_flags = Vec::new();
    for kind in ["CFLAGS", "CXXFLAGS", "LDFLAGS"] {
        let underscored = target.replace('-', "_");
        for name in [
            kind.to_owned(),
            format!("HOST_{kind}"),
            format!("TARGET_{kind}"),
            format!("{kind}_{target}"),
            format!("{kind}_{underscored}"),
        ] {
            println!("cargo:rerun-if-env-changed={name}");
            c_flags.extend(env::var(name));
        }
    }
    choice::sanitizer(&by_cfg, rust_flags.split('\x1f'), c_flags.iter().map(String::as_str))
}

/// Returns the base-2 logarithm of jemalloc's quantum, which the computation of size classes needs: 3 or 4.
/// Returns `ask` if the build cannot know it; each size is then asked of `nallocx`.
fn lg_quantum() -> &'static str {
    if jemalloc_setting("JEMALLOC_OVERRIDE").is_some() {
        return "ask"; // a jemalloc that was built elsewhere
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

/// Warns about variables without which jemalloc uses more memory than necessary, or does not run on the
/// target machine. Cargo shows the warnings to programs that depend on the crate by path.
fn warn_about_settings() {
    let where_to =
        "in the environment, or in [env] of the .cargo/config.toml of the folder that cargo runs in";
    if jemalloc_setting("JEMALLOC_SYS_WITH_LG_QUANTUM").as_deref() != Some("3") {
        println!(
            "cargo:warning=jemalloc is built without JEMALLOC_SYS_WITH_LG_QUANTUM=3: a key takes some 15 % more memory. Set it {where_to}"
        );
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    // For ARM, jemalloc is built for large pages by default.
    let may_have_large_pages = ["loongarch64", "powerpc64"].contains(&arch.as_str());
    let is_cross = env::var("HOST") != env::var("TARGET");
    if may_have_large_pages && is_cross && jemalloc_setting("JEMALLOC_SYS_WITH_LG_PAGE").is_none() {
        println!(
            "cargo:warning=jemalloc is built for pages of 4 KiB and does not run where they are larger. For pages of up to 64 KiB set JEMALLOC_SYS_WITH_LG_PAGE=16 {where_to}"
        );
    }
}

/// Returns a variable as tikv-jemalloc-sys reads it: the one for this target (`X86_64_UNKNOWN_LINUX_GNU_...`)
/// takes precedence over the general one.
fn jemalloc_setting(name: &str) -> Option<String> {
    let target = env::var("TARGET").unwrap_or_default().to_uppercase().replace('-', "_");
    [format!("{target}_{name}"), name.to_owned()].into_iter().find_map(|name| {
        println!("cargo:rerun-if-env-changed={name}");
        env::var(name).ok()
    })
}

/// Returns the header that tikv-jemalloc-sys built, or an empty text if there is none.
fn jemalloc_header() -> String {
    let root = env::var_os("DEP_JEMALLOC_ROOT").unwrap_or_default();
    fs::read_to_string(Path::new(&root).join("include/jemalloc/jemalloc.h")).unwrap_or_default()
}

/// Returns the header that libmimalloc-sys was built with.
fn mimalloc_header() -> String {
    let include = env::var_os("DEP_MIMALLOC_INCLUDE_DIR").unwrap_or_default();
    fs::read_to_string(Path::new(&include).join("mimalloc.h")).unwrap_or_default()
}

//! Sets `cfg(dict_tagged_pointers)` if the top byte of a pointer may carry a tag: see `src/compact.rs`.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(dict_tagged_pointers)");
    let of_target = |name: &str| env::var(format!("CARGO_CFG_{name}")).unwrap_or_default();
    let android = of_target("TARGET_OS") == "android" && of_target("TARGET_ARCH") == "aarch64";
    // Only a nightly compiler has sanitizers, and only a nightly compiler sets `CARGO_CFG_SANITIZE`.
    let tags = |name: &str| ["hwaddress", "memtag"].contains(&name);
    if android || of_target("SANITIZE").split(',').any(tags) {
        println!("cargo:rustc-cfg=dict_tagged_pointers");
    }
}

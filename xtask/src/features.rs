//! `cargo xtask features`: every feature of every crate compiles, without a warning.
//!
//! For each crate: no feature, the default ones, each feature alone; and each feature that has code of its own on top of
//! the default ones, because that is what an embedder who names it gets. This is how `cargo hack --each-feature` chooses,
//! and one combination more: a feature that is alone turns jemalloc off, and with it what it may clash with.
//!
//! Nothing is linked, so the C of jemalloc is not built: tikv-jemalloc-sys is told of a library that exists.

use crate::shell::{self, FAILED, PASSED};
use crate::test;
use anyhow::{Context, Result};
use std::process::Command;

/// How a crate is built: arguments of cargo.
#[derive(Debug, PartialEq, Eq)]
struct Build {
    package: String,
    features: String,
    with_default: bool,
}

impl Build {
    fn command(&self) -> Command {
        let mut command = shell::cargo();
        command.args([
            "clippy",
            "--quiet",
            "--package",
            &self.package,
            "--lib",
            "--features",
            &self.features,
        ]);
        if !self.with_default {
            command.arg("--no-default-features");
        }
        // Clippy's own lints are the net `clippy`; here it matters that rustc's warnings are errors in our crates only.
        command.args(["--", "-D", "warnings"]);
        command
    }
}

pub(crate) fn run() -> Result<u8> {
    let target_dir = shell::target_dir().join("features");
    let library = target_dir.join("libjemalloc.a");
    std::fs::create_dir_all(&target_dir)?;
    std::fs::write(&library, "").with_context(|| library.display().to_string())?;
    let has_gperftools = test::has_gperftools();
    let (mut failed, mut left_out) = (Vec::new(), Vec::new());
    for name in shell::UNSAFE_CRATES {
        let path = shell::root().join("crates").join(name).join("Cargo.toml");
        let manifest = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        for build in builds(name, &manifest.parse().with_context(|| path.display().to_string())?) {
            if build.features.starts_with("tcmalloc") && !has_gperftools {
                left_out.push(build);
                continue;
            }
            let mut command = build.command();
            command.env("CARGO_TARGET_DIR", &target_dir).env("JEMALLOC_OVERRIDE", &library);
            if shell::exit_code(&mut command)? != PASSED {
                failed.push(build);
            }
        }
    }
    if !left_out.is_empty() {
        shell::unavailable(
            &format!("{} builds with tcmalloc", left_out.len()),
            "To have them, install gperftools. Debian: apt-get install libgoogle-perftools-dev",
        );
    }
    for Build { package, features, with_default } in &failed {
        let default =
            if *with_default { "with the default features" } else { "without the default features" };
        eprintln!("xtask: {package}, {default} and `{features}`, does not compile");
    }
    Ok(if failed.is_empty() { PASSED } else { FAILED })
}

/// The builds of a crate, from its manifest.
fn builds(package: &str, manifest: &toml::Table) -> Vec<Build> {
    let features = manifest.get("features").and_then(|features| features.as_table()).into_iter().flatten();
    let features = features.filter(|(name, _)| *name != "default");
    let build = |features: &str, with_default| Build {
        package: package.to_owned(),
        features: features.to_owned(),
        with_default,
    };
    let mut builds = vec![build("", false), build("", true)];
    for (name, enables) in features {
        builds.push(build(name, false));
        // A feature that does nothing but enable a dependency's has its code there.
        let enables = enables.as_array().into_iter().flatten().filter_map(|one| one.as_str());
        let (mut any, mut all_forward) = (false, true);
        enables.for_each(|one| {
            any = true;
            all_forward &= one.contains('/') && !one.contains("?/");
        });
        if !(any && all_forward) {
            builds.push(build(name, true));
        }
    }
    builds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_built_alone_and_one_with_code_of_its_own_beside_the_default_ones() {
        let manifest =
            "[features]\ndefault = [\"a\"]\na = [\"b/a\"]\nc = []\nd = [\"dep:d\"]\ne = [\"b?/e\"]\n";
        let builds = builds("p", &manifest.parse().unwrap());
        let of = |with_default| {
            let some = builds.iter().filter(move |build| build.with_default == with_default);
            some.map(|build| build.features.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(false), ["", "a", "c", "d", "e"]);
        assert_eq!(of(true), ["", "c", "d", "e"]);
    }
}

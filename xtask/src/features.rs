//! `cargo xtask features`: checks that every feature of every library compiles without a warning.
//!
//! Each crate is built without features, with the default features, with each feature alone, and with all
//! features. These are the builds of `cargo hack --each-feature`. A feature that has code in its crate is
//! also built together with the default features, as most embedders build it. A feature alone turns jemalloc
//! off, so that build would not show a conflict with jemalloc's code.
//!
//! A feature may have no code, and only enable the features of the same name in dependencies. One build has
//! this feature in all such crates.
//!
//! Nothing is linked, so no build waits for jemalloc's C code: `JEMALLOC_OVERRIDE` names an empty library. In
//! these builds, zmalloc does not know the quantum of jemalloc. Other nets compile the code for a known
//! quantum.

use crate::outcome::Outcome;
use crate::shell;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::process::Command;

/// One build.
#[derive(Debug, PartialEq, Eq)]
struct Build {
    packages: Vec<String>,
    features: String,
    with_default: bool,
}

impl Build {
    /// Returns a command that runs clippy. It takes about as long as `cargo check`, and also lints the code
    /// of each feature.
    fn command(&self) -> Command {
        let mut command = shell::cargo();
        command.args(["clippy", "--quiet", "--lib", "--features", &self.features]);
        command.args(self.packages.iter().flat_map(|name| ["--package", name]));
        if !self.with_default {
            command.arg("--no-default-features");
        }
        command.args(["--", "-D", "warnings"]);
        command
    }
}

pub(crate) fn run() -> Result<Outcome> {
    let target_dir = shell::target_dir().join("features");
    let library = target_dir.join("libjemalloc.a");
    std::fs::create_dir_all(&target_dir)?;
    std::fs::write(&library, "").with_context(|| library.display().to_string())?;
    let has_gperftools = shell::has_gperftools();
    let mut manifests = Vec::new();
    for name in shell::LIBRARIES {
        let path = shell::root().join("crates").join(name).join("Cargo.toml");
        let manifest = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        manifests.push((name, manifest.parse().with_context(|| path.display().to_string())?));
    }
    let mut builds = builds(&manifests);
    let all = builds.len();
    builds.retain(|build| has_gperftools || !build.features.starts_with("tcmalloc"));
    let left_out = builds.len() < all;
    let commands = builds.iter().enumerate().map(|(number, build)| {
        let mut command = build.command();
        // Most of the time is cargo's own work, and cargo locks its folder. Two builds can run at the same
        // time if they have different folders.
        command.env("CARGO_TARGET_DIR", target_dir.join((number % 2).to_string()));
        command.env("JEMALLOC_OVERRIDE", &library);
        command
    });
    shell::run_side_by_side(commands.collect()).context("does not build without warnings")?;
    if !left_out {
        return Ok(Outcome::Passed);
    }
    let _ = shell::without_gperftools();
    Ok(Outcome::Partly(vec!["tcmalloc".into()]))
}

/// Returns the builds of the given crates, which are pairs of name and manifest.
fn builds(manifests: &[(&str, toml::Table)]) -> Vec<Build> {
    let mut builds = Vec::new();
    let mut forwarded = BTreeMap::<_, Vec<_>>::new();
    for (package, manifest) in manifests {
        let features =
            manifest.get("features").and_then(|features| features.as_table()).into_iter().flatten();
        let features: Vec<_> = features.filter(|(name, _)| *name != "default").collect();
        let build = |features: &str, with_default| Build {
            packages: vec![(*package).to_owned()],
            features: features.to_owned(),
            with_default,
        };
        let all: Vec<_> = features.iter().map(|(name, _)| name.as_str()).collect();
        builds.extend([build("", false), build("", true), build(&all.join(","), false)]);
        for (name, enables) in features {
            if only_forwards(name, enables) {
                forwarded.entry(name.clone()).or_default().push((*package).to_owned());
            } else {
                builds.extend([build(name, false), build(name, true)]);
            }
        }
    }
    let forwarded = forwarded.into_iter();
    builds.extend(forwarded.map(|(features, packages)| Build { packages, features, with_default: false }));
    builds
}

/// Returns `true` if the feature only enables the features of the same name of dependencies.
fn only_forwards(name: &str, enables: &toml::Value) -> bool {
    let enables = enables.as_array().into_iter().flatten().filter_map(|one| one.as_str());
    let mut enables = enables.peekable();
    let same = |one: &str| {
        one.split_once('/').is_some_and(|(below, feature)| feature == name && !below.ends_with('?'))
    };
    enables.peek().is_some() && enables.all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_built_alone_and_one_with_code_of_its_own_beside_the_default_ones() {
        let manifest =
            "[features]\ndefault = [\"c\"]\nc = []\nd = [\"dep:d\"]\ne = [\"b?/e\"]\nf = [\"b/other\"]\n";
        let builds = builds(&[("p", manifest.parse().unwrap())]);
        let of = |with_default| {
            let some = builds.iter().filter(move |build| build.with_default == with_default);
            some.map(|build| build.features.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(false), ["", "c,d,e,f", "c", "d", "e", "f"]);
        assert_eq!(of(true), ["", "c", "d", "e", "f"]);
    }

    #[test]
    fn a_feature_that_is_only_forwarded_is_built_once_for_all_crates_that_forward_it() {
        let p = "[features]\na = [\"b/a\", \"c/a\"]\n".parse().unwrap();
        let q = "[features]\na = [\"p/a\"]\n".parse().unwrap();
        let r = "[features]\na = []\n".parse().unwrap();
        let builds = builds(&[("p", p), ("q", q), ("r", r)]);
        let with_a = builds.iter().filter(|build| build.features == "a" && build.packages.len() > 1);
        let packages: Vec<_> = with_a.map(|build| build.packages.join(" ")).collect();
        assert_eq!(packages, ["p q"]);
    }
}

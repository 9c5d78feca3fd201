//! Rules about Cargo.toml files: which crates a crate may depend on, and where versions are listed.

use super::problem::Problem;
use super::tree::Tree;
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// The floors of the architecture. A crate depends only on crates of its own floor or of lower ones.
const FLOORS: [(&str, u32); 15] = [
    ("zmalloc", 1),
    ("common", 1),
    ("testing", 1),
    ("sds", 2),
    ("symbols", 2),
    ("dict", 2),
    ("intset", 2),
    ("listpack", 2),
    ("zindex", 2),
    ("quicklist", 3),
    ("values", 4),
    ("robj", 5),
    ("keyspace", 6),
    ("rdb", 7),
    ("server", 8),
];

/// Packages outside of the floors. They may depend on every crate, and no crate of a floor may depend on them.
const OUTSIDE: [&str; 8] =
    ["conformance", "fuzz", "layout", "live", "pages", "exercises", "benches", "xtask"];

fn floor(name: &str) -> Option<u32> {
    if OUTSIDE.contains(&name) {
        return Some(u32::MAX);
    }
    FLOORS.iter().find(|(of, _)| *of == name).map(|(_, floor)| *floor)
}

pub(super) fn check(tree: &Tree) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for (path, text) in tree.with_ending("/Cargo.toml") {
        let manifest: toml::Table = text.parse().with_context(|| path.to_owned())?;
        package(path, &manifest, &mut problems);
        for (table, name, dependency) in dependencies(&manifest) {
            one_dependency(path, &manifest, &table, name, dependency, &mut problems);
        }
        let folder = path.trim_end_matches("/Cargo.toml");
        if !tree.exists(&format!("{folder}/README.md")) {
            problems.push(Problem::new(path, 0, "a crate without README.md"));
        }
    }
    Ok(problems)
}

fn name_of(manifest: &toml::Table) -> &str {
    manifest.get("package").and_then(|package| package.get("name")?.as_str()).unwrap_or_default()
}

fn package(path: &str, manifest: &toml::Table, problems: &mut Vec<Problem>) {
    let (name, folder) = (name_of(manifest), path.rsplit('/').nth(1).unwrap_or_default());
    if name != folder {
        problems.push(Problem::new(path, 0, format!("folder `{folder}` holds the crate `{name}`")));
    }
    if floor(name).is_none() {
        problems.push(Problem::new(path, 0, format!("`{name}` has no floor in xtask/src/tidy/manifest.rs")));
    }
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
    if lints != Some(true) {
        problems.push(Problem::new(path, 0, "without `[lints] workspace = true`"));
    }
}

/// Returns the dependencies of all tables, including those of `[target.*]`.
fn dependencies(manifest: &toml::Table) -> Vec<(String, &str, &toml::Value)> {
    const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(|targets| targets.as_table()).into_iter().flatten();
    let targets = targets.filter_map(|(cfg, table)| Some((format!("target.{cfg}."), table.as_table()?)));
    let scopes: BTreeMap<_, _> = std::iter::once((String::new(), manifest)).chain(targets).collect();
    let mut found = Vec::new();
    for (scope, table) in scopes {
        for kind in TABLES {
            let entries = table.get(kind).and_then(|entries| entries.as_table()).into_iter().flatten();
            found.extend(entries.map(|(name, value)| (format!("{scope}{kind}"), name.as_str(), value)));
        }
    }
    found
}

fn one_dependency(
    path: &str,
    manifest: &toml::Table,
    table: &str,
    name: &str,
    dependency: &toml::Value,
    problems: &mut Vec<Problem>,
) {
    if dependency.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
        let text = format!("[{table}] {name}: versions live in the root's [workspace.dependencies]");
        problems.push(Problem::new(path, 0, text));
    }
    let is_for_tests = table.ends_with("dev-dependencies") || OUTSIDE.contains(&name_of(manifest));
    if name == "testing" && !is_for_tests {
        problems.push(Problem::new(path, 0, format!("[{table}] {name}: only tests may depend on it")));
    }
    let own = name_of(manifest);
    if let (Some(mine), Some(theirs)) = (floor(own), floor(name))
        && theirs > mine
    {
        let text = format!("[{table}] {own} names {name}, which stands above it");
        problems.push(Problem::new(path, 0, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"sds\"\n[dependencies]\nzmalloc.workspace = true\n\
        [dev-dependencies]\nproptest.workspace = true\n[lints]\nworkspace = true\n";

    fn errors(path: &str, manifest: &str) -> Vec<String> {
        let readme = path.replace("Cargo.toml", "README.md");
        let tree = Tree::of(&[(path, manifest), (&readme, "# x\n")]);
        check(&tree).unwrap().into_iter().map(|problem| problem.text).collect()
    }

    fn errors_with(from: &str, to: &str) -> Vec<String> {
        assert!(GOOD.contains(from), "{from}");
        errors("crates/sds/Cargo.toml", &GOOD.replace(from, to))
    }

    #[test]
    fn a_good_manifest_has_no_problem() {
        assert_eq!(errors("crates/sds/Cargo.toml", GOOD), [""; 0]);
    }

    #[test]
    fn folder_and_crate_share_a_name() {
        assert_eq!(errors("crates/strings/Cargo.toml", GOOD), ["folder `strings` holds the crate `sds`"]);
    }

    #[test]
    fn only_tests_depend_on_the_crate_for_tests() {
        let errors = errors_with("proptest.workspace", "testing.workspace");
        assert_eq!(errors, [""; 0]);
        let errors = errors_with("zmalloc.workspace", "testing.workspace");
        assert_eq!(errors, ["[dependencies] testing: only tests may depend on it"]);
    }

    #[test]
    fn a_new_crate_states_its_floor() {
        let manifest = GOOD.replace("\"sds\"", "\"radix\"");
        assert_eq!(
            errors("crates/radix/Cargo.toml", &manifest),
            ["`radix` has no floor in xtask/src/tidy/manifest.rs"]
        );
    }

    #[test]
    fn nobody_names_a_higher_floor() {
        let above =
            |table: &str, name: &str| vec![format!("[{table}] sds names {name}, which stands above it")];
        assert_eq!(errors_with("zmalloc.", "robj."), above("dependencies", "robj"));
        assert_eq!(errors_with("proptest.", "keyspace."), above("dev-dependencies", "keyspace"));
        assert_eq!(errors_with("proptest.", "fuzz."), above("dev-dependencies", "fuzz"));
        assert_eq!(errors_with("proptest.", "dict."), [""; 0]); // its own floor
        let on_unix = "[target.'cfg(unix)'.dependencies]\nquicklist.workspace = true\n[lints]";
        assert_eq!(
            errors_with("[lints]", on_unix),
            ["[target.cfg(unix).dependencies] sds names quicklist, which stands above it"]
        );
    }

    #[test]
    fn versions_live_in_the_workspace() {
        for value in ["zmalloc = \"1\"", "zmalloc = { path = \"../zmalloc\" }", "zmalloc.git = \"x\""] {
            assert_eq!(
                errors_with("zmalloc.workspace = true", value),
                ["[dependencies] zmalloc: versions live in the root's [workspace.dependencies]"]
            );
        }
    }

    #[test]
    fn lints_come_from_the_workspace() {
        let missing = ["without `[lints] workspace = true`"];
        assert_eq!(errors_with("[lints]\nworkspace = true\n", ""), missing);
        assert_eq!(errors_with("[lints]\nworkspace = true\n", "[lints]\nworkspace = false\n"), missing);
    }

    #[test]
    fn a_crate_has_a_readme() {
        let problems = check(&Tree::of(&[("crates/sds/Cargo.toml", GOOD)])).unwrap();
        assert_eq!(problems[0].text, "a crate without README.md");
    }

    #[test]
    fn a_manifest_that_is_not_toml_is_an_error() {
        assert!(check(&Tree::of(&[("crates/sds/Cargo.toml", "[package")])).is_err());
    }
}

//! `cargo xtask tidy`: the rules of the house that rustc and clippy do not know.
//!
//! Each rule is a function from the tree to a list of problems, in the file of its kind: `source`,
//! `manifest`, `docs`. The tree is a map from path to text, so the tests of a rule show on a tree
//! of two lines that it fails where it should and stays silent where it should.
//! Learned from: rust-analyzer's and TigerBeetle's `tidy`.

use crate::outcome::Outcome;
use crate::{shell, tail};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt;

mod docs;
mod manifest;
mod source;

/// The repository's files: path from the root with `/` between, and the text of those that rules
/// read (others are there with an empty text, because links may point at them).
struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// All files that git would not ignore.
    fn read() -> Result<Self> {
        let mut files = BTreeMap::new();
        let walk = ignore::WalkBuilder::new(shell::root()).hidden(false).require_git(false).build();
        for entry in walk {
            let entry = entry?;
            let path = entry.path().strip_prefix(shell::root()).context("outside of the root")?;
            let path = path.to_str().context("a file name that is not UTF-8")?.replace('\\', "/");
            if !entry.file_type().is_some_and(|kind| kind.is_file()) || path.starts_with(".git/") {
                continue;
            }
            let is_text = ["rs", "toml", "md"].iter().any(|end| path.ends_with(&format!(".{end}")));
            let text = if is_text {
                std::fs::read_to_string(entry.path()).with_context(|| path.clone())?
            } else {
                String::new()
            };
            files.insert(path, text);
        }
        Ok(Self { files })
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect() }
    }

    /// Paths and texts of the files with this ending.
    fn with_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(move |(path, _)| path.ends_with(ending))
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is such a file, or a folder with files in it.
    fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.range(folder.clone()..).next().is_some_and(|(next, _)| next.starts_with(&folder))
    }
}

/// What is wrong, and where; a line of 0 means the whole file.
#[derive(Debug, PartialEq)]
struct Problem {
    path: String,
    line: usize,
    text: String,
    /// Printed, but not a failure.
    only_warns: bool,
}

impl Problem {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.into(), line, text: text.into(), only_warns: false }
    }

    fn warning(path: &str, text: impl Into<String>) -> Self {
        Self { only_warns: true, ..Self::new(path, 0, text) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.only_warns { "warning" } else { "error" };
        match self.line {
            0 => write!(f, "{word}: {}: {}", self.path, self.text),
            line => write!(f, "{word}: {}:{line}: {}", self.path, self.text),
        }
    }
}

pub(crate) fn run() -> Result<Outcome> {
    let tree = Tree::read()?;
    let mut problems = source::check(&tree);
    problems.extend(manifest::check(&tree)?);
    problems.extend(docs::check(&tree));
    for problem in &problems {
        println!("{problem}");
    }
    let errors: Vec<_> =
        problems.iter().filter(|problem| !problem.only_warns).map(Problem::to_string).collect();
    let (count, warnings) = (errors.len(), problems.len() - errors.len());
    println!("tidy: {} files, {count} errors, {warnings} warnings", tree.files.len());
    if errors.is_empty() {
        return Ok(Outcome::Passed);
    }
    tail::keep_output("tidy", &errors.join("\n"));
    Ok(Outcome::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_holds_this_file_and_nothing_that_was_built() {
        let tree = Tree::read().unwrap();
        assert!(tree.text("xtask/src/tidy/mod.rs").unwrap().contains("struct Tree"));
        assert!(tree.exists("xtask/src") && tree.exists(".cargo/config.toml"));
        assert!(!tree.exists("target") && !tree.exists("xtask/sr") && !tree.exists(".git"));
    }

    #[test]
    fn a_problem_prints_where_it_is() {
        assert_eq!(Problem::new("a/b.rs", 3, "bad").to_string(), "error: a/b.rs:3: bad");
        assert_eq!(Problem::warning("a/b.rs", "long").to_string(), "warning: a/b.rs: long");
    }
}

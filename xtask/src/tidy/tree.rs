//! [`Tree`]: the files of the repository, as the rules read them.

use crate::shell;
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// The files of the repository: each path from the root, separated by `/`, with the text of the file. Files
/// that no rule reads have an empty text. They are in the map because links may point to them.
pub(super) struct Tree {
    pub(super) files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads all files that git does not ignore.
    pub(super) fn read() -> Result<Self> {
        let mut files = BTreeMap::new();
        let walk = ignore::WalkBuilder::new(shell::root()).hidden(false).require_git(false).build();
        for entry in walk {
            let entry = entry?;
            let path = entry.path().strip_prefix(shell::root()).context("outside of the root")?;
            let path = path.to_str().context("a file name that is not UTF-8")?.replace('\\', "/");
            // In a linked work tree, `.git` is a file.
            let is_git = path.split('/').next() == Some(".git");
            if is_git || !entry.file_type().is_some_and(|kind| kind.is_file()) {
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
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect() }
    }

    /// Returns the paths and texts of the files with this ending.
    pub(super) fn with_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(move |(path, _)| path.ends_with(ending))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Returns `true` if there is a file with this path, or a folder that contains files.
    pub(super) fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.range(folder.clone()..).next().is_some_and(|(next, _)| next.starts_with(&folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_holds_this_file_and_nothing_that_was_built() {
        let tree = Tree::read().unwrap();
        assert!(tree.text("xtask/src/tidy/tree.rs").unwrap().contains("struct Tree"));
        assert!(tree.exists("xtask/src") && tree.exists(".cargo/config.toml"));
        assert!(!tree.exists("target") && !tree.exists("xtask/sr") && !tree.exists(".git"));
    }
}

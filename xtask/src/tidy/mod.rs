//! `cargo xtask tidy`: checks the project's rules that rustc and clippy do not know.
//!
//! Each rule is a function from the tree to a list of problems. The rules are in four files: `source`,
//! `manifest`, `docs` and `book`. The tree is a map from path to text, so a test of a rule needs only a tree of two
//! lines. It shows that the rule finds a problem, and that it accepts a tree without one.
//!
//! Learned from: rust-analyzer's and TigerBeetle's `tidy`.

mod book;
mod docs;
mod manifest;
mod problem;
mod source;
mod tree;

use crate::outcome::Outcome;
use crate::tail;
use anyhow::Result;
use problem::Problem;
use tree::Tree;

pub(crate) fn run() -> Result<Outcome> {
    let tree = Tree::read()?;
    let mut problems = source::check(&tree);
    problems.extend(source::at_root(&tree));
    problems.extend(manifest::check(&tree)?);
    problems.extend(docs::check(&tree));
    problems.extend(book::check(&tree));
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

//! `cargo xtask exercise`: the exercises of the book, which are in `docs/exercises`.
//!
//! Learned from: mini-lsm, whose course has tests for each step.

use crate::outcome::Outcome;
use crate::{shell, tail};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The exercise. Without it, all exercises are listed
    name: Option<String>,
    /// Print the hint instead of running the tests
    #[arg(long, requires = "name")]
    hint: bool,
    /// Check that every exercise compiles, and that its tests fail until a reader has solved it
    #[arg(long, conflicts_with = "name")]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.name {
        Some(name) => one(name, args.hint),
        None if args.check => check(),
        None => list(),
    }
}

fn folder() -> PathBuf {
    shell::root().join("docs/exercises")
}

/// An exercise, as its `task.md` describes it.
struct Exercise {
    name: String,
    title: String,
    /// The page of the chapter, such as `strings.md`.
    page: String,
    /// The title of the chapter.
    chapter: String,
}

impl Exercise {
    fn read(name: &str) -> Result<Self> {
        let path = folder().join(name).join("task.md");
        let task = fs::read_to_string(&path).with_context(|| {
            format!("there is no exercise `{name}`; `cargo xtask exercise` lists all exercises")
        })?;
        Self::parse(name, &task).with_context(|| format!("{} has no title or no chapter", path.display()))
    }

    /// Reads the first lines of a task: `# TITLE` and `Chapter: [CHAPTER](../../src/PAGE)`.
    fn parse(name: &str, task: &str) -> Option<Self> {
        let mut lines = task.lines().filter(|line| !line.is_empty());
        let title = lines.next()?.strip_prefix("# ")?;
        let (chapter, page) = lines.next()?.strip_prefix("Chapter: [")?.split_once("](../../src/")?;
        Some(Self {
            name: name.into(),
            title: title.into(),
            page: page.strip_suffix(')')?.into(),
            chapter: chapter.into(),
        })
    }
}

/// Returns all exercises, in the order of their names.
fn all() -> Result<Vec<Exercise>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().into_string().ok().context("a folder's name is not UTF-8")?);
        }
    }
    names.sort();
    names.iter().map(|name| Exercise::read(name)).collect()
}

/// Lists all exercises by chapter, in the order of the book.
fn list() -> Result<Outcome> {
    let summary = fs::read_to_string(shell::root().join("docs/src/SUMMARY.md"))?;
    let mut chapters: BTreeMap<usize, Vec<Exercise>> = BTreeMap::new();
    for exercise in all()? {
        let place = summary.find(&format!("]({})", exercise.page));
        let place = place.with_context(|| format!("the book has no page {}", exercise.page))?;
        chapters.entry(place).or_default().push(exercise);
    }
    for exercises in chapters.values() {
        println!("{}", exercises[0].chapter);
        for Exercise { name, title, .. } in exercises {
            println!("  {name:<20} {title}");
        }
    }
    println!("\nTry one of them: cargo xtask exercise NAME");
    Ok(Outcome::Passed)
}

/// Prints the task or the hint of an exercise. Runs the tests after the task.
fn one(name: &str, wants_hint: bool) -> Result<Outcome> {
    let exercise = Exercise::read(name)?;
    let path = Path::new("docs/exercises").join(name);
    let file = if wants_hint { "hint.md" } else { "task.md" };
    let text = fs::read_to_string(shell::root().join(&path).join(file))?;
    println!("{text}");
    if wants_hint {
        return Ok(Outcome::Passed);
    }
    println!("Change {}.\n", path.join("exercise.rs").display());
    let mut test = shell::cargo();
    test.args(["test", "--quiet", "--package", "exercises", "--test", name]).env("RUST_BACKTRACE", "0");
    let outcome = shell::run(&mut test)?;
    if outcome == Outcome::Passed {
        let solution = path.join("solution.rs");
        println!("\n{}: solved. Compare your code with {}.", exercise.title, solution.display());
    } else {
        println!("\n{}: not solved yet. A hint: cargo xtask exercise {name} --hint", exercise.title);
    }
    Ok(outcome)
}

/// Compiles all exercises, and runs the tests of each. Fails if the tests of one pass.
pub(crate) fn check() -> Result<Outcome> {
    let exercises = all()?;
    ensure!(!exercises.is_empty(), "there is no exercise");
    let names: Vec<&str> = exercises.iter().map(|exercise| exercise.name.as_str()).collect();
    let test = |names: &[&str]| {
        let mut command = shell::cargo();
        command.args(["test", "--quiet", "--package", "exercises"]);
        command.args(names.iter().flat_map(|name| ["--test", name]));
        command
    };
    shell::run_checked(test(&names).arg("--no-run"))?;
    let mut solved = Vec::new();
    for name in &names {
        let mut command = test(&[name]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if shell::works(&mut command) {
            solved.push(*name);
        }
    }
    if solved.is_empty() {
        println!("{} exercises compile, and the tests of each fail", names.len());
        return Ok(Outcome::Passed);
    }
    let message = format!("the tests pass without a change of the exercise: {}", solved.join(", "));
    println!("{message}");
    tail::keep_output("exercises", &message);
    Ok(Outcome::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_begins_with_its_title_and_its_chapter() {
        let task = "# The class\n\nChapter: [Sizes](../../src/sizes.md)\n\nText.\n";
        let Exercise { title, page, chapter, .. } = Exercise::parse("class", task).unwrap();
        assert_eq!((&*title, &*page, &*chapter), ("The class", "sizes.md", "Sizes"));
        for task in ["", "# The class", "Chapter: [Sizes](../../src/sizes.md)", "# The class\nText.\n"] {
            assert!(Exercise::parse("class", task).is_none(), "{task}");
        }
    }

    #[test]
    fn every_exercise_is_complete() {
        let exercises = all().unwrap();
        let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
        let solutions = fs::read_to_string(folder().join("solutions.rs")).unwrap();
        for Exercise { name, .. } in &exercises {
            for file in ["task.md", "hint.md", "exercise.rs", "solution.rs", "check.rs"] {
                assert!(folder().join(name).join(file).is_file(), "{name}/{file}");
            }
            let test = format!("name = \"{name}\"\npath = \"{name}/check.rs\"\ntest = false\n");
            assert!(manifest.contains(&test), "Cargo.toml has no test for {name}");
            let module = format!("#[path = \"{name}/check.rs\"]\nmod {name};\n");
            assert!(solutions.contains(&module), "solutions.rs has no module for {name}");
        }
        assert_eq!(manifest.matches("/check.rs\"\n").count(), exercises.len());
        assert_eq!(solutions.matches("mod ").count(), exercises.len());
    }
}

//! Rules about the text of source files.

use super::problem::Problem;
use super::tree::Tree;

/// A file with more lines probably has more than one subject.
const LINES_WARN: usize = 500;
const LINES_MAX: usize = 800;

/// Macros of unfinished code. Each name is in two halves, so that this file does not contain it.
const UNFINISHED: [&str; 3] = [concat!("to", "do!("), concat!("db", "g!("), concat!("unimple", "mented!(")];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.with_ending(".rs") {
        rust_file(path, text, &mut problems);
        if path.starts_with("crates/") && path.contains("/src/") {
            check_fallible_variants(path, text, &mut problems);
        }
    }
    for ending in [".rs", ".toml", ".md"] {
        for (path, text) in tree.with_ending(ending) {
            trailing_spaces(path, text, &mut problems);
        }
    }
    problems
}

/// Finds files that a tool may have left behind at the root of the repository.
pub(super) fn at_root(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for path in tree.files.keys().filter(|path| !path.contains('/') && !AT_ROOT.contains(&path.as_str())) {
        problems.push(Problem::new(path, 0, "does not belong at the root of the repository"));
    }
    problems
}

/// The files at the root of the repository.
const AT_ROOT: [&str; 9] = [
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "rustfmt.toml",
];

fn rust_file(path: &str, text: &str, problems: &mut Vec<Problem>) {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !first.starts_with("//!") && !first.starts_with("#![doc") {
        problems.push(Problem::new(path, 1, "starts without `//!`: say what the file is"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        problems.push(Problem::new(path, 0, format!("{lines} lines, more than {LINES_MAX}: split it")));
    } else if lines > LINES_WARN {
        problems.push(Problem::warning(path, format!("{lines} lines, more than {LINES_WARN}")));
    }
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.contains('\t') {
            problems.push(Problem::new(path, number, "a tab"));
        }
        let code = line.split("//").next().unwrap_or_default();
        // A reader finishes an exercise.
        let unfinished = UNFINISHED
            .iter()
            .filter(|_| !path.starts_with("docs/exercises/") || !path.ends_with("/exercise.rs"));
        for name in unfinished.filter(|name| code.contains(**name)) {
            problems.push(Problem::new(path, number, format!("`{})` is unfinished work", name)));
        }
        // `#[ignore = "why"]` is allowed.
        if code.trim().starts_with("#[ignore]") || code.contains(concat!(", ig", "nore)]")) {
            problems.push(Problem::new(path, number, "a test ignored without a reason"));
        }
    }
}

/// A public function that may call the OOM handler must have a form that returns an error. It calls this
/// form, or the form is named `try_` plus its own name.
fn check_fallible_variants(path: &str, text: &str, problems: &mut Vec<Problem>) {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut lines = code.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let Some(rest) = line.trim_start().strip_prefix("pub ").filter(|_| indent == 0 || indent == 4) else {
            continue;
        };
        let Some((qualifiers, rest)) = rest.split_once("fn ") else { continue };
        if !qualifiers.split_whitespace().all(|word| ["const", "unsafe"].contains(&word)) {
            continue;
        }
        let name: String = rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
        let end = format!("{}}}", " ".repeat(indent));
        let body: String = if line.ends_with('}') {
            line.to_owned()
        } else {
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != end).collect()
        };
        // `Room(` ends with `oom(`, but it is a variant and not the function.
        let body = body.replace("try_from", "").replace("try_into", "").replace("Room(", "");
        let may_end = ["or_oom(", "oom(", "out_of_memory("].iter().any(|call| body.contains(call));
        let has_try_fn = |open| text.contains(&format!("fn try_{name}{open}"));
        let has_fallible_variant = body.contains("try_") || has_try_fn("(") || has_try_fn("<");
        let is_about_it =
            name.starts_with("try_") || name.contains("oom") || path.starts_with("crates/zmalloc/");
        if may_end && !has_fallible_variant && !is_about_it {
            let problem = format!("`{name}` may call the OOM handler and has no `try_` form");
            problems.push(Problem::new(path, index + 1, problem));
        }
    }
}

fn trailing_spaces(path: &str, text: &str, problems: &mut Vec<Problem>) {
    for (index, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(Problem::new(path, index + 1, "blanks at the end of the line"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(Problem::new(path, 0, "no line end at the end"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let problems = check(&Tree::of(&[("a.rs", text)]));
        problems.into_iter().filter(|p| !p.only_warns).map(|p| format!("{}: {}", p.line, p.text)).collect()
    }

    #[test]
    fn a_strange_file_at_the_root_is_found() {
        let errors = at_root(&Tree::of(&[("tool-1.0.whl", ""), ("README.md", ""), ("docs/tool.whl", "")]));
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().contains("tool-1.0.whl"), "{}", errors[0]);
    }

    #[test]
    fn a_method_that_may_end_in_the_handler_has_a_form_that_answers_an_error() {
        let errors = |body: &str| {
            let text =
                format!("//! x\nimpl X {{\n    pub fn add(&mut self) {{\n        {body}\n    }}\n}}\n");
            let problems = check(&Tree::of(&[("crates/x/src/lib.rs", text.as_str())]));
            problems.into_iter().map(|problem| problem.line).collect::<Vec<_>>()
        };
        assert_eq!(errors("or_oom(self.grow())"), [3]);
        assert_eq!(errors("or_oom(self.try_push(Side::Back))"), [0; 0]);
        assert_eq!(errors("out_of_memory(7)\n    }\n\n    fn try_add(&mut self) {"), [0; 0]);
        assert_eq!(errors("self.len"), [0; 0]);
        assert_eq!(errors("or_oom(grow(usize::try_from(7)))"), [3]);
        assert_eq!(errors("zmalloc::oom(7)\n    }\n\n    fn try_add_all(&mut self) {"), [3]);
    }

    #[test]
    fn a_good_file_has_no_problem() {
        let text =
            "//! What it is.\n\n#[test]\n#[ignore = \"takes an hour\"]\nfn f() {} // a todo! in words\n";
        assert_eq!(errors(text), [""; 0]);
        assert_eq!(errors("#![doc = include_str!(\"../README.md\")]\n"), [""; 0]);
    }

    #[test]
    fn a_file_must_say_what_it_is() {
        assert_eq!(errors("fn f() {}\n"), ["1: starts without `//!`: say what the file is"]);
        assert_eq!(errors("").len(), 1);
    }

    #[test]
    fn long_files_warn_and_longer_ones_fail() {
        let file = |lines| format!("//! X.\n{}", "// line\n".repeat(lines - 1));
        let problems = |lines| check(&Tree::of(&[("a.rs", &file(lines))]));
        assert!(problems(LINES_WARN).is_empty());
        assert!(problems(LINES_WARN + 1)[0].only_warns);
        assert!(problems(LINES_MAX)[0].only_warns);
        assert!(!problems(LINES_MAX + 1)[0].only_warns);
    }

    #[test]
    fn blanks_and_tabs_are_found() {
        assert_eq!(errors("//! X.\nfn f() {} \n"), ["2: blanks at the end of the line"]);
        assert_eq!(errors("//! X.\n\tfn f() {}\n"), ["2: a tab"]);
        assert_eq!(errors("//! X."), ["0: no line end at the end"]);
        assert_eq!(check(&Tree::of(&[("a.md", "text  \n")])).len(), 1);
        assert_eq!(check(&Tree::of(&[("a.toml", "a = 1\t\n")])).len(), 1);
    }

    #[test]
    fn unfinished_work_is_found() {
        for name in UNFINISHED {
            assert_eq!(errors(&format!("//! X.\nfn f() {{ {name}1) }}\n")).len(), 1, "{name}");
        }
    }

    #[test]
    fn an_ignored_test_needs_a_reason() {
        assert_eq!(errors("//! X.\n#[ignore]\n"), ["2: a test ignored without a reason"]);
        assert_eq!(errors("//! X.\n#[cfg_attr(miri, ignore)]\n").len(), 1);
        assert_eq!(errors("//! X.\n#[cfg_attr(miri, ignore = \"slow\")]\n").len(), 0);
    }
}

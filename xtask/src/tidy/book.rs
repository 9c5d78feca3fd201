//! Rules about the chapters of the book: measured figures come from generated tables, the code that a chapter names
//! exists, and each structure of a list has a chapter.

use super::problem::Problem;
use super::tree::Tree;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;
use std::mem;

const SUMMARY: &str = "docs/src/SUMMARY.md";
const BOOK: &str = "docs/src/";

/// The line of the summary above the chapters.
const CHAPTERS: &str = "# Chapters";

/// The public structures, and the chapter that teaches each: crate, type, page.
///
/// The README of the crate links to the chapter, and the chapter names the type.
const STRUCTURES: [(&str, &str, &str); 18] = [
    ("zmalloc", "Zmalloc", "counting"),
    ("sds", "Sds", "strings"),
    ("dict", "Table", "growing"),
    ("dict", "Dict", "spikes"),
    ("intset", "IntSet", "packed"),
    ("listpack", "ListPack", "packed"),
    ("quicklist", "QuickList", "objects"),
    ("zindex", "ZIndex", "order"),
    ("values", "List", "objects"),
    ("values", "Set", "objects"),
    ("values", "ZSet", "objects"),
    ("values", "Hash", "objects"),
    ("robj", "Robj", "objects"),
    ("keyspace", "Keyspace", "build-a-store"),
    ("keyspace", "Estimate", "size-classes"),
    ("rdb", "SnapshotFile", "snapshot"),
    ("rdb", "Loader", "snapshot"),
    ("server", "Server", "requests"),
];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let chapters = chapters(tree.text(SUMMARY).unwrap_or_default());
    for path in &chapters {
        let text = tree.text(path).unwrap_or_default();
        figures(path, text, &mut problems);
        named_code(tree, path, text, &mut problems);
        exercises(tree, path, text, &mut problems);
    }
    for (krate, name, page) in STRUCTURES {
        structure(tree, &chapters, (krate, name, page), &mut problems);
    }
    problems
}

/// Returns the paths of the chapters, which are the links below [`CHAPTERS`].
fn chapters(summary: &str) -> Vec<String> {
    let part = summary.split_once(CHAPTERS).map_or("", |(_, part)| part);
    let part = part.split("\n# ").next().unwrap_or_default();
    // A live page is indented below its chapter.
    let lines = part.lines().filter(|line| line.starts_with("- "));
    let pages = lines.filter_map(|line| line.split_once("](")?.1.split_once(')'));
    pages.map(|(page, _)| format!("{BOOK}{page}")).collect()
}

/// Finds measured figures in the text of a chapter. Blocks of code and of arithmetic may have them.
fn figures(path: &str, text: &str, problems: &mut Vec<Problem>) {
    let (mut is_code, mut words, mut start) = (false, String::new(), 0);
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::Text(_) | Event::Code(_) if is_code => {}
            Event::Text(more) | Event::Code(more) => {
                if words.is_empty() {
                    start = range.start;
                }
                words += &more;
            }
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            // The text of a paragraph, a heading or a cell is complete.
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Link) => {}
            Event::End(end) => {
                if end == TagEnd::CodeBlock {
                    is_code = false;
                }
                if let Some(figure) = figure(&mem::take(&mut words)) {
                    let line = text[..start].matches('\n').count() + 1;
                    let message = format!(
                        "`{figure}` looks like a measurement; move it to a generated table, or to a block of code if it is a setting or arithmetic"
                    );
                    problems.push(Problem::new(path, line, message));
                }
            }
            _ => {}
        }
    }
}

/// Units of time, with both characters that are used for micro.
const UNITS: [&str; 10] =
    ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "seconds", "nanoseconds", "microseconds", "milliseconds"];

/// What bytes are divided by in a measurement.
const PER: [&str; 5] = ["key", "entry", "element", "member", "field"];

/// Returns the first number with a unit of time, or of bytes a key. Whole seconds are not found, because they are
/// settings more often than measurements.
fn figure(text: &str) -> Option<String> {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let words: Vec<String> = text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    for (at, word) in words.iter().enumerate() {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
        if unit.len() == word.len() {
            continue; // no number
        }
        let is_whole = !word.contains('.');
        let is_time = |unit: &str| UNITS.contains(&unit) && !(is_whole && matches!(unit, "s" | "seconds"));
        if is_time(unit) {
            return Some(word.clone());
        }
        let mut rest = words[at + 1..].iter().map(String::as_str);
        let next = rest.next().unwrap_or_default();
        let is_bytes = matches!(next, "B" | "bytes")
            && matches!(rest.next(), Some("a" | "an" | "per"))
            && rest.next().is_some_and(|noun| PER.contains(&noun));
        if unit.is_empty() && (is_time(next) || is_bytes) {
            return Some(format!("{word} {next}"));
        }
    }
    None
}

/// The folder of the exercises.
const EXERCISES: &str = "docs/exercises/";

/// The words in front of the name of an exercise.
const EXERCISE: &str = "`cargo xtask exercise ";

/// The fewest exercises of a chapter.
const EXERCISES_MIN: usize = 2;

/// Checks that a chapter names its exercises, and only those. An exercise names its chapter in `task.md`.
fn exercises(tree: &Tree, path: &str, text: &str, problems: &mut Vec<Problem>) {
    let page = path.trim_start_matches(BOOK);
    let of_chapter = tree.with_ending("/task.md").filter_map(|(task, text)| {
        let is_of_chapter = text.lines().nth(2)?.ends_with(&format!("](../../src/{page})"));
        is_of_chapter.then(|| task.trim_start_matches(EXERCISES).trim_end_matches("/task.md"))
    });
    let written: BTreeSet<&str> = of_chapter.collect();
    let named = text.split(EXERCISE).skip(1).filter_map(|rest| Some(rest.split_once('`')?.0));
    let named: BTreeSet<&str> = named.collect();
    if named.len() < EXERCISES_MIN {
        problems.push(Problem::new(path, 0, format!("has fewer than {EXERCISES_MIN} exercises")));
    }
    for name in written.difference(&named) {
        problems.push(Problem::new(path, 0, format!("does not name its exercise `{name}`")));
    }
    for name in named.difference(&written) {
        let message = format!("names the exercise `{name}`, whose task.md does not name this chapter");
        problems.push(Problem::new(path, 0, message));
    }
}

/// The heading above the table of a chapter's code.
const CODE_HEADING: &str = "## Where this is in the code";

/// Checks the table below [`CODE_HEADING`]: the files exist, and contain the symbols.
fn named_code(tree: &Tree, path: &str, text: &str, problems: &mut Vec<Problem>) {
    let lines = text.lines().enumerate().skip_while(|(_, line)| *line != CODE_HEADING).skip(1);
    let rows =
        lines.take_while(|(_, line)| !line.starts_with("## ")).filter(|(_, line)| line.starts_with('|'));
    let rows: Vec<_> = rows.skip(2).collect(); // the head, and the line below it
    if rows.is_empty() {
        problems.push(Problem::new(path, 0, format!("has no table below `{CODE_HEADING}`")));
    }
    for (index, line) in rows {
        let mut wrong = |message: String| problems.push(Problem::new(path, index + 1, message));
        let cells: Vec<&str> = line.split('|').collect();
        let [_, _, symbols, files, _] = cells.as_slice() else {
            wrong("the row has not three cells".into());
            continue;
        };
        let files: Vec<&str> = code_spans(files).map(|file| file.trim_end_matches('/')).collect();
        for file in files.iter().filter(|file| !tree.exists(file)) {
            wrong(format!("the file {file} does not exist"));
        }
        for symbol in code_spans(symbols) {
            let name = symbol.split(['<', '(']).next().unwrap_or_default();
            let name = name.rsplit("::").next().unwrap_or_default();
            if !files.iter().any(|file| declares(tree, file, name)) {
                wrong(format!("`{symbol}` is not declared in {}", files.join(" or ")));
            }
        }
    }
}

/// Returns whether a file, or a file of a folder, declares an item or is the module of this name.
fn declares(tree: &Tree, file: &str, name: &str) -> bool {
    let stem = file.trim_end_matches(".rs").trim_end_matches("/mod").rsplit('/').next();
    let is_in =
        |path: &str| path == file || path.strip_prefix(file).is_some_and(|rest| rest.starts_with('/'));
    let keywords = [
        "fn",
        "struct",
        "enum",
        "union",
        "trait",
        "type",
        "const",
        "static",
        "mod",
        "macro_rules!",
        "use",
        "pub",
    ];
    let is_item = |text: &str| {
        let as_item = |keyword: &&str| has_word(text, &format!("{keyword} {name}"));
        // A name in a list, such as a re-export or a variant, is at the beginning of a line or after a brace.
        keywords.iter().any(as_item) || text.lines().any(|line| is_listed(line, name))
    };
    stem == Some(name) || tree.files.iter().filter(|(path, _)| is_in(path)).any(|(_, text)| is_item(text))
}

/// Returns whether a line of code has the name as a variant, a field or a part of a re-export.
fn is_listed(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let is_comment = line.starts_with("//");
    !is_comment && (line.starts_with("pub use") || line.starts_with(name)) && has_word(line, name)
}

fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Returns whether code of a page has the word.
fn is_in_code(text: &str, word: &str) -> bool {
    let mut is_block = false;
    Parser::new_ext(text, Options::ENABLE_TABLES).any(|event| match event {
        Event::Start(Tag::CodeBlock(_)) => {
            is_block = true;
            false
        }
        Event::End(TagEnd::CodeBlock) => {
            is_block = false;
            false
        }
        Event::Code(code) => has_word(&code, word),
        Event::Text(code) => is_block && has_word(&code, word),
        _ => false,
    })
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

/// Checks a line of [`STRUCTURES`].
fn structure(tree: &Tree, chapters: &[String], line: (&str, &str, &str), problems: &mut Vec<Problem>) {
    let (krate, name, page) = line;
    let chapter = format!("{BOOK}{page}.md");
    let readme = format!("crates/{krate}/README.md");
    let source = format!("crates/{krate}/src/");
    let sources = || tree.files.iter().filter(|(path, _)| path.starts_with(&source)).map(|(_, text)| text);
    let is_declared = |text: &str| has_word(text, &format!("pub struct {name}"));
    let mut wrong = |path: &str, message: String| problems.push(Problem::new(path, 0, message));
    let names_chapter = |text: &str| text.contains(&format!("/// Taught in the chapter `{chapter}`.\n"));
    if !sources().any(|text| is_declared(text)) {
        wrong("xtask/src/tidy/book.rs", format!("the crate {krate} has no public structure {name}"));
    } else if !sources().any(|text| is_declared(text) && names_chapter(text)) {
        wrong(&source, format!("the documentation of {name} does not name {chapter}"));
    }
    if !chapters.contains(&chapter) {
        wrong(SUMMARY, format!("{page}.md, which teaches {krate}::{name}, is not a chapter"));
    }
    if !tree.text(&chapter).is_some_and(|text| is_in_code(text, name)) {
        wrong(&chapter, format!("teaches {krate}::{name}, but does not name it"));
    }
    if !tree
        .text(&readme)
        .is_some_and(|text| text.contains(&format!("({})", format_args!("../../{chapter}"))))
    {
        wrong(&readme, format!("has no link to {chapter}, which teaches {name}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY_TEXT: &str =
        "# Summary\n[A](a.md)\n# Chapters\n- [B](b.md)\n    - [L](live/l.md)\n\n# Other\n- [C](c.md)\n";
    const TASK: &str = "# Grow\n\nChapter: [B](../../src/b.md)\n";

    /// Returns the problems of a chapter with this text in front of its table of code.
    fn errors(page: &str) -> Vec<String> {
        errors_of(&format!(
            "{page}\n{CODE_HEADING}\n| q | s | f |\n|---|---|---|\n| q | `grow` | `crates/x/src/y.rs` |\n"
        ))
    }

    fn errors_of(page: &str) -> Vec<String> {
        let page = format!("{page}\n`cargo xtask exercise grow`, `cargo xtask exercise shrink`\n");
        errors_with(&page, &["grow", "shrink"])
    }

    /// Returns the problems of a chapter that has these exercises.
    fn errors_with(page: &str, exercises: &[&str]) -> Vec<String> {
        let code = ("crates/x/src/y.rs", "pub fn grow() {} // shrink\nenum Z {\n    First,\n}\n");
        let tasks: Vec<String> = exercises.iter().map(|name| format!("{EXERCISES}{name}/task.md")).collect();
        let tasks = tasks.iter().map(|path| (path.as_str(), TASK));
        let files = [(SUMMARY, SUMMARY_TEXT), ("docs/src/b.md", page), code].into_iter().chain(tasks);
        let tree = Tree::of(&files.collect::<Vec<_>>());
        let mut problems = check(&tree);
        problems.retain(|problem| problem.path == "docs/src/b.md");
        problems.into_iter().map(|problem| format!("{}: {}", problem.line, problem.text)).collect()
    }

    #[test]
    fn chapters_are_the_links_below_their_heading() {
        assert_eq!(chapters(SUMMARY_TEXT), ["docs/src/b.md"]);
    }

    #[test]
    fn a_chapter_names_its_exercises_and_has_at_least_two() {
        let page = |names: &[&str]| {
            let names: String = names.iter().map(|name| format!("`cargo xtask exercise {name}`\n")).collect();
            format!(
                "{names}{CODE_HEADING}\n| q | s | f |\n|---|---|---|\n| q | `grow` | `crates/x/src/y.rs` |\n"
            )
        };
        let count = |named: &[&str], written: &[&str]| errors_with(&page(named), written).len();
        assert_eq!(count(&["grow", "shrink"], &["grow", "shrink"]), 0);
        assert_eq!(count(&["grow", "shrink"], &["grow"]), 1);
        assert_eq!(count(&["grow", "shrink"], &["grow", "shrink", "move"]), 1);
        assert_eq!(count(&["grow"], &["grow"]), 1);
    }

    #[test]
    fn a_measured_figure_in_prose_is_found() {
        for text in [
            "It took 26 µs.",
            "It took (26 \u{3bc}s).",
            "It took ~26ns, about.",
            "1.5 ms",
            "2.4 s",
            "it took 26\nms",
            "**26** us",
            "26&nbsp;µs",
            "`26 µs`",
            "It takes 54.2 bytes a key.",
            "| a | 3 B per member |\n|---|---|\n",
        ] {
            assert_eq!(errors(&format!("# B\n\n{text}\n")).len(), 1, "{text}");
        }
        for text in [
            "It has 54 bytes.",
            "EXPIRE 100 s",
            "```text\n 26 µs\n```",
            "{{#include numbers/b.md}}",
            "some ms",
            "4 keys",
        ] {
            assert_eq!(errors(&format!("# B\n\n{text}\n")), [""; 0], "{text}");
        }
    }

    #[test]
    fn code_that_a_chapter_names_has_to_be_declared() {
        let table = |symbol, file| {
            format!("{CODE_HEADING}\n| q | s | f |\n|---|---|---|\n| q | `{symbol}` | `{file}` |\n")
        };
        for symbol in ["X::grow", "grow()", "y", "Z", "First"] {
            assert_eq!(errors_of(&table(symbol, "crates/x/src/y.rs")), [""; 0], "{symbol}");
        }
        assert_eq!(errors_of(&table("grow", "crates/x/src/")), [""; 0]);
        for symbol in ["gro", "shrink"] {
            let complaint = format!("4: `{symbol}` is not declared in crates/x/src/y.rs");
            assert_eq!(errors_of(&table(symbol, "crates/x/src/y.rs")), [complaint]);
        }
        assert_eq!(
            errors_of(&table("grow", "crates/x/src/z.rs"))[0],
            "4: the file crates/x/src/z.rs does not exist"
        );
        assert_eq!(errors_of("# B\n"), [format!("0: has no table below `{CODE_HEADING}`")]);
    }

    #[test]
    fn a_structure_without_its_chapter_is_found() {
        let files = [
            (SUMMARY, "# Chapters\n- [S](strings.md)\n"),
            ("docs/src/strings.md", "An `Sds` is a string.\n"),
            ("crates/sds/src/a.rs", "/// Taught in the chapter `docs/src/strings.md`.\npub struct Sds {\n"),
            ("crates/sds/README.md", "[S](../../docs/src/strings.md)\n"),
        ];
        let complaints = |files: &[(&str, &str)]| {
            let mut problems = Vec::new();
            let tree = Tree::of(files);
            structure(
                &tree,
                &chapters(tree.text(SUMMARY).unwrap()),
                ("sds", "Sds", "strings"),
                &mut problems,
            );
            problems.len()
        };
        assert_eq!(complaints(&files), 0);
        for missing in 0..files.len() {
            let mut files = files;
            files[missing].1 = "";
            assert_eq!(complaints(&files), 1, "{missing}");
        }
        let mut without_link = files;
        without_link[2].1 = "/// A string.\npub struct Sds {\n";
        assert_eq!(complaints(&without_link), 1);
    }
}

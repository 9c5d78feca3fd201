//! Rules about the chapters of the book: measured figures come from generated tables, the code that a chapter names
//! exists, and each public structure has a chapter.

use super::problem::Problem;
use super::tree::Tree;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

const SUMMARY: &str = "docs/src/SUMMARY.md";
const BOOK: &str = "docs/src/";

/// The line of the summary above the chapters.
const CHAPTERS: &str = "# Chapters";

/// The public structures, and the chapter that teaches each: crate, type, page.
///
/// The README of the crate links to the chapter, and the chapter names the type.
const STRUCTURES: [(&str, &str, &str); 17] = [
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
];

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let chapters = chapters(tree.text(SUMMARY).unwrap_or_default());
    for path in &chapters {
        let text = tree.text(path).unwrap_or_default();
        figures(path, text, &mut problems);
        named_code(tree, path, text, &mut problems);
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
    let pages = part.lines().filter_map(|line| line.split_once("](")?.1.split_once(')'));
    pages.map(|(page, _)| format!("{BOOK}{page}")).collect()
}

/// Finds measured figures in the text of a chapter. Code and arithmetic in blocks may have them.
fn figures(path: &str, text: &str, problems: &mut Vec<Problem>) {
    let mut is_code = false;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Text(words) if !is_code => {
                if let Some(figure) = figure(&words) {
                    let line = text[..range.start].matches('\n').count() + 1;
                    let message =
                        format!("the figure `{figure}` is in no generated table and no block of arithmetic");
                    problems.push(Problem::new(path, line, message));
                }
            }
            _ => {}
        }
    }
}

/// Returns the first number of nanoseconds, microseconds or milliseconds, or of bytes a key.
fn figure(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c == '\u{a0}').collect();
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let bare = |word: &str| word.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned();
    for (at, word) in words.iter().enumerate() {
        let joined = is_number(word) && ["ns", "µs", "ms"].iter().any(|unit| bare(word).ends_with(unit));
        if joined {
            return Some(bare(word));
        }
        let rest: Vec<String> = words[at + 1..].iter().take(3).map(|word| bare(word)).collect();
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let is_measured = matches!(
            rest.as_slice(),
            ["ns" | "µs" | "ms" | "nanoseconds" | "microseconds" | "milliseconds", ..]
                | ["B" | "bytes", "a" | "per", "key"]
        );
        if is_number(word) && is_measured {
            return Some(format!("{word} {}", rest.join(" ")));
        }
    }
    None
}

/// Checks the table "Where this is in the code": the files exist, and contain the symbols.
fn named_code(tree: &Tree, path: &str, text: &str, problems: &mut Vec<Problem>) {
    for (index, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').collect();
        let [_, _, symbols, files, _] = cells.as_slice() else { continue };
        let files: Vec<&str> = code_spans(files).filter(|span| span.contains('/')).collect();
        for file in &files {
            if !tree.exists(file.trim_end_matches('/')) {
                problems.push(Problem::new(path, index + 1, format!("the file {file} does not exist")));
            }
        }
        if files.is_empty() {
            continue;
        }
        for symbol in code_spans(symbols) {
            let name = symbol.trim_end_matches("()").rsplit("::").next().unwrap_or_default();
            let name = name.split('<').next().unwrap_or_default();
            let is_module = files
                .iter()
                .any(|file| file.contains(&format!("{name}.rs")) || file.contains(&format!("{name}/")));
            let is_there = |file: &&str| {
                let inside =
                    tree.files.iter().filter(|(path, _)| path.starts_with(file.trim_end_matches('/')));
                inside.into_iter().any(|(_, text)| has_word(text, name))
            };
            if !is_module && !files.iter().any(is_there) {
                let message = format!("`{symbol}` is not in {}", files.join(" or "));
                problems.push(Problem::new(path, index + 1, message));
            }
        }
    }
}

fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
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
    let source = format!("crates/{krate}/src/");
    let readme = format!("crates/{krate}/README.md");
    let mut sources = tree.files.iter().filter(|(path, _)| path.starts_with(&source));
    let declares = |text: &str| has_word(text, &format!("pub struct {name}"));
    let mut wrong = |path: &str, message: String| problems.push(Problem::new(path, 0, message));
    if !sources.any(|(_, text)| declares(text)) {
        wrong("xtask/src/tidy/book.rs", format!("the crate {krate} has no public structure {name}"));
    }
    if !chapters.contains(&chapter) {
        wrong(SUMMARY, format!("{page}.md, which teaches {krate}::{name}, is not a chapter"));
    }
    if !tree.text(&chapter).is_some_and(|text| has_word(text, name)) {
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

    const SUMMARY_TEXT: &str = "# Summary\n[A](a.md)\n# Chapters\n- [B](b.md)\n\n# Other\n- [C](c.md)\n";

    fn errors(page: &str) -> Vec<String> {
        let code = ("crates/x/src/y.rs", "pub fn grow() {}\n");
        let tree = Tree::of(&[(SUMMARY, SUMMARY_TEXT), ("docs/src/b.md", page), code]);
        let mut problems = check(&tree);
        problems.retain(|problem| problem.path == "docs/src/b.md" && problem.line > 0);
        problems.into_iter().map(|problem| format!("{}: {}", problem.line, problem.text)).collect()
    }

    #[test]
    fn chapters_are_the_links_below_their_heading() {
        assert_eq!(chapters(SUMMARY_TEXT), ["docs/src/b.md"]);
    }

    #[test]
    fn a_measured_figure_in_prose_is_found() {
        for text in [
            "It took 26 µs.",
            "It took 26ns, about.",
            "1.5 ms",
            "It takes 54.2 bytes a key.",
            "| a | 3 B per key |",
        ] {
            assert_eq!(errors(&format!("# B\n\n{text}\n")).len(), 1, "{text}");
        }
        for text in [
            "It has 54 bytes.",
            "EXPIRE 100 ms-less",
            "```text\n 26 µs\n```",
            "{{#include numbers/b.md}}",
            "some ms",
        ] {
            assert_eq!(errors(&format!("# B\n\n{text}\n")), [""; 0], "{text}");
        }
    }

    #[test]
    fn code_that_a_chapter_names_has_to_exist() {
        let table = |symbol, file| {
            format!("| question | symbol | file |\n|---|---|---|\n| q | `{symbol}` | `{file}` |\n")
        };
        assert_eq!(errors(&table("X::grow", "crates/x/src/y.rs")), [""; 0]);
        assert_eq!(errors(&table("grow()", "crates/x/src/")), [""; 0]);
        assert_eq!(errors(&table("y", "crates/x/src/y.rs")), [""; 0]);
        assert_eq!(errors(&table("gro", "crates/x/src/y.rs")), ["3: `gro` is not in crates/x/src/y.rs"]);
        assert_eq!(
            errors(&table("grow", "crates/x/src/z.rs"))[0],
            "3: the file crates/x/src/z.rs does not exist"
        );
    }

    #[test]
    fn a_structure_without_its_chapter_is_found() {
        let files = [
            (SUMMARY, "# Chapters\n- [S](strings.md)\n"),
            ("docs/src/strings.md", "An `Sds` is a string.\n"),
            ("crates/sds/src/a.rs", "pub struct Sds {\n"),
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
    }
}

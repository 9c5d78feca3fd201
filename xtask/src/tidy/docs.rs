//! Rules about Markdown: the book lists all pages, its code is tested, and all links have a target.

use super::problem::Problem;
use super::tree::Tree;
use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

const BOOK: &str = "docs/src/";
/// The folders of generated tables and drawings, which pages include.
const PARTS: [&str; 2] = [TABLES, "docs/src/drawings/"];
const TABLES: &str = "docs/src/numbers/";
const SUMMARY: &str = "docs/src/SUMMARY.md";
const BOOK_CODE: &str = "xtask/src/book_code.rs";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.with_ending(".md") {
        for (line, target) in links(text) {
            if let Some(missing) = missing_target(tree, path, &target) {
                problems.push(Problem::new(
                    path,
                    line,
                    format!("the link {target} leads nowhere ({missing})"),
                ));
            } else if let Some(heading) = missing_heading(tree, path, &target) {
                let message = format!("the link {target} leads to no heading of {heading}");
                problems.push(Problem::new(path, line, message));
            }
        }
        for (line, target) in includes(text) {
            let included = resolve(path, target).filter(|included| tree.exists(included));
            if path.starts_with(BOOK) && included.is_none() {
                let message = format!("includes {target}, which does not exist; mdBook only warns");
                problems.push(Problem::new(path, line, message));
            }
        }
        if path.starts_with(BOOK) && path != SUMMARY && !path.starts_with(TABLES) {
            page(tree, path, text, &mut problems);
        }
    }
    let included = |path: &str| {
        let mut pages = tree.with_ending(".md");
        pages.any(|(page, text)| {
            includes(text).any(|(_, target)| resolve(page, target).as_deref() == Some(path))
        })
    };
    for path in tree.files.keys().filter(|path| PARTS.iter().any(|folder| path.starts_with(folder))) {
        if !included(path) {
            problems.push(Problem::new(path, 0, "no page includes it"));
        }
    }
    problems
}

/// Checks that a page of the book is listed in the summary and, if it has Rust code, in [`BOOK_CODE`].
fn page(tree: &Tree, path: &str, text: &str, problems: &mut Vec<Problem>) {
    let listed = links(tree.text(SUMMARY).unwrap_or_default());
    if !listed.iter().any(|(_, target)| resolve(SUMMARY, target).as_deref() == Some(path)) {
        problems.push(Problem::new(path, 0, format!("is not listed in {SUMMARY}")));
    }
    let is_tested = tree.text(BOOK_CODE).is_some_and(|code| code.contains(&format!("\"../../{path}\"")));
    if has_rust_code(text) && !is_tested {
        problems.push(Problem::new(path, 0, format!("has Rust code and is not listed in {BOOK_CODE}")));
    }
}

/// Returns the targets of links and images, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter();
    let targets = events.filter_map(|(event, range)| match event {
        Event::Start(Tag::Link { link_type: LinkType::Email, .. }) => None,
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some((text[..range.start].matches('\n').count() + 1, dest_url.into_string()))
        }
        _ => None,
    });
    targets.collect()
}

/// Returns the files that mdBook includes in a page, with their lines.
fn includes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(index, line)| {
        let target = line.trim().strip_prefix("{{#include ")?.strip_suffix("}}")?;
        Some((index + 1, target.trim()))
    })
}

/// Returns `true` if rustdoc compiles a block of the text. A block without a language is Rust.
fn has_rust_code(text: &str) -> bool {
    Parser::new(text).any(|event| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
            let language = info.split([',', ' ']).next().unwrap_or_default();
            ["", "rust", "no_run", "should_panic", "compile_fail"].contains(&language)
        }
        Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => true,
        _ => false,
    })
}

/// Returns the missing path of a relative link, or a message if the link leaves the repository. Returns
/// `None` if the target exists, or if the link has a scheme or only an anchor.
fn missing_target(tree: &Tree, from: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") || target.starts_with('#') {
        return None;
    }
    match resolve(from, target) {
        Some(path) if tree.exists(&path) => None,
        Some(path) => Some(path),
        None => Some("outside of the repository".to_owned()),
    }
}

/// Returns the path of the page whose heading a link misses, if the link has an anchor and leads to a page.
fn missing_heading(tree: &Tree, from: &str, target: &str) -> Option<String> {
    let (page, anchor) = target.split_once('#').filter(|_| !target.contains("://"))?;
    let page = if page.is_empty() { from.to_owned() } else { resolve(from, page)? };
    let text = tree.text(&page).filter(|_| page.ends_with(".md"))?;
    (!anchors(text).any(|id| id == anchor)).then_some(page)
}

/// Returns the anchors of the headings, as mdBook and GitHub name them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let (mut headings, mut heading) = (Vec::new(), None::<String>);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::End(TagEnd::Heading(_)), _) => headings.extend(heading.take()),
            (Event::Text(words) | Event::Code(words), Some(heading)) => *heading += &words,
            _ => {}
        }
    }
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let id = move |c: char| if c == ' ' { '-' } else { c.to_ascii_lowercase() };
    headings.into_iter().map(move |heading| heading.chars().filter(is_kept).map(id).collect())
}

/// Returns the path of a relative link from the root, or `None` if the link leaves the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    let target = target.split(['#', '?']).next().unwrap_or_default();
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).into_iter().map(|p| format!("{}:{}: {}", p.path, p.line, p.text)).collect()
    }

    #[test]
    fn good_links_are_silent() {
        let text =
            "# Here\n\n[a](b/c.md#part) [d](./b) [e](../x.rs) <https://example.org> [f](#here) `[g](h)`\n";
        assert_eq!(errors(&[("y/a.md", text), ("y/b/c.md", "# Part\n"), ("x.rs", "")]), [""; 0]);
    }

    #[test]
    fn a_dead_link_is_found_with_its_line() {
        assert_eq!(
            errors(&[("y/a.md", "one\n\n[two](b.md)\n")]),
            ["y/a.md:3: the link b.md leads nowhere (y/b.md)"]
        );
        assert_eq!(errors(&[("a.md", "![x](x.svg)\n")]).len(), 1);
        assert_eq!(
            errors(&[("a.md", "[x](../secret.md)\n")]),
            ["a.md:1: the link ../secret.md leads nowhere (outside of the repository)"]
        );
    }

    #[test]
    fn an_anchor_without_a_heading_is_found() {
        let target = ("b.md", "# One `two`, three!\n\n## A-b_c\n");
        for good in ["b.md#one-two-three", "b.md#a-b_c", "#here", "b.md", "x.rs#L3"] {
            let page = format!("# Here\n\n[a]({good})\n");
            assert_eq!(errors(&[("a.md", page.as_str()), target, ("x.rs", "")]), [""; 0], "{good}");
        }
        assert_eq!(
            errors(&[("a.md", "[a](b.md#one)\n"), target]),
            ["a.md:1: the link b.md#one leads to no heading of b.md"]
        );
        assert_eq!(errors(&[("a.md", "[a](#one)\n")]), ["a.md:1: the link #one leads to no heading of a.md"]);
    }

    #[test]
    fn an_include_of_a_missing_file_is_found() {
        let summary = ("docs/src/SUMMARY.md", "- [A](a.md)\n");
        let page = ("docs/src/a.md", "A\n\n{{#include numbers/a.md}}\n");
        let complaint = "docs/src/a.md:3: includes numbers/a.md, which does not exist; mdBook only warns";
        assert_eq!(errors(&[summary, page]), [complaint]);
        let table = ("docs/src/numbers/a.md", "1\n");
        assert_eq!(errors(&[summary, page, table]), [""; 0]);
        assert_eq!(errors(&[table]), ["docs/src/numbers/a.md:0: no page includes it"]);
    }

    #[test]
    fn every_page_stands_in_the_summary() {
        let summary = ("docs/src/SUMMARY.md", "- [A](a.md)\n");
        assert_eq!(errors(&[summary, ("docs/src/a.md", "a\n")]), [""; 0]);
        assert_eq!(
            errors(&[summary, ("docs/src/a.md", "a\n"), ("docs/src/b.md", "b\n")]),
            ["docs/src/b.md:0: is not listed in docs/src/SUMMARY.md"]
        );
    }

    #[test]
    fn code_of_the_book_is_tested() {
        let summary = ("docs/src/SUMMARY.md", "- [A](a.md)\n");
        let listed = ("xtask/src/book_code.rs", "//! X.\n\"../../docs/src/a.md\"\n");
        let complaint = ["docs/src/a.md:0: has Rust code and is not listed in xtask/src/book_code.rs"];
        for code in ["```rust\n1;\n```\n", "```\n1;\n```\n", "```no_run\n1;\n```\n", "text\n\n    indented\n"]
        {
            assert_eq!(errors(&[summary, ("docs/src/a.md", code)]), complaint, "{code}");
            assert_eq!(errors(&[summary, listed, ("docs/src/a.md", code)]), [""; 0]);
        }
        for code in ["```text\n1;\n```\n", "```console\n1;\n```\n"] {
            assert_eq!(errors(&[summary, ("docs/src/a.md", code)]), [""; 0], "{code}");
        }
    }
}

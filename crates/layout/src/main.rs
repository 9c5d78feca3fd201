//! `cargo xtask layout`: draws the bytes of a structure, or writes the drawings of the book.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use layout::{draws_what_the_book_shows, series, structures, svg, text};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

#[derive(Parser)]
#[command(name = "cargo xtask layout", bin_name = "cargo xtask layout")]
#[command(about = "Draws the bytes of redcore's structures")]
struct Args {
    /// A structure or a series. Without it, all are listed
    name: Option<String>,
    /// What the structure holds
    #[arg(allow_negative_numbers = true)]
    data: Vec<String>,
    /// Print HTML with SVG images for a page of the book, instead of text. The colours are in docs/theme/book.css
    #[arg(long, requires = "name")]
    svg: bool,
    /// Write the drawings of the book to this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "name")]
    write: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let output = match (args.write, args.name) {
        (Some(folder), _) => write(&folder)?,
        (None, None) => list(),
        (None, Some(name)) => draw(&name, &args.data, args.svg)?,
    };
    // A reader such as `head` may have closed the pipe.
    _ = io::stdout().write_all(output.as_bytes());
    Ok(())
}

fn draw(name: &str, data: &[String], as_svg: bool) -> Result<String> {
    let frames = match series::all().into_iter().find(|series| series.name == name) {
        Some(series) => {
            ensure!(data.is_empty(), "the series {name} takes no data");
            series.frames
        }
        None => structures::draw(name, data)?,
    };
    Ok(if as_svg { svg::draw(&frames) } else { text::draw(&frames) })
}

fn list() -> String {
    let mut text = String::from("Structures:\n");
    for structures::Structure { name, data, about, .. } in structures::ALL {
        _ = writeln!(text, "  {:<24}{about}", format!("{name} {data}"));
    }
    text += "Series:\n";
    for series in series::all() {
        _ = writeln!(text, "  {:<24}{}", series.name, series.about);
    }
    text
}

/// Writes the series of the book, and returns the paths of the files that have changed.
fn write(folder: &Path) -> Result<String> {
    if !draws_what_the_book_shows() {
        return Ok("the drawings stay as they are: they show another allocator or machine\n".into());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut written = String::new();
    for series in series::all() {
        let (path, html) = (folder.join(format!("{}.html", series.name)), svg::draw(&series.frames));
        if fs::read_to_string(&path).is_ok_and(|old| old == html) {
            continue;
        }
        fs::write(&path, html).with_context(|| format!("cannot write {}", path.display()))?;
        _ = writeln!(written, "{}", path.display());
    }
    Ok(written)
}

//! `cargo xtask layout`: draws the bytes of a structure, or writes the drawings of the book.

use anyhow::{Context, Result};
use clap::Parser;
use layout::{series, structures, svg, text};
use std::fs;
use std::path::PathBuf;

#[derive(Parser)]
#[command(name = "cargo xtask layout", bin_name = "cargo xtask layout")]
#[command(about = "Draws the bytes of redcore's structures")]
struct Args {
    /// A structure or a series. Without it, all are listed
    structure: Option<String>,
    /// What the structure holds
    #[arg(allow_negative_numbers = true)]
    data: Vec<String>,
    /// Print HTML with SVG images instead of text
    #[arg(long)]
    svg: bool,
    /// Write the drawings of the book to this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "structure")]
    write: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(folder) = args.write {
        return write(&folder);
    }
    let Some(structure) = args.structure else {
        list();
        return Ok(());
    };
    let named = series::all().into_iter().find(|series| series.name == structure);
    let drawing = match named {
        Some(series) => series,
        None => structures::draw(&structure, &args.data)?,
    };
    print!("{}", if args.svg { svg::draw(&drawing) } else { text::draw(&drawing) });
    Ok(())
}

fn list() {
    println!("Structures:");
    for (name, data) in structures::ALL {
        println!("  {name} {data}");
    }
    println!("Series:");
    for series in series::all() {
        println!("  {:<18}{}", series.name, series.about);
    }
}

/// Writes the series of the book. Files that are up to date are not touched.
fn write(folder: &PathBuf) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for series in series::all() {
        let (path, html) = (folder.join(format!("{}.html", series.name)), svg::draw(&series));
        if fs::read_to_string(&path).is_ok_and(|old| old == html) {
            continue;
        }
        fs::write(&path, html).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

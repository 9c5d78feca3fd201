//! `redcore-publish`: the program that `cargo xtask publish` runs. See [`benches::publish`].
//!
//! Exit codes: 0 if everything is done, 2 if the input is bad.

use benches::cli::{self, say};
use benches::error::{self, BadInput};
use benches::publish;
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The options of the command line.
#[derive(Parser)]
#[command(
    name = "redcore-publish",
    bin_name = "cargo xtask publish",
    about = "Writes the table of README.md and the pictures of the book from benches/published",
    after_help = "Without --as the pages are written from the runs that are already published."
)]
struct Options {
    /// The report of a full run, which --as publishes
    #[arg(value_name = "REPORT.json", default_value = "target/bench/report.json", requires = "name")]
    report: PathBuf,
    /// First copies the part of the report that the pages show to benches/published/NAME.json. NAME is a kind
    /// of machine, such as Intel-Xeon. It becomes the head of a column.
    #[arg(long = "as", value_name = "NAME", value_parser = cli::parse_name)]
    name: Option<String>,
    /// Publishes a quick run for the chapters of the book: copies the rows that they show to
    /// benches/published/book/quick.json
    #[arg(long, value_name = "REPORT.json", conflicts_with = "name")]
    book: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = match cli::or_exit(cli::parse::<Options, _>(std::env::args_os())) {
        Ok(options) => options,
        Err(code) => return code,
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => error::report(&err.into()),
    }
}

fn run(options: &Options) -> Result<(), BadInput> {
    // The pages belong to the sources that this program was built from.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    if let Some(report) = &options.book {
        publish::publish_chapters(root, report)?.iter().for_each(|path| say(path.display()));
        return Ok(());
    }
    match &options.name {
        Some(name) => {
            let written = publish::publish(root, name, &options.report)?;
            written.iter().for_each(|path| say(path.display()));
        }
        None => publish::write(root)?.into_iter().for_each(say),
    }
    Ok(())
}

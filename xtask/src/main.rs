//! `cargo xtask`: the commands of the project. Each has its own file.
//!
//! Exit codes: 0 passed, 1 failed, 2 wrong arguments, 3 a tool is missing on this machine. A command that
//! skipped a part for this reason exits with 0 and names the part in its last lines.

use clap::{Parser, Subcommand};
use std::process::ExitCode;

mod asan;
mod bench;
mod book;
mod ci;
mod conformance;
mod estimate;
mod exercise;
mod features;
mod fuzz;
mod instructions;
mod layout;
mod live;
mod miri;
mod outcome;
mod platforms;
mod shell;
mod soak;
mod steps;
mod suite;
mod tail;
mod test;
mod tidy;

use outcome::Outcome;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Checks, benchmarks and tools of the redcore repository"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure redcore and its peers (`cargo xtask bench --help` lists the options)
    #[command(disable_help_flag = true)]
    Bench(bench::Args),
    /// Write the table of README.md and the pictures from the published runs (`cargo xtask publish --help`)
    #[command(disable_help_flag = true)]
    Publish(bench::Args),
    /// Estimate the memory of keys, or of those in a dump (`cargo xtask estimate --help` lists the options)
    #[command(disable_help_flag = true)]
    Estimate(estimate::Args),
    /// Draw the bytes of a structure (`cargo xtask layout` lists the structures and the series of the book)
    #[command(disable_help_flag = true)]
    Layout(layout::Args),
    /// Run the workspace's unit, property and doc tests and the book's code; `--all` adds the other back ends
    Test(test::Args),
    /// Check the project's rules that rustc and clippy do not know
    Tidy,
    /// Run the crates with unsafe code under Miri, with strict provenance
    Miri(miri::Args),
    /// Run the tests of the crates with unsafe code under AddressSanitizer
    Asan(asan::Args),
    /// Check the libraries for all platforms, and run their tests on those that this machine can run
    Platforms(platforms::Args),
    /// Run the fuzz targets under libFuzzer
    Fuzz(fuzz::Args),
    /// Run random operations on large keyspaces and compare with plain models (`cargo xtask soak --help`)
    #[command(disable_help_flag = true)]
    Soak(soak::Args),
    /// Count the instructions of a table's operations (needs valgrind)
    Instructions,
    /// Check that every feature of every library compiles
    Features,
    /// Compare redcore with a real server, or run Redis' test suite on redcore's server
    Conformance(conformance::Args),
    /// Build the book into target/book; `--test` uses its live pages in a browser
    Book(book::Args),
    /// List the exercises of the book, or print one and run its tests
    Exercise(exercise::Args),
    /// Run everything that CI runs, and print the time of each net
    Ci(ci::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Bench(args) => return exit(bench::run(&args)),
        Command::Publish(args) => return exit(bench::publish(&args)),
        Command::Estimate(args) => return exit(estimate::run(&args)),
        Command::Layout(args) => return exit(layout::run(&args)),
        Command::Soak(args) => return exit(soak::run(&args)),
        Command::Test(args) => test::run(&args),
        Command::Tidy => tidy::run(),
        Command::Miri(args) => miri::run(&args),
        Command::Asan(args) => asan::run(&args),
        Command::Platforms(args) => platforms::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Instructions => instructions::run(),
        Command::Features => features::run(),
        Command::Conformance(args) => conformance::run(&args),
        Command::Book(args) => book::run(&args),
        Command::Exercise(args) => exercise::run(&args),
        Command::Ci(args) => ci::run(&args),
    };
    exit(outcome.map(|outcome| outcome.code()))
}

/// Returns the exit code. Prints an error, and returns the exit code of a failure for it.
fn exit(code: anyhow::Result<u8>) -> ExitCode {
    ExitCode::from(code.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        Outcome::Failed.code()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn estimate_arguments_are_passed_on_untouched() {
        let line = ["xtask", "estimate", "--keys", "7", "--integers", "-5..5", "--help"];
        let Command::Estimate(args) = Cli::try_parse_from(line).unwrap_or_else(|e| panic!("{e}")).command
        else {
            panic!("another command");
        };
        assert_eq!(args.rest, ["--keys", "7", "--integers", "-5..5", "--help"]);
    }

    #[test]
    fn bench_arguments_are_passed_on_untouched() {
        let line = ["xtask", "bench", "--quick", "--suite", "a,b", "--help", "--", "x"];
        let Command::Bench(args) = Cli::try_parse_from(line).unwrap_or_else(|e| panic!("{e}")).command else {
            panic!("another command");
        };
        assert_eq!(args.rest, ["--quick", "--suite", "a,b", "--help", "--", "x"]);
    }
}

//! `soak`: runs millions of operations on keyspaces and on plain models, and compares them. The first part
//! runs one thread, and the second part several. `cargo xtask soak` runs this program.
//!
//! Exit codes: 0 no difference, 1 a difference, 2 wrong arguments.

use clap::{Parser, ValueEnum};
use comfy_table::{Cell, CellAlignment, LineStyle, Table, presets};
use common::Thousands;
use fuzz::soak::{self, Failure, PlantedFault, Report, Settings};
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Parser)]
#[command(
    about = "Random operations of all types on keyspaces beside plain models, with eviction, expiry and failing allocations"
)]
struct Args {
    /// The seed. The same seed gives the same operations. The default is a random seed, which is printed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The time to run, in minutes
    #[arg(long, value_name = "M", default_value_t = 1.0, conflicts_with = "seconds")]
    minutes: f64,
    /// The time to run, in seconds
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Stop after N operations of one thread, and skip the part with several threads
    #[arg(long, value_name = "N", conflicts_with_all = ["minutes", "seconds"])]
    operations: Option<u64>,
    /// The number of threads of the part with several threads, which takes a sixth of the time. 0 skips it
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=64))]
    threads: u8,
    /// Test the soak: plant a fault that it must find
    #[arg(long, value_name = "FAULT")]
    plant: Option<Fault>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Fault {
    /// A removed value is never freed
    Leak,
    /// A key is removed, and the model does not learn of it
    LostKey,
    /// Reads use a time some seconds in the past
    ExpiredAnswer,
}

impl From<Fault> for PlantedFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Leak => Self::Leak,
            Fault::LostKey => Self::LostKey,
            Fault::ExpiredAnswer => Self::ExpiredAnswer { late: 5_000 },
        }
    }
}

/// The maximum time of a run, in seconds: a year.
const SECONDS_MAX: f64 = 365.0 * 24.0 * 3_600.0;

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| rand::random_range(0..1_000_000_000));
    let seconds = args.seconds.unwrap_or(60.0 * args.minutes);
    let time = match args.operations {
        None if seconds.is_nan() || seconds < 0.0 => {
            eprintln!("soak: a time is not negative");
            return ExitCode::from(2);
        }
        None => Duration::from_secs_f64(seconds.min(SECONDS_MAX)),
        Some(_) => Duration::MAX,
    };
    let settings = Settings {
        seed,
        time,
        operations: args.operations.unwrap_or(u64::MAX),
        threads: if args.operations.is_some() { 0 } else { args.threads.into() },
        plant: args.plant.map(PlantedFault::from),
    };
    eprintln!("soak: seed {seed}");
    let bar = bar(&settings);
    let result = soak::run(&settings, |report| {
        bar.set_position(if args.operations.is_some() { report.operations() } else { report.time.as_secs() });
        bar.set_message(format!(
            "{} operations, {} evicted",
            Thousands(report.operations() + report.thread_operations),
            Thousands(report.counts.evicted)
        ));
    });
    bar.finish_and_clear();
    match result {
        Ok(report) => {
            println!("{}\nsoak: no difference, no leak; seed {seed}", table(&report));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            print_failure(seed, &failure);
            ExitCode::FAILURE
        }
    }
}

/// Returns a progress bar on standard error. It is visible only on a terminal.
fn bar(settings: &Settings) -> ProgressBar {
    let (length, unit) = match settings.operations {
        u64::MAX => (settings.time.as_secs(), " s"),
        operations => (operations, ""),
    };
    let style = ProgressStyle::with_template(&format!("    soak {{bar:30}} {{pos}}/{{len}}{unit} {{msg}}"));
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print_failure(seed: u64, failure: &Failure) {
    println!("\nsoak: {}", failure.message);
    let Some(operation) = failure.operation else {
        println!("Several threads ran, with seed {seed}.");
        return;
    };
    println!("The last operations, the last one first:");
    failure.last.iter().rev().for_each(|operation| println!("  {operation}"));
    println!("Again with: cargo xtask soak --seed {seed} --operations {}", operation + 1);
}

fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    let counts = &report.counts;
    let operations = soak::groups()
        .iter()
        .zip(report.operations)
        .map(|(group, count)| (format!("operations: {group}"), count));
    let others = [
        ("operations of several threads", report.thread_operations),
        ("rounds of several threads", report.rounds),
        ("failed for a failed allocation", counts.without_memory),
        ("refused at maxmemory", counts.refused),
        ("keys evicted", counts.evicted),
        ("keys expired and removed", counts.expired),
        ("large values freed later", counts.lazyfreed),
        ("blocks moved by defragmentation", counts.defragged),
        ("answers compared", counts.answers),
        ("values compared in full", counts.values),
        ("comparisons of all keys and bytes", report.compared_all + report.rounds),
        ("bytes at most", counts.bytes_max as u64),
        ("seconds", report.time.as_secs()),
    ];
    let others = others.map(|(name, count)| (name.to_owned(), count));
    for (name, count) in operations.chain([("operations".to_owned(), report.operations())]).chain(others) {
        table.add_row([Cell::new(name), Cell::new(Thousands(count)).set_alignment(CellAlignment::Right)]);
    }
    table.to_string()
}

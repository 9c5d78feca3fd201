//! Tests of the estimate from numbers: its arguments and its output.

use super::program::cli::Args;
use super::program::numbers;
use clap::{CommandFactory, Parser};

fn report(arguments: &str) -> Result<String, String> {
    let words = std::iter::once("estimate").chain(arguments.split(' '));
    let arguments = Args::try_parse_from(words).map_err(|error| error.to_string())?;
    numbers::report(&arguments).map_err(|error| error.to_string())
}

#[test]
fn the_command_line_is_well_formed() {
    Args::command().debug_assert();
}

#[test]
fn the_command_prints_the_steps_for_each_store() {
    let report = report("--keys 90000 --key-len 7 --value-len 7").unwrap();
    let stores = [
        "\nkeyspace, ",
        "\nclassic Redis 7, jemalloc with classes of 16",
        "\nclassic Redis 7, jemalloc with classes of 8",
    ];
    assert!(stores.iter().all(|store| report.contains(store)), "{report}");
    assert!(
        report.contains("  90,000 * (32 + 16 + 32) + 131,072 * 8 = 8,248,576 bytes, 91.65 a key\n  - A key"),
        "{report}"
    );
    assert!(report.contains("7,528,576 bytes"), "{report}");
    assert!(report.contains("4 + 1 + 7 + 1 + 7"), "{report}");
    assert_eq!(
        report.matches("-> size class: the block size to which the allocator rounds them up").count(),
        3
    );
}

#[test]
fn values_are_lengths_or_integers_and_may_be_a_range() {
    let with = |rest: &str| {
        let report = report(&format!("--keys 10 --key-len 3 {rest}")).unwrap();
        report.lines().next().unwrap().to_owned()
    };
    assert_eq!(with("--value-len 32..512"), "10 keys of 3 bytes, strings of 32 to 512 bytes");
    assert_eq!(
        with("--integers -5..5 --expires"),
        "10 keys of 3 bytes, integers from -5 to 5, with an expiry"
    );
    assert_eq!(with("--integers 7"), "10 keys of 3 bytes, integers from 7 to 7");
}

#[test]
fn wrong_arguments_are_errors() {
    for rest in [
        "",
        " --value-len 3 --integers 3",
        " --value-len 5..3",
        " --value-len x",
        " --integers 1..x",
        " --integers 3 dump.rdb",
        " --integers 3 --json",
        " --integers 3 --sample 1/3",
        " --value-len -1",
    ] {
        let error = report(&format!("--keys 10 --key-len 3{rest}")).unwrap_err();
        assert!(error.starts_with("error: "), "{error}");
    }
    let error = report("--keys 10 --key-len 3 --value-len 7..536870913").unwrap_err();
    assert_eq!(error, "a value of 536,870,913 bytes is too long: it can have at most 536,870,912 bytes");
    let error = report("--keys 10 --key-len 4294967296 --integers 1").unwrap_err();
    assert_eq!(error, "a key of 4,294,967,296 bytes is too long: it can have at most 4,294,967,295 bytes");
    assert!(report("--keys ten --key-len 3 --value-len 3").unwrap_err().contains("ten"));
}

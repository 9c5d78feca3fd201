//! `cargo xtask asan`: runs the tests of the crates with unsafe code under AddressSanitizer.
//!
//! AddressSanitizer covers what Miri is too slow for: complete runs of the property tests, real threads, and
//! real blocks of the C library. zmalloc uses libc under AddressSanitizer. Tests of zmalloc check that
//! AddressSanitizer catches each kind of mistake with a block. LeakSanitizer is included, and fails a run
//! that leaks a block.

use crate::outcome::{Outcome, unavailable};
use crate::shell;
use anyhow::Result;

/// Tests that are skipped unless the command has arguments for the test programs. They draw many samples, but
/// only to check statistics. Other tests of the same module draw samples too, so the code is covered without
/// them.
const STATISTICS: [&str; 3] = [
    "a_quick_pick_has_the_documented_bias_and_no_other",
    "two_entries_of_a_table_come_in_one_sample_as_often_as_their_distance_says",
    "every_place_of_a_sample_is_as_even_as_a_quick_pick",
];

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Arguments of the test programs, for example a filter
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if !shell::has_nightly() {
        return Ok(unavailable(
            "AddressSanitizer (reads and writes outside of live blocks)",
            "To have it: rustup toolchain install nightly",
        ));
    }
    let host = shell::host()?;
    let mut words = vec!["--no-default-features", "--features", "zmalloc/fault-injection"];
    let libraries = shell::libraries_with_unsafe_code();
    words.extend(shell::packages(&libraries));
    // With a target triple, the flags apply to the tests, but not to build scripts.
    words.extend(["--target", &host]);
    if args.rest.is_empty() {
        words.push("--");
        words.extend(STATISTICS.iter().flat_map(|name| ["--skip", name]));
    }
    let mut command = shell::test(shell::nightly_cargo, &words, &args.rest);
    shell::set_rustflags(&mut command, &["-Zsanitizer=address"]);
    command.env("CARGO_TARGET_DIR", shell::target_dir().join("asan"));
    command.env("ZMALLOC_TEST_SANITIZER", "address"); // a test fails if the build has no sanitizer
    shell::let_allocations_fail(&mut command);
    shell::run(&mut command)
}

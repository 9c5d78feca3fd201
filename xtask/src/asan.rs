//! `cargo xtask asan`: the tests of the crates with unsafe code under AddressSanitizer.
//!
//! It finds what Miri is too slow to reach: whole runs of the property tests, real threads, real blocks of the C
//! library. zmalloc turns to libc by itself and has tests of its own for that: that each mistake with
//! one of its blocks is caught. LeakSanitizer comes with it and ends a run that leaves a block behind.

use crate::shell::{self, Outcome};
use anyhow::Result;

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Handed to the test programs: a filter, for example
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if !shell::works(shell::nightly_cargo().arg("--version")) {
        return Ok(shell::unavailable(
            "AddressSanitizer (reads and writes outside of live blocks)",
            "To have it: rustup toolchain install nightly",
        ));
    }
    let mut command = shell::test(shell::nightly_cargo);
    command.args(["--no-default-features", "--features", "zmalloc/fault-injection"]);
    command
        .args(shell::packages(&shell::LIBRARIES))
        .args(["--target", &shell::host()?, "--"])
        .args(&args.rest);
    // With a target triple the flags apply to the tests and not to build scripts.
    command.env("CARGO_ENCODED_RUSTFLAGS", "-Zsanitizer=address").env_remove("RUSTFLAGS");
    command.env("CARGO_TARGET_DIR", shell::target_dir().join("asan"));
    command.env("ZMALLOC_TEST_SANITIZER", "address"); // a test holds the build to it
    // Some tests ask for more than there is, and the answer is to be null. What the caller sets comes last and wins.
    let options = std::env::var("ASAN_OPTIONS").unwrap_or_default();
    command.env("ASAN_OPTIONS", format!("allocator_may_return_null=1:{options}"));
    shell::must(&mut command)?;
    Ok(Outcome::Passed)
}

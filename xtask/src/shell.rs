//! Functions that run other programs. They return paths, make commands of cargo, and show and run commands.

use crate::outcome::{Outcome, unavailable};
use crate::tail;
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Whether the run is unattended.
static UNATTENDED: AtomicBool = AtomicBool::new(false);

/// Makes the rest of the run unattended. Builds then omit what only a later build or a debugger needs, and
/// the last lines of failed commands are kept ([`tail`]).
pub(crate) fn unattended() {
    UNATTENDED.store(true, Ordering::Relaxed);
}

/// Makes builds of an unattended run smaller. Other runs are unchanged.
fn with_smaller_build(mut command: Command) -> Command {
    if UNATTENDED.load(Ordering::Relaxed) {
        command.envs([("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0")]);
        // Each codegen unit compiles its own copy of inlined code. The default of 256 units is for
        // incremental builds.
        command.env("CARGO_PROFILE_DEV_CODEGEN_UNITS", "16");
    }
    command
}

/// Returns the folder of the repository. xtask always runs where it was built, so the path of its sources is
/// valid.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// Returns the folder of builds, as cargo defines it: `CARGO_TARGET_DIR` or `target`.
pub(crate) fn target_dir() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Returns a command that runs a program in the folder of the repository.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Returns a command of the cargo that runs this program.
pub(crate) fn cargo() -> Command {
    with_smaller_build(program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// Returns a command of the nightly toolchain's cargo. [`has_nightly`] checks whether there is one.
/// `cargo +nightly` would work only if rustup's proxy is the first cargo on the path.
pub(crate) fn nightly_cargo() -> Command {
    let mut command = program("rustup");
    command.args(["run", "nightly", "cargo"]);
    with_smaller_build(command)
}

/// Returns `true` if there is a nightly toolchain.
pub(crate) fn has_nightly() -> bool {
    works(nightly_cargo().arg("--version"))
}

/// Makes a command build with these flags of rustc and no others. A control character separates the flags, so
/// no flag needs quotes.
pub(crate) fn set_rustflags(command: &mut Command, flags: &[&str]) {
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).env_remove("RUSTFLAGS");
}

/// Makes AddressSanitizer return null if an allocation is too large, as other allocators do. The options in
/// the caller's environment come last, and override this one.
pub(crate) fn let_allocations_fail(command: &mut Command) {
    let options = std::env::var("ASAN_OPTIONS").unwrap_or_default();
    command.env("ASAN_OPTIONS", format!("allocator_may_return_null=1:{options}"));
}

/// Returns a command that builds test programs and runs their tests. It runs all tests, even after a failure,
/// but no doc tests.
///
/// The command uses nextest if it is installed. nextest distributes single tests over the processors, but
/// cargo runs one program after another. `rest` are the arguments of the test programs. nextest accepts only
/// some of them, so cargo runs the tests if `rest` is not empty.
pub(crate) fn test(cargo: fn() -> Command, args: &[&str], rest: &[String]) -> Command {
    let mut command = cargo();
    if rest.is_empty() && works(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--cargo-quiet", "--show-progress=none"]);
        command.args(["--status-level=fail", "--failure-output=final"]);
    } else {
        command.args(["test", "--quiet"]);
    }
    command.args(["--no-fail-fast", "--tests"]).args(args);
    if !rest.is_empty() {
        command.arg("--").args(rest);
    }
    command
}

/// The libraries. They allocate with zmalloc.
#[rustfmt::skip] // the order is that of the page on the architecture, from the bottom
pub(crate) const LIBRARIES: [&str; 13] = [
    "zmalloc", "common", "sds", "symbols", "dict", "intset", "listpack", "zindex", "quicklist", "values", "robj", "keyspace", "rdb",
];

/// Returns the libraries that do not forbid unsafe code.
pub(crate) fn libraries_with_unsafe_code() -> Vec<&'static str> {
    let forbids = |name: &&str| {
        let library = root().join(format!("crates/{name}/src/lib.rs"));
        std::fs::read_to_string(library).is_ok_and(|text| text.contains("#![forbid(unsafe_code)]"))
    };
    LIBRARIES.into_iter().filter(|name| !forbids(name)).collect()
}

/// Returns the arguments `--package NAME` for each name.
pub(crate) fn packages<'a>(names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| ["--package", name])
}

/// Returns the target triple of this machine.
pub(crate) fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc has no host")?;
    Ok(host.to_owned())
}

/// Returns `true` if the compiler has the standard library of the target.
pub(crate) fn has_standard_library(target: &str) -> Result<bool> {
    let folder = output(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))?;
    Ok(std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()))
}

/// Returns `true` if a command can be run and succeeds. Callers use it with `--version`.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Runs a command and returns its output without the white space at the end.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| show(command))?;
    if !output.status.success() {
        bail!("{}: {}", show(command), output.status);
    }
    Ok(String::from_utf8(output.stdout).with_context(|| show(command))?.trim_end().to_owned())
}

/// Shows and runs a command. Returns its exit code, or 1 if a signal ended it.
pub(crate) fn exit_code(command: &mut Command) -> Result<u8> {
    let name = show(command);
    eprintln!("$ {name}");
    let unattended = UNATTENDED.load(Ordering::Relaxed);
    let status = if unattended { tail::status(&name, command) } else { command.status() };
    let status = status.with_context(|| name.clone())?;
    if status.code().is_none() {
        eprintln!("xtask: {name}: {status}");
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Shows and runs a command. Returns an error if it fails.
pub(crate) fn run_checked(command: &mut Command) -> Result<()> {
    match exit_code(command)? {
        0 => Ok(()),
        code => bail!("exit code {code}: {}", show(command)),
    }
}

/// Shows and runs a command. Returns whether it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<Outcome> {
    Ok(if exit_code(command)? == 0 { Outcome::Passed } else { Outcome::Failed })
}

/// Runs commands in parallel, one on each processor. Starts them in the given order, so the longest ones
/// should come first.
///
/// Prints the name of a command when it starts, and its whole output when it ends. All commands run, even
/// after one has failed. Returns the outputs in the order of the commands, or an error that names all
/// commands that failed.
pub(crate) fn run_side_by_side(commands: Vec<Command>) -> Result<Vec<String>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(commands.len());
    let waiting = Mutex::new(commands.into_iter().enumerate());
    let (outputs, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let next = waiting.lock().expect("no panic under the lock").next();
            let Some((index, mut command)) = next else { return };
            let name = show(&command);
            eprintln!("started: {name}");
            let start = Instant::now();
            let (passed, text) = match command.stdin(Stdio::null()).output() {
                Ok(output) => {
                    let text = [output.stdout, output.stderr].concat();
                    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
                }
                Err(error) => (false, error.to_string()),
            };
            eprintln!("$ {name}\n{text}({} s)", start.elapsed().as_secs());
            if passed {
                outputs.lock().expect("no panic under the lock").push((index, text));
            } else {
                tail::keep_output(&name, &text);
                failed.lock().expect("no panic under the lock").push(name);
            }
        }
    };
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().expect("no panic under the lock");
    ensure!(failed.is_empty(), "failed: {}", failed.join("; "));
    let mut outputs = outputs.into_inner().expect("no panic under the lock");
    outputs.sort();
    Ok(outputs.into_iter().map(|(_, text)| text).collect())
}

/// Returns `true` if the C compiler finds gperftools. Looks for the minimal library, which is installed with
/// the complete one.
pub(crate) fn has_gperftools() -> bool {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let sees_header = ["-E", "-x", "c", "-include", "gperftools/tcmalloc.h", "/dev/null"];
    let library = output(program(&compiler).arg("-print-file-name=libtcmalloc_minimal.so"));
    works(program(&compiler).args(sees_header)) && library.is_ok_and(|path| Path::new(&path).is_absolute())
}

/// Prints that gperftools is missing, and returns the outcome.
pub(crate) fn without_gperftools() -> Outcome {
    unavailable("tcmalloc", "To have it, install gperftools. Debian: apt-get install libgoogle-perftools-dev")
}

/// Returns a command as a user would type it. Empty words and words with white space are in quotes.
pub(crate) fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = words.map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains(char::is_whitespace) { format!("'{word}'") } else { word.into() }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_repository() {
        assert!(root().join("xtask/src/shell.rs").is_file());
    }

    #[test]
    fn a_command_is_shown_as_typed() {
        assert_eq!(show(Command::new("a").args(["b c", "", "d"])), "a 'b c' '' d");
    }

    #[test]
    fn a_failing_command_is_an_error() {
        let rustc = || Command::new("rustc");
        assert!(run_checked(rustc().arg("--version").stdout(Stdio::null())).is_ok());
        assert!(run_checked(rustc().arg("--no-such-flag").stderr(Stdio::null())).is_err());
        assert!(run_checked(&mut Command::new("no-such-program-anywhere")).is_err());
        assert!(!works(&mut Command::new("no-such-program-anywhere")));
    }

    #[test]
    fn of_commands_side_by_side_all_are_run_and_the_failed_ones_are_named() {
        let rustc = |argument| {
            let mut command = Command::new("rustc");
            command.arg(argument);
            command
        };
        assert!(run_side_by_side(Vec::new()).unwrap().is_empty());
        let outputs = run_side_by_side(vec![rustc("--version"), rustc("--help")]).unwrap();
        assert!(outputs[0].starts_with("rustc ") && outputs[1].contains("Usage"), "{outputs:?}");
        let mixed =
            vec![rustc("--no-such-flag"), rustc("--version"), Command::new("no-such-program-anywhere")];
        let error = run_side_by_side(mixed).unwrap_err().to_string();
        assert!(
            error.contains("rustc --no-such-flag") && error.contains("no-such-program-anywhere"),
            "{error}"
        );
        assert!(!error.contains("--version"), "{error}");
    }
}

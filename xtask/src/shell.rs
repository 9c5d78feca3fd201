//! Running other programs: where things are, how cargo is called, how a command is shown and run.

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

/// Makes the rest of the run unattended: builds leave out what only a later build or a debugger needs, and the last lines of
/// failed commands are kept ([`tail`]).
pub(crate) fn unattended() {
    UNATTENDED.store(true, Ordering::Relaxed);
}

fn lean(mut command: Command) -> Command {
    if UNATTENDED.load(Ordering::Relaxed) {
        command.envs([("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0")]);
        // Each unit compiles its own copy of what it inlines. 256 of them, the default, are for incremental builds.
        command.env("CARGO_PROFILE_DEV_CODEGEN_UNITS", "16");
    }
    command
}

/// The repository. xtask is always built where it runs, so the path of its sources is right.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// Where builds go: as for cargo, `CARGO_TARGET_DIR` or `target`.
pub(crate) fn target_dir() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// A program to be run in the repository.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    lean(program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// The nightly toolchain's cargo, which [`has_nightly`] looks for. `cargo +nightly` works only if rustup's proxy is first on the
/// path.
pub(crate) fn nightly_cargo() -> Command {
    let mut command = program("rustup");
    command.args(["run", "nightly", "cargo"]);
    lean(command)
}

/// Whether there is a nightly toolchain.
pub(crate) fn has_nightly() -> bool {
    works(nightly_cargo().arg("--version"))
}

/// Has a command build with these flags of rustc and no others. Separated by a control character, no flag needs quotes.
pub(crate) fn set_rustflags(command: &mut Command, flags: &[&str]) {
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).env_remove("RUSTFLAGS");
}

/// Has AddressSanitizer answer requests for more memory than exists with null, as other allocators do. What the caller's
/// environment sets comes last and wins.
pub(crate) fn let_allocations_fail(command: &mut Command) {
    let options = std::env::var("ASAN_OPTIONS").unwrap_or_default();
    command.env("ASAN_OPTIONS", format!("allocator_may_return_null=1:{options}"));
}

/// A command that builds test programs and runs their tests. It runs all tests, even after a failure, but no doc tests.
///
/// nextest is used where it is installed: it shares out single tests between the processors, where cargo runs one program after
/// another. `rest` is handed to the test programs; since nextest takes only some of their arguments, cargo runs them then.
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

/// The libraries. Their memory comes from zmalloc.
#[rustfmt::skip] // as on the page of the architecture, from below
pub(crate) const LIBRARIES: [&str; 13] = [
    "zmalloc", "common", "sds", "symbols", "dict", "intset", "listpack", "zindex", "quicklist", "values", "robj", "keyspace", "rdb",
];

/// The libraries that do not forbid unsafe code.
pub(crate) fn libraries_with_unsafe_code() -> Vec<&'static str> {
    let forbids = |name: &&str| {
        let library = root().join(format!("crates/{name}/src/lib.rs"));
        std::fs::read_to_string(library).is_ok_and(|text| text.contains("#![forbid(unsafe_code)]"))
    };
    LIBRARIES.into_iter().filter(|name| !forbids(name)).collect()
}

/// `--package` for each.
pub(crate) fn packages<'a>(names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| ["--package", name])
}

/// The target triple of this machine.
pub(crate) fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc has no host")?;
    Ok(host.to_owned())
}

/// Whether a command can be run at all and succeeds; for asking `--version`.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// What a command prints, without the line end.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| show(command))?;
    if !output.status.success() {
        bail!("{}: {}", show(command), output.status);
    }
    Ok(String::from_utf8(output.stdout).with_context(|| show(command))?.trim_end().to_owned())
}

/// Shows and runs a command; its exit code, or 1 if a signal ended it.
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

/// Shows and runs a command that has to succeed.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    match exit_code(command)? {
        0 => Ok(()),
        code => bail!("exit code {code}: {}", show(command)),
    }
}

/// Runs a command; whether it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<Outcome> {
    Ok(if exit_code(command)? == 0 { Outcome::Passed } else { Outcome::Failed })
}

/// Runs commands side by side, one a processor, in the given order: the longest should come first. A command is named when it
/// starts, and its output is shown whole when it ends. All are run, also after one has failed; the error names those that
/// failed. Otherwise the outputs are returned, in the order of the commands.
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

/// Whether the C compiler finds gperftools: the minimal library, which comes with the whole one.
pub(crate) fn has_gperftools() -> bool {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let sees_header = ["-E", "-x", "c", "-include", "gperftools/tcmalloc.h", "/dev/null"];
    let library = output(program(&compiler).arg("-print-file-name=libtcmalloc_minimal.so"));
    works(program(&compiler).args(sees_header)) && library.is_ok_and(|path| Path::new(&path).is_absolute())
}

/// The outcome of what needs gperftools where it is missing.
pub(crate) fn without_gperftools() -> Outcome {
    unavailable("tcmalloc", "To have it, install gperftools. Debian: apt-get install libgoogle-perftools-dev")
}

/// A command as one would type it; words with blanks in quotes.
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
        assert!(must(rustc().arg("--version").stdout(Stdio::null())).is_ok());
        assert!(must(rustc().arg("--no-such-flag").stderr(Stdio::null())).is_err());
        assert!(must(&mut Command::new("no-such-program-anywhere")).is_err());
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

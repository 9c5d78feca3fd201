//! Finds gperftools' allocator, so that a missing library is reported before the linker fails.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A C program that includes the header and calls one function of the library.
const PROBE: &str = "#include <gperftools/tcmalloc.h>\n\
                     int main(void) { int major; tc_version(&major, 0, 0); return major == 0; }\n";

/// Returns the macro definitions of the header, if a C program can be linked with `library`. Otherwise prints
/// advice and ends the build.
pub(crate) fn header(library: &str) -> String {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let source = out.join("tcmalloc-probe.c");
    fs::write(&source, PROBE).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    let link =
        run(compiler().arg(&source).arg(format!("-l{library}")).arg("-o").arg(out.join("tcmalloc-probe")));
    let definitions = match link {
        Ok(_) => run(compiler().args(["-E", "-dM"]).arg(&source)),
        Err(error) => Err(error),
    };
    match definitions {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => {
            eprintln!(
                "zmalloc: the feature `{library}` needs gperftools: gperftools/tcmalloc.h and lib{library}.\n\
                 Debian and Ubuntu: apt-get install libgoogle-perftools-dev\n\
                 Fedora: dnf install gperftools-devel    macOS: brew install gperftools    FreeBSD: pkg install \
                 gperftools\n\
                 If the library is in another place, set CPATH and LIBRARY_PATH. The command was:\n{error}"
            );
            std::process::exit(1);
        }
    }
}

/// Returns the C compiler of the target, as the crate `cc` would find it.
fn compiler() -> Command {
    let target = env::var("TARGET").unwrap_or_default();
    let names = [format!("CC_{target}"), format!("CC_{}", target.replace('-', "_")), "CC".into()];
    let set = names.iter().find_map(|name| {
        println!("cargo:rerun-if-env-changed={name}");
        env::var_os(name)
    });
    for name in ["CPATH", "LIBRARY_PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    Command::new(set.unwrap_or_else(|| "cc".into()))
}

/// Runs a command. Returns its output, or a message with the command and its errors.
fn run(command: &mut Command) -> Result<Output, String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => Err(format!("{command:?}\n{}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

//! The temporary folder that the suite runs in. Symbolic links lead to the checkout, so the checkout does not
//! change. `src/redis-server` is a script that starts the server under test.

use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Makes the folder.
pub(super) fn make(checkout: &Path, server: &Path) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    link_entries(checkout, root, &["src", "tests"])?;
    std::fs::create_dir_all(root.join("src"))?;
    // The suite writes into `tests/tmp` only.
    std::fs::create_dir_all(root.join("tests/tmp"))?;
    link_entries(&checkout.join("tests"), &root.join("tests"), &["tmp"])?;
    for program in ["redis-cli", "redis-benchmark"] {
        let built = checkout.join("src").join(program);
        if let Some(path) = if built.is_file() { Some(built) } else { on_path(program) } {
            symlink(path, root.join("src").join(program))?;
        }
    }
    let wrapper = root.join("src/redis-server");
    std::fs::write(&wrapper, script(server))?;
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Returns whether a server takes the command line of Redis.
pub(super) fn is_redis(server: &Path) -> bool {
    server.file_name().is_some_and(|name| name.to_string_lossy().starts_with("redis-server"))
}

/// Returns the path of a program that is on the path of the environment.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn link_entries(from: &Path, to: &Path, except: &[&str]) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let name = entry?.file_name();
        if !except.iter().any(|except| OsStr::new(except) == name) {
            symlink(from.join(&name), to.join(&name))?;
        }
    }
    Ok(())
}

/// Returns the script. `exec` keeps the process id, which the suite compares with the one in the log.
fn script(server: &Path) -> String {
    let server = server.display().to_string().replace('\'', r"'\''");
    let option = if is_redis(Path::new(&server)) { "" } else { "--config " };
    let own = "-v|--version) echo 'redcore-server'; exit 0 ;;\n    --check-system) exit 0 ;;";
    let own = if option.is_empty() { "-v|--version|--check-system) ;;" } else { own };
    format!("#!/bin/sh\ncase \"$1\" in\n    {own}\nesac\nexec '{server}' {option}\"$@\"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_redis_takes_the_file_without_an_option() {
        assert!(script(Path::new("/a/redis-server")).ends_with("exec '/a/redis-server' \"$@\"\n"));
        assert!(
            script(Path::new("/it's/redcore-server"))
                .ends_with("exec '/it'\\''s/redcore-server' --config \"$@\"\n")
        );
    }
}

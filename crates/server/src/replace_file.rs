//! [`replace_file`]: a file that is replaced as a whole, so that a crash leaves the old bytes or the new ones.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file by these bytes. Writes them to the file `beside` in the same folder, and renames it. When this
/// function returns, the new bytes survive a crash.
pub(crate) fn replace_file(path: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Syncs a folder, so that the names in it survive a crash.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

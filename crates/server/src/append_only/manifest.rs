//! [`Manifest`]: the list of the files that the append-only file consists of, in the format of Redis 7.
//!
//! ```text
//!  file appendonly.aof.2.base.rdb seq 2 type b      the keys as they were at the last rewrite
//!  file appendonly.aof.3.incr.aof seq 3 type i      the commands since then, in order
//!  file appendonly.aof.4.incr.aof seq 4 type i
//! ```
//!
//! The list is replaced as a whole: it is written under a temporary name, synced and renamed. A file that is not
//! in the list does not count. A crash between two steps leaves such files. They stay until a later file has the same
//! name, or somebody removes them.

use crate::replace_file::replace_file;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file of the list. In C: `aofInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileInfo {
    /// The name, without a folder.
    pub(crate) name: String,
    /// The number in the name, from 1 on.
    pub(crate) seq: u64,
}

/// The list of files. In C: `aofManifest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The file with all keys: a snapshot, or commands if Redis has written it.
    pub(crate) base: Option<FileInfo>,
    /// The files with the commands since then, in order.
    pub(crate) incrs: Vec<FileInfo>,
    /// Files that Redis has replaced and not yet removed.
    pub(crate) history: Vec<FileInfo>,
}

/// The path of the list of the files `prefix`.
fn path(folder: &Path, prefix: &str) -> PathBuf {
    folder.join(format!("{prefix}.manifest"))
}

impl Manifest {
    /// Reads the list. Returns an empty one if there is none. In C: `aofLoadManifestFromDisk`.
    ///
    /// # Errors
    /// If the list cannot be read, or has another format. The error names the line.
    pub(crate) fn read(folder: &Path, prefix: &str) -> io::Result<Self> {
        let path = path(folder, prefix);
        let of_file = |reason: &dyn fmt::Display| format!("the manifest {}: {reason}", path.display());
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text)
                .map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, of_file(&reason))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(io::Error::new(error.kind(), of_file(&error))),
        }
    }

    /// Parses the text of the list. Keys that are not known are skipped, as Redis skips them.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut manifest = Self::default();
        if text.is_empty() {
            return Err("Found an empty AOF manifest".into());
        }
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            manifest.parse_line(line).map_err(|reason| format!("line {}: {reason}", index + 1))?;
        }
        Ok(manifest)
    }

    fn parse_line(&mut self, line: &str) -> Result<(), &'static str> {
        const FORMAT: &str = "Invalid AOF manifest file format";
        let words = sds::split_args(line.trim().as_bytes()).map_err(|_| FORMAT)?;
        let words = words.iter().map(|word| std::str::from_utf8(word)).collect::<Result<Vec<_>, _>>();
        let words = words.map_err(|_| "a file name is not UTF-8")?;
        if !words.len().is_multiple_of(2) {
            return Err(FORMAT);
        }
        let value = |name: &str| {
            let pair = words.chunks(2).find(|pair| pair[0].eq_ignore_ascii_case(name));
            pair.map(|pair| pair[1]).ok_or(FORMAT)
        };
        let (name, kind) = (value("file")?.to_owned(), value("type")?);
        let seq = value("seq")?.parse().ok().filter(|seq| *seq > 0).ok_or(FORMAT)?;
        if name.is_empty() || name.contains(['/', '\\']) {
            return Err("File can't be a path, just a filename");
        }
        let info = FileInfo { name, seq };
        match kind {
            "b" if self.base.is_some() => return Err("Found duplicate base file information"),
            "b" => self.base = Some(info),
            "i" if self.incrs.last().is_some_and(|last| last.seq >= seq) => {
                return Err("Found a non-monotonic sequence number");
            }
            "i" => self.incrs.push(info),
            "h" => self.history.push(info),
            _ => return Err("Unknown AOF file type"),
        }
        Ok(())
    }

    /// Replaces the list on the disk. When this function returns, the new one survives a crash. In C:
    /// `persistAofManifest`.
    pub(crate) fn write(&self, folder: &Path, prefix: &str) -> io::Result<()> {
        let (path, beside) = (path(folder, prefix), folder.join(format!("temp-{prefix}.manifest")));
        replace_file(&path, &beside, self.to_string().as_bytes())
    }

    /// Returns the files that are loaded, in order.
    pub(crate) fn files(&self) -> impl DoubleEndedIterator<Item = &FileInfo> {
        self.base.iter().chain(&self.incrs)
    }
}

/// Prints the text of the file. A name with blanks or special bytes is quoted.
impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |kind: char| move |info| (info, kind);
        let base = self.base.iter().map(with('b'));
        let (history, incrs) = (self.history.iter().map(with('h')), self.incrs.iter().map(with('i')));
        for (FileInfo { name, seq }, kind) in base.chain(history).chain(incrs) {
            let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
            if name.bytes().all(is_plain) {
                writeln!(f, "file {name} seq {seq} type {kind}")?;
            } else {
                let mut quoted = sds::Sds::new();
                quoted.push_repr(name.as_bytes());
                writeln!(f, "file {} seq {seq} type {kind}", String::from_utf8_lossy(&quoted))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, seq: u64) -> FileInfo {
        FileInfo { name: name.into(), seq }
    }

    #[test]
    fn the_text_is_that_of_redis_and_is_read_back() {
        let manifest = Manifest {
            base: Some(info("a.aof.2.base.rdb", 2)),
            incrs: vec![info("a.aof.3.incr.aof", 3), info("a b\".aof", 4)],
            history: vec![info("a.aof.1.base.rdb", 1)],
        };
        let text = "file a.aof.2.base.rdb seq 2 type b\nfile a.aof.1.base.rdb seq 1 type h\n\
            file a.aof.3.incr.aof seq 3 type i\nfile \"a b\\\".aof\" seq 4 type i\n";
        assert_eq!(manifest.to_string(), text);
        assert_eq!(Manifest::parse(text), Ok(manifest.clone()));
        let with_more = format!("# comment\n{}", text.replace("type i", "type i startoffset 5"));
        assert_eq!(Manifest::parse(&with_more), Ok(manifest));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, line) in [
            ("", None),
            ("\n", Some(1)),
            ("file a seq 1 type b\nfile b seq 2 type b\n", Some(2)),
            ("file a seq 2 type i\nfile b seq 2 type i\n", Some(2)),
            ("file ../a seq 1 type b\n", Some(1)),
            ("file a seq 0 type b\n", Some(1)),
            ("file a seq 1 type x\n", Some(1)),
            ("file a seq 1\n", Some(1)),
            ("file \"a seq 1 type b\n", Some(1)),
        ] {
            let error = Manifest::parse(text).unwrap_err();
            assert!(line.is_none_or(|line| error.starts_with(&format!("line {line}: "))), "{text}: {error}");
        }
    }
}

//! Reads a file with the user's keys and values: `--import FILE`.
//!
//! | format | recognised by | a key and its value are |
//! |---|---|---|
//! | CSV | the ending `.csv` | the first two fields of a record, which may be quoted; more fields are not read; a first record `key,value` is a header |
//! | text | any other ending | a line: the key ends at the first tab, the value at the end of the line |
//! | keys | the option `--keys-only` | a line without a tab: it is the key, and the value is empty |
//! | [dump] of Redis or Valkey | the ending `.rdb`, or the first bytes | a key of any type |
//!
//! A line or a record without a value is an error, because the file probably has another format: JSON, or CSV
//! with another ending. Before an empty value there must still be a tab or a comma. If a key occurs several
//! times, its last value counts. Keys and values are bytes. Lines may end with CR LF, and empty lines are
//! skipped.
//!
//! Limits: a key has 1 to 65,536 bytes, as in a [trace](crate::trace). A value has at most
//! [`MAX_VALUE_BYTES`], which is the limit of servers. A text file must not contain a NUL byte. Keys of a
//! dump have any length. The whole file is read, and all its keys and values are kept in memory.

mod dump;

use crate::error::BadInput;
use crate::maps::FoldHash;
use crate::trace::text::{MAX_KEY_BYTES, show};
use csv::{ByteRecord, Position, ReaderBuilder};
pub use dump::Dump;
use indexmap::IndexMap;
use keyspace::ValueRef;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The longest value, in bytes. In redis.conf: `proto-max-bulk-len`.
pub const MAX_VALUE_BYTES: usize = 512 * 1024 * 1024;

/// Keys and values in memory, in the order in which the keys first occur in the file.
#[derive(Debug, Default)]
pub struct Import {
    pairs: IndexMap<Box<[u8]>, Box<[u8]>, FoldHash>,
    records: u64,
    dump: Option<Dump>,
}

/// The reason why a file could not be imported. Each message is one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// The file could not be opened or read.
    Io(io::Error),
    /// There is no key in the file.
    Empty,
    /// A line does not fit the format.
    BadLine {
        /// The number of the line, from 1. If the record has several lines, this is its first line.
        line: u64,
        /// What is wrong with the line.
        what: String,
    },
    /// A dump is damaged, or has an unknown version.
    Dump(rdb::Error),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(err) => write!(f, "cannot be read: {err}"),
            Self::Empty => f.write_str("holds no key"),
            Self::BadLine { line, what } => write!(f, "line {line}: {what}"),
            Self::Dump(err) => write!(f, "is a dump that cannot be loaded: {err}"),
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(err) => Some(err),
            Self::Dump(err) => Some(err),
            _ => None,
        }
    }
}

impl From<rdb::Error> for ImportError {
    fn from(err: rdb::Error) -> Self {
        Self::Dump(err)
    }
}

impl From<io::Error> for ImportError {
    fn from(err: io::Error) -> Self {
        Self::Io(err)
    }
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Text,
    Keys,
    Dump,
}

impl Format {
    /// Returns the format of a file with this name and these first bytes.
    fn of(path: &Path, start: &[u8], keys_only: bool) -> Self {
        let is = |name: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name));
        if keys_only {
            Self::Keys
        } else if is("rdb") || dump::is_dump(start) {
            Self::Dump
        } else if is("csv") {
            Self::Csv
        } else {
            Self::Text
        }
    }
}

/// A record of one field, which is appended to the content of a CSV file. The reader must return it as the
/// last record. If it does not, a quote is still open, and this record is part of the quoted field.
const LAST_RECORD: &[u8] = b"\n\0\n";

/// The bytes that some programs put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Import {
    /// Reads a file. The name or the first bytes give its format. With `keys_only`, each line is a key
    /// without a value.
    ///
    /// # Errors
    /// An [`ImportError`] with the name of the file.
    pub fn open(path: &Path, keys_only: bool) -> Result<Self, BadInput> {
        let read = || {
            let mut input = BufReader::new(File::open(path)?);
            let start = input.fill_buf()?;
            let (format, has_mark) = (Format::of(path, start, keys_only), start.starts_with(BYTE_ORDER_MARK));
            if has_mark && format != Format::Dump {
                input.consume(BYTE_ORDER_MARK.len());
            }
            match format {
                Format::Dump => Dump::read(input).map(Self::from),
                Format::Csv => Self::read_csv(input),
                Format::Text => Self::read_lines(input, key_and_value),
                Format::Keys => Self::read_lines(input, key_only),
            }
        };
        read().map_err(|err| BadInput::file(path, err))
    }

    /// Reads lines. `split` divides a line into key and value, or returns what is wrong with the line.
    fn read_lines(
        mut input: impl BufRead,
        split: impl Fn(&[u8]) -> Result<(&[u8], &[u8]), String>,
    ) -> Result<Self, ImportError> {
        // The longest valid line has a key, a tab, a value and CR LF. With one byte more, it is too long.
        const LIMIT: u64 = (MAX_KEY_BYTES + 1 + MAX_VALUE_BYTES + 2) as u64 + 1;
        let (mut import, mut text) = (Self::default(), Vec::new());
        for line in 1.. {
            text.clear();
            if input.by_ref().take(LIMIT).read_until(b'\n', &mut text)? == 0 {
                break;
            }
            let text = text.strip_suffix(b"\n").unwrap_or(&text);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if text.contains(&0) {
                let what = "a NUL byte: not a text file of keys, tabs and values".into();
                return Err(ImportError::BadLine { line, what });
            }
            if !text.is_empty() {
                let (key, value) = split(text).map_err(|what| ImportError::BadLine { line, what })?;
                import.insert(line, key, value)?;
            }
        }
        import.finish()
    }

    /// Reads the records of a CSV file.
    fn read_csv(input: impl Read) -> Result<Self, ImportError> {
        let mut import = Self::default();
        let input = input.chain(LAST_RECORD);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
        let (mut record, mut next) = (ByteRecord::new(), ByteRecord::new());
        let mut read = |record: &mut ByteRecord| reader.read_byte_record(record).map_err(io::Error::from);
        read(&mut record)?;
        while read(&mut next)? {
            import.insert_record(&record)?;
            std::mem::swap(&mut record, &mut next);
        }
        if record != vec![LAST_RECORD.trim_ascii()] {
            return Err(bad_line(&record, "a quote is never closed in the record that starts here"));
        }
        import.finish()
    }

    fn insert_record(&mut self, record: &ByteRecord) -> Result<(), ImportError> {
        let (Some(key), Some(value)) = (record.get(0), record.get(1)) else {
            return Err(bad_line(record, "one field instead of a key and a value"));
        };
        let position = position(record);
        let is_header = position.byte() == 0 && (key, value) == (b"key".as_slice(), b"value".as_slice());
        if is_header { Ok(()) } else { self.insert(position.line(), key, value) }
    }

    fn insert(&mut self, line: u64, key: &[u8], value: &[u8]) -> Result<(), ImportError> {
        let bad = |what: String| Err(ImportError::BadLine { line, what });
        if key.is_empty() {
            return bad(format!("no key before the value '{}'", show(value)));
        }
        if key.len() > MAX_KEY_BYTES {
            return bad(format!("a key of more than {MAX_KEY_BYTES} bytes: '{}'", show(key)));
        }
        if value.len() > MAX_VALUE_BYTES {
            return bad(format!("a value of more than {MAX_VALUE_BYTES} bytes, of the key '{}'", show(key)));
        }
        self.records += 1;
        self.pairs.insert(key.into(), value.into());
        Ok(())
    }

    fn finish(self) -> Result<Self, ImportError> {
        if self.pairs.is_empty() { Err(ImportError::Empty) } else { Ok(self) }
    }

    /// Returns the number of distinct keys that have a string.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Returns `true` if no key has a string. This is possible for a dump only.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Returns the number of records in the file. Equal keys are counted each time.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Returns the keys and their strings, in the order of the file.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Returns the dump, if the file is one.
    pub fn dump(&self) -> Option<&Dump> {
        self.dump.as_ref()
    }
}

/// The pairs are the strings of the dump.
impl From<Dump> for Import {
    fn from(dump: Dump) -> Self {
        let mut import = Self { records: dump.keyspace().len() as u64, ..Self::default() };
        for record in dump.keyspace().records(0) {
            if let ValueRef::String(string) = record.value {
                import.pairs.insert(Box::from(&*record.key.text()), Box::from(&*string.to_bytes()));
            }
        }
        Self { dump: Some(dump), ..import }
    }
}

/// Returns the key before the first tab, and the value after it.
fn key_and_value(line: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let tab = line.iter().position(|&byte| byte == b'\t').ok_or_else(|| {
        format!(
            "no tab between a key and a value: '{}' (CSV has to be named .csv; --keys-only is for a list of keys)",
            show(line)
        )
    })?;
    Ok((&line[..tab], &line[tab + 1..]))
}

fn key_only(line: &[u8]) -> Result<(&[u8], &[u8]), String> {
    if line.contains(&b'\t') {
        return Err(format!("a tab: with --keys-only, each line is one key: '{}'", show(line)));
    }
    Ok((line, b""))
}

fn position(record: &ByteRecord) -> &Position {
    record.position().expect("a record that was read has a position")
}

fn bad_line(record: &ByteRecord, what: &str) -> ImportError {
    ImportError::BadLine { line: position(record).line(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(import: &Import) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        import.pairs().map(|(key, value)| (text(key), text(value))).collect()
    }

    fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn csv_error(text: &str) -> String {
        Import::read_csv(text.as_bytes()).unwrap_err().to_string()
    }

    fn read_text(text: &[u8]) -> Result<Import, ImportError> {
        Import::read_lines(text, key_and_value)
    }

    fn text_error(text: &[u8]) -> String {
        read_text(text).unwrap_err().to_string()
    }

    #[test]
    fn a_line_of_text_is_a_key_a_tab_and_a_value() {
        let import = read_text(b"a\t1\r\n\nb c\tx\ty\nempty\t\r\nlast\t").unwrap();
        assert_eq!(pairs(&import), expected(&[("a", "1"), ("b c", "x\ty"), ("empty", ""), ("last", "")]));
    }

    #[test]
    fn lines_without_a_tab_are_keys_only_when_that_is_asked_for() {
        let keys = b"a,1\r\n\nb c\n";
        let import = Import::read_lines(&keys[..], key_only).unwrap();
        assert_eq!(pairs(&import), expected(&[("a,1", ""), ("b c", "")]));
        let hint = "(CSV has to be named .csv; --keys-only is for a list of keys)";
        assert_eq!(text_error(keys), format!("line 1: no tab between a key and a value: 'a,1' {hint}"));
        let json = b"{\n\t\"a\": 1\n}\n";
        assert_eq!(text_error(json), format!("line 1: no tab between a key and a value: '{{' {hint}"));
        assert_eq!(text_error(b"a\t1\nb"), format!("line 2: no tab between a key and a value: 'b' {hint}"));
        let err = Import::read_lines(&b"a\nb\t2\n"[..], key_only).unwrap_err();
        assert!(
            err.to_string().starts_with("line 2: a tab: with --keys-only, each line is one key: 'b"),
            "{err}"
        );
    }

    #[test]
    fn a_record_of_csv_is_a_key_a_value_and_what_is_not_read() {
        let text = "key,value\n\"a,b\",\"say \"\"hi\"\"\nagain\",more,fields\r\nc,\nkey,value\n";
        let import = Import::read_csv(text.as_bytes()).unwrap();
        assert_eq!(pairs(&import), expected(&[("a,b", "say \"hi\"\nagain"), ("c", ""), ("key", "value")]));
    }

    #[test]
    fn of_equal_keys_the_last_one_counts() {
        let import = read_text(b"a\t1\nb\t2\na\t3\n").unwrap();
        assert_eq!(pairs(&import), expected(&[("a", "3"), ("b", "2")]));
        assert_eq!((import.len(), import.records()), (2, 3));
    }

    #[test]
    fn errors_of_text_say_the_line() {
        assert_eq!(text_error(b"a\t1\n\n\tx\n"), "line 3: no key before the value 'x'");
        assert_eq!(
            text_error(b"a\t1\nb\t\0"),
            "line 2: a NUL byte: not a text file of keys, tabs and values"
        );
        let long = [b"a\t\n".as_slice(), &[b'k'; MAX_KEY_BYTES + 1], b"\t"].concat();
        assert!(text_error(&long).starts_with("line 2: a key of more than 65536 bytes: 'kkk"));
        assert_eq!(text_error(b"\n\r\n"), "holds no key");
    }

    #[test]
    fn errors_of_csv_say_the_line_of_the_record() {
        assert_eq!(csv_error("a,\"two\nlines\"\n,x\n"), "line 3: no key before the value 'x'");
        assert_eq!(csv_error("key,value\n"), "holds no key");
        assert_eq!(
            csv_error("a,1\nb,\"open\nc,2\nd,3\n"),
            "line 2: a quote is never closed in the record that starts here"
        );
        assert_eq!(
            csv_error("a,1\nb,\"\"\"\n"),
            "line 2: a quote is never closed in the record that starts here"
        );
        assert_eq!(csv_error("a,1\n\""), "line 2: a quote is never closed in the record that starts here");
        assert_eq!(csv_error("\"a,1\n"), "line 1: a quote is never closed in the record that starts here");
        assert_eq!(csv_error("a,1\nb\n"), "line 2: one field instead of a key and a value");
        assert_eq!(csv_error("{\"a\": 1}\n"), "line 1: one field instead of a key and a value");
        assert_eq!(csv_error("a,1\n\0\n"), "line 2: one field instead of a key and a value");
        assert_eq!(csv_error(""), "holds no key");
    }

    #[test]
    fn quotes_may_stand_where_they_quote_nothing() {
        let import = Import::read_csv("a\"b,\"x\"y\"z\nc,\"\"\nd,\"q\"".as_bytes()).unwrap();
        assert_eq!(pairs(&import), expected(&[("a\"b", "xy\"z"), ("c", ""), ("d", "q")]));
    }

    #[test]
    fn a_file_is_read_by_its_ending_and_an_error_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str, text: &str, keys_only: bool| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Import::open(&path, keys_only)
        };
        assert_eq!(pairs(&open("keys.CSV", "a,1", false).unwrap()), expected(&[("a", "1")]));
        assert_eq!(pairs(&open("keys.txt", "\u{FEFF}a,1\t2", false).unwrap()), expected(&[("a,1", "2")]));
        assert_eq!(pairs(&open("keys.csv", "a,1", true).unwrap()), expected(&[("a,1", "")]));
        let err = open("bad.csv", "a,1\n,2", false).unwrap_err().to_string();
        assert!(err.ends_with("bad.csv: line 2: no key before the value '2'"), "{err}");
        let err = Import::open(&folder.path().join("none"), false).unwrap_err().to_string();
        assert!(err.contains("none: cannot be read: "), "{err}");
    }
}

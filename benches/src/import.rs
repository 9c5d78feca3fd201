//! Somebody's own keys and values: `--import FILE`.
//!
//! | format | told by the name | a key and its value are |
//! |---|---|---|
//! | CSV | `.csv` | the first two fields of a record, perhaps quoted; more fields are not read; a first record `key,value` is a header |
//! | text | any other | a line: the key ends at the first tab, the value at the end of the line |
//!
//! A value that is missing is empty. Of equal keys the last one counts. Keys and values are bytes. Lines may end with CR LF, and empty
//! lines are passed over.
//!
//! Limits: a key has 1 to 65,536 bytes, as in a [trace](crate::trace), and a value at most [`MAX_VALUE_BYTES`], which is what servers
//! take. A text file has no NUL. The file is read whole.

use crate::error::BadInput;
use crate::maps::Fold;
use crate::trace::text::{MAX_KEY_BYTES, show};
use csv::{ByteRecord, ReaderBuilder};
use indexmap::IndexMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The longest value, in bytes. In redis.conf: `proto-max-bulk-len`.
pub const MAX_VALUE_BYTES: usize = 512 * 1024 * 1024;

/// Keys and values in memory, in the order in which the keys first came.
#[derive(Debug, Default)]
pub struct Import {
    pairs: IndexMap<Box<[u8]>, Box<[u8]>, Fold>,
    records: u64,
}

/// Why a file could not be imported. Each message is one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// The operating system did not open the file, or did not go on reading.
    Io(io::Error),
    /// There is no key in the file.
    Empty,
    /// A line does not fit the format.
    BadLine {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(err) => write!(f, "cannot be read: {err}"),
            Self::Empty => f.write_str("holds no key"),
            Self::BadLine { line, what } => write!(f, "line {line}: {what}"),
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(err) => Some(err),
            _ => None,
        }
    }
}

impl From<io::Error> for ImportError {
    fn from(err: io::Error) -> Self {
        Self::Io(err)
    }
}

/// What some programs put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Import {
    /// Reads a file of either format.
    pub fn open(path: &Path) -> Result<Self, BadInput> {
        let read = || {
            let mut input = BufReader::new(File::open(path)?);
            if input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
                input.consume(BYTE_ORDER_MARK.len());
            }
            let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
            if is_csv { Self::read_csv(input) } else { Self::read_text(input) }
        };
        read().map_err(|err| BadInput::file(path, err))
    }

    fn read_text(mut input: impl BufRead) -> Result<Self, ImportError> {
        // A tab and a line end, and one byte to tell that there is too much.
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
                let tab = text.iter().position(|&byte| byte == b'\t').unwrap_or(text.len());
                import.insert(line, &text[..tab], text.get(tab + 1..).unwrap_or_default())?;
            }
        }
        import.finish()
    }

    fn read_csv(input: impl Read) -> Result<Self, ImportError> {
        let mut import = Self::default();
        let mut quotes = Quotes::new(input);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&mut quotes);
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(io::Error::from)? {
            let position = record.position().expect("a record that was read has a position");
            let (key, value) = (record.get(0).unwrap_or_default(), record.get(1).unwrap_or_default());
            if position.byte() > 0 || (key, value) != (b"key".as_slice(), b"value".as_slice()) {
                import.insert(position.line(), key, value)?;
            }
        }
        drop(reader);
        if let Some(line) = quotes.open {
            return Err(ImportError::BadLine { line, what: "a quote that is never closed".into() });
        }
        import.finish()
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

    /// How many distinct keys there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are no pairs. An imported file has at least one.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// How many records the file has, those of equal keys included.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Keys and values, in the order of the file.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs.iter().map(|(key, value)| (&**key, &**value))
    }
}

/// Where a byte of CSV stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// At the start of a field.
    Start,
    /// In a field without quotes, or behind the quotes of one.
    Plain,
    /// In quotes.
    Quoted,
    /// Behind a quote in quotes: the last one, or the first of two.
    Quote,
}

/// Passes CSV on and knows whether it is in quotes. The crate csv takes the end of a file for the missing quote.
struct Quotes<R> {
    input: R,
    place: Place,
    line: u64,
    /// The line of the quote that is open.
    open: Option<u64>,
}

impl<R> Quotes<R> {
    fn new(input: R) -> Self {
        Self { input, place: Place::Start, line: 1, open: None }
    }

    fn pass(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::Quoted, b'"') => Place::Quote,
            (Place::Quoted, _) => Place::Quoted,
            (Place::Start | Place::Quote, b'"') => Place::Quoted,
            (_, b',' | b'\n' | b'\r') => Place::Start,
            _ => Place::Plain,
        };
        self.open = match self.place {
            Place::Quoted => self.open.or(Some(self.line)),
            // Two quotes are one of the field.
            Place::Quote => self.open,
            _ => None,
        };
        self.line += u64::from(byte == b'\n');
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        buffer[..count].iter().for_each(|&byte| self.pass(byte));
        if count == 0 && self.place == Place::Quote {
            self.open = None;
        }
        Ok(count)
    }
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

    fn text_error(text: &[u8]) -> String {
        Import::read_text(text).unwrap_err().to_string()
    }

    #[test]
    fn a_line_of_text_is_a_key_a_tab_and_a_value() {
        let import = Import::read_text(&b"a\t1\r\n\nb c\tx\ty\nonly\nlast\t"[..]).unwrap();
        assert_eq!(pairs(&import), expected(&[("a", "1"), ("b c", "x\ty"), ("only", ""), ("last", "")]));
    }

    #[test]
    fn a_record_of_csv_is_a_key_a_value_and_what_is_not_read() {
        let text = "key,value\n\"a,b\",\"say \"\"hi\"\"\nagain\",more,fields\r\nc\nkey,value\n";
        let import = Import::read_csv(text.as_bytes()).unwrap();
        assert_eq!(pairs(&import), expected(&[("a,b", "say \"hi\"\nagain"), ("c", ""), ("key", "value")]));
    }

    #[test]
    fn of_equal_keys_the_last_one_counts() {
        let import = Import::read_text(&b"a\t1\nb\t2\na\t3\n"[..]).unwrap();
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
        let long = [b"a\n".as_slice(), &[b'k'; MAX_KEY_BYTES + 1]].concat();
        assert!(text_error(&long).starts_with("line 2: a key of more than 65536 bytes: 'kkk"));
        assert_eq!(text_error(b"\n\r\n"), "holds no key");
    }

    #[test]
    fn errors_of_csv_say_the_line_of_the_record() {
        assert_eq!(csv_error("a,\"two\nlines\"\n,x\n"), "line 3: no key before the value 'x'");
        assert_eq!(csv_error("key,value\n"), "holds no key");
        assert_eq!(csv_error("a,1\nb,\"open\nc,2\nd,3\n"), "line 2: a quote that is never closed");
        assert_eq!(csv_error("a,1\nb,\"\"\"\n"), "line 2: a quote that is never closed");
    }

    #[test]
    fn quotes_may_stand_where_they_quote_nothing() {
        let import = Import::read_csv("a\"b,\"x\"y\"z\nc,\"\"\nd,\"q\"".as_bytes()).unwrap();
        assert_eq!(pairs(&import), expected(&[("a\"b", "xy\"z"), ("c", ""), ("d", "q")]));
    }

    #[test]
    fn a_file_is_read_by_its_ending_and_an_error_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Import::open(&path)
        };
        assert_eq!(pairs(&open("keys.CSV", "a,1").unwrap()), expected(&[("a", "1")]));
        assert_eq!(pairs(&open("keys.txt", "a,1").unwrap()), expected(&[("a,1", "")]));
        let err = open("bad.csv", "a,1\n,2").unwrap_err().to_string();
        assert!(err.ends_with("bad.csv: line 2: no key before the value '2'"), "{err}");
        let err = Import::open(&folder.path().join("none")).unwrap_err().to_string();
        assert!(err.contains("none: cannot be read: "), "{err}");
    }
}

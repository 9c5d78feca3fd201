//! The two text formats: CSV (`time,key,size`), and plain keys, one in each line.
//!
//! Keys are bytes, not characters. In plain text, a key may have any bytes except NUL and a line break. In
//! CSV, a quoted key may have any bytes.

use super::error::TraceError;
use super::requests::Builder;
use csv::{ByteRecord, ReaderBuilder};
use std::io::{BufRead, Read};

/// The size of the values of a plain text trace, in bytes. The file does not contain sizes.
pub const PLAIN_VALUE_BYTES: u32 = 100;

/// The maximum length of a key, in bytes. A file with a longer key probably has another format.
pub(crate) const MAX_KEY_BYTES: usize = 64 * 1024;

/// Reads `time,key,size` lines. If the time and the size in the first line are not numbers, the line is a
/// header.
///
/// The time is a number, which may have a fraction, and is not used. The size is in bytes.
pub fn read_csv(input: impl Read, builder: &mut Builder) -> Result<(), TraceError> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    let mut record = ByteRecord::new();
    loop {
        let before = reader.position().byte();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(err) => return Err(csv_error(before, err)),
        }
        let position = record.position().expect("a record that was read has a position");
        let (line, offset) = (position.line(), position.byte());
        let bad = |what: String| TraceError::BadLine { line, offset, what };
        if record.len() != 3 {
            return Err(bad(format!("expected 3 fields (time,key,size), found {}", record.len())));
        }
        let (time, key, size) = (&record[0], &record[1], &record[2]);
        let first = offset == 0;
        if first && number::<f64>(time).is_none() && number::<u32>(size).is_none() {
            continue; // the header
        }
        if !number::<f64>(time).is_some_and(f64::is_finite) {
            return Err(bad(format!("the time '{}' is not a number", show(time))));
        }
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(bad(format!("a key of {} bytes; allowed are 1 to {MAX_KEY_BYTES}", key.len())));
        }
        let Some(size) = number(size) else {
            return Err(bad(format!("the size '{}' is not a number of bytes below 2^32", show(size))));
        };
        builder.push(key, size)?;
    }
}

fn csv_error(offset: u64, err: csv::Error) -> TraceError {
    match err.into_kind() {
        csv::ErrorKind::Io(err) => TraceError::reading(offset, err),
        other => TraceError::BadLine { line: 0, offset, what: format!("{other:?}") },
    }
}

/// Reads one key from each line. Skips empty lines, and removes a carriage return before the line break.
pub fn read_keys(mut input: impl BufRead, builder: &mut Builder) -> Result<(), TraceError> {
    let (mut line, mut offset, mut key) = (0, 0, Vec::new());
    loop {
        key.clear();
        // Two bytes more than the longest key, for the end of its line. So a file without lines is not read
        // completely.
        let limit = MAX_KEY_BYTES as u64 + 2;
        let count = match input.by_ref().take(limit).read_until(b'\n', &mut key) {
            Ok(0) => return Ok(()),
            Ok(count) => count as u64,
            Err(err) => return Err(TraceError::reading(offset + key.len() as u64, err)),
        };
        line += 1;
        let start = offset;
        offset += count;
        let bad = |offset, what: String| TraceError::BadLine { line, offset, what };
        let text = key.strip_suffix(b"\n").unwrap_or(&key);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if let Some(at) = text.iter().position(|&byte| byte == 0) {
            return Err(bad(start + at as u64, "a NUL byte: not a file of keys, one a line".into()));
        }
        if text.len() > MAX_KEY_BYTES {
            return Err(bad(start, format!("a key of more than {MAX_KEY_BYTES} bytes")));
        }
        if !text.is_empty() {
            builder.push(text, PLAIN_VALUE_BYTES)?;
        }
    }
}

fn number<T: std::str::FromStr>(field: &[u8]) -> Option<T> {
    std::str::from_utf8(field).ok()?.trim().parse().ok()
}

/// Formats a field for a one-line message.
pub(crate) fn show(field: &[u8]) -> String {
    const SHOWN: usize = 40;
    let shown = field[..field.len().min(SHOWN)].escape_ascii().to_string();
    if field.len() > SHOWN { shown + ".." } else { shown }
}

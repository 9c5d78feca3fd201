//! The memory of a [`Keyspace`](crate::Keyspace): one block for each key, and the table.
//!
//! ```text
//!  string     | head 4 | key length | expiry | key | value length | value |
//!  integer    | head 4 | key length | expiry | key | 1 to 8 |
//!  longer     | head 4 | key length | expiry | key | padding | 8 | -> | object 16 | -> | header | value | NUL |
//! ```
//!
//! The lengths are those of the module `entry`, which explains them. The `key length` is the header of a
//! plain key.

use super::number_range::NumberRange;
use super::step::{Part, Step};
use super::{Values, Workload};
use crate::entry::{Entry, parts};
use dict::Table;
use sds::layout::HeaderType;

/// How a string is stored.
#[derive(PartialEq)]
enum Form {
    /// In the block, after a length of this many bytes.
    Inline { len_size: u64 },
    /// As an object, with a header of this many bytes in front of the string.
    Object { header: u64 },
}

fn form(len: u64) -> Form {
    if len <= parts::INLINE_LEN_MAX {
        Form::Inline { len_size: parts::string_len(len) }
    } else {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        Form::Object { header: HeaderType::for_len(len).header_len() as u64 }
    }
}

/// Returns the bytes that a block of `size` bytes adds to `used_memory`.
fn class(size: u64) -> u64 {
    usize::try_from(size).map_or(size, |size| zmalloc::good_size(size) as u64)
}

/// Returns the steps of the keys and the values.
pub(super) fn blocks(workload: &Workload) -> Vec<Step> {
    let mut front = vec![
        Part::new("head", parts::HEAD),
        Part::new("key length", parts::key_header(workload.key_len)),
        Part::new("key", workload.key_len),
    ];
    if workload.expires {
        front.insert(2, Part::new("expiry", parts::EXPIRY));
    }
    let entry = |keys, value: Vec<Part>| {
        Step::new("entry", keys, front.iter().cloned().chain(value).collect(), class)
    };
    let mut steps = Vec::new();
    match &workload.values {
        Values::Integers(numbers) => {
            // Numbers of the same form must be contiguous. Positive and negative numbers of the same width
            // are not contiguous, so the sign is part of the form. Numbers of one byte are contiguous,
            // whatever their signs are.
            let width = |number: i128| {
                let width = parts::int(i64::try_from(number).unwrap_or(i64::MAX));
                (number < 0 && width > 1, width)
            };
            for run in NumberRange::from(numbers).runs(workload.keys, width) {
                steps.push(entry(run.keys, vec![Part::new("integer", run.form.1)]));
            }
        }
        Values::Strings(lens) => {
            let end = front.iter().fold(0_u64, |sum, part| sum.saturating_add(*part.len.start()));
            for run in NumberRange::from(lens).runs(workload.keys, |len| form(len as u64)) {
                let value = Part::spread("value", run.numbers.lens());
                match run.form {
                    Form::Inline { len_size } => {
                        steps.push(entry(run.keys, vec![Part::new("value length", len_size), value]));
                    }
                    Form::Object { header } => {
                        let pointer = Part::new("pointer", parts::WORD);
                        let padding = Part::new("padding", parts::padding(end));
                        steps.push(entry(run.keys, vec![padding, pointer]));
                        let object = Part::new("object", robj::HEADER_SIZE as u64);
                        steps.push(Step::new("object", run.keys, vec![object], class));
                        let string = vec![Part::new("header", header), value, Part::new("NUL", 1)];
                        steps.push(Step::new("string", run.keys, string, class));
                    }
                }
            }
        }
    }
    steps
}

/// Returns the step of the table, if there are keys.
pub(super) fn table(workload: &Workload) -> Option<Step> {
    let keys = usize::try_from(workload.keys).unwrap_or(usize::MAX);
    let size = Table::<Entry>::expected_size(keys);
    let parts = vec![
        Part::times("chunks", size.chunks_allocated as u64, size.chunk_size as u64),
        Part::times("children", size.children as u64, size.child_size as u64),
        Part::new("directory", size.directory_size as u64),
    ];
    (keys > 0).then(|| Step::single("table", parts, size.allocation_size as u64))
}

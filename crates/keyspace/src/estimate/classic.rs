//! The memory of classic Redis, version 7 and before: an entry, a key and a value, each in its own block, and
//! an array of buckets.
//!
//! ```text
//!  bucket 8 -> | entry: key 8, value 8, next 8 | -> | header | key | NUL |
//!                                                -> | object 16 | header 3 | value | NUL |        up to 44 bytes (embstr)
//!                                                -> | object 16 | -> | header | value | NUL |     longer (raw)
//!                                                -> | object 16 |                                 an integer
//!                                                -> an object that all share                      an integer from 0 to 9,999
//!
//!  bucket 8 -> | entry: key 8, expiry 8, next 8 |         in a second table; the key is the first one's
//! ```
//!
//! The sizes are those of a 64-bit machine, on every machine.

use super::number_range::NumberRange;
use super::step::{Part, Step};
use super::{Quantum, Values, Workload};
use sds::layout::HeaderType;
use values::{EncodingLimits, OBJ_SHARED_INTEGERS};

pub(super) const POINTER: u64 = 8;

/// The size of an object's header.
pub(super) const OBJECT: u64 = 16;

/// The smallest number of buckets of a table. In C: `DICT_HT_INITIAL_SIZE`.
const BUCKETS_MIN: u64 = 4;

/// The first integer that is not shared.
pub(super) const SHARED_END: u64 = OBJ_SHARED_INTEGERS as u64;

/// How a string is stored.
#[derive(PartialEq)]
enum Form {
    /// In its object's block.
    Embstr,
    /// In its own block, with a header of this many bytes.
    Raw { header: u64 },
}

fn form(len: u64) -> Form {
    if len <= EncodingLimits::DEFAULT.embstr_size_limit as u64 {
        Form::Embstr
    } else {
        Form::Raw { header: header(len) }
    }
}

/// Returns the size of the header of a string in its own block. An empty string has the header of a longer
/// one, because Redis expects that it will be appended to.
pub(super) fn header(len: u64) -> u64 {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let header = HeaderType::for_len(len);
    (if len == 0 { HeaderType::Sds8 } else { header }).header_len() as u64
}

/// Returns `parts`, followed by a string with its header and its NUL.
fn string(mut parts: Vec<Part>, header: u64, string: Part) -> Vec<Part> {
    parts.extend([Part::new("header", header), string, Part::new("NUL", 1)]);
    parts
}

fn object() -> Vec<Part> {
    vec![Part::new("object", OBJECT)]
}

/// Returns the step of the entries of a table.
fn entry(what: &'static str, value: &'static str, workload: &Workload, quantum: Quantum) -> Step {
    let parts = ["key", value, "next"].map(|name| Part::new(name, POINTER)).into();
    Step::new(what, workload.keys, parts, |size| quantum.class(size))
}

/// Returns the steps of the entries, the keys and the values.
pub(super) fn blocks(workload: &Workload, quantum: Quantum) -> Vec<Step> {
    let Workload { keys, key_len, .. } = *workload;
    let step = |what, keys, parts| Step::new(what, keys, parts, |size| quantum.class(size));
    let key = string(Vec::new(), header(key_len), Part::new("bytes", key_len));
    let mut steps = vec![entry("entry", "value", workload, quantum), step("key", keys, key)];
    match &workload.values {
        Values::Integers(numbers) => {
            let is_shared = |number: i128| (number >= 0, (0..i128::from(SHARED_END)).contains(&number));
            for run in NumberRange::from(numbers).runs(keys, is_shared) {
                let is_shared = run.form.1;
                steps.push(if is_shared {
                    Step::shared_integers(&run)
                } else {
                    step("integer", run.keys, object())
                });
            }
        }
        Values::Strings(lens) => {
            for run in NumberRange::from(lens).runs(keys, |len| form(len as u64)) {
                let bytes = Part::spread("bytes", run.numbers.lens());
                match run.form {
                    Form::Embstr => {
                        let embedded = HeaderType::Sds8.header_len() as u64;
                        steps.push(step("embstr", run.keys, string(object(), embedded, bytes)));
                    }
                    Form::Raw { header } => {
                        steps.push(step("object", run.keys, object()));
                        steps.push(step("string", run.keys, string(Vec::new(), header, bytes)));
                    }
                }
            }
        }
    }
    if workload.expires {
        steps.push(entry("entry of the expires", "expiry", workload, quantum));
    }
    steps
}

/// Returns the number of buckets of a table that was filled by inserts, or that was created for `entries`
/// entries.
pub(super) fn buckets(entries: u64) -> u64 {
    entries.checked_next_power_of_two().unwrap_or(u64::MAX).max(BUCKETS_MIN)
}

/// Returns the steps of the arrays of buckets.
pub(super) fn tables(workload: &Workload, quantum: Quantum) -> Vec<Step> {
    let step = |what| {
        let parts = vec![Part::times("buckets", buckets(workload.keys), POINTER)];
        Step::new(what, 1, parts, |size| quantum.class(size))
    };
    let names: &[&'static str] = match (workload.keys, workload.expires) {
        (0, _) => &[],
        (_, false) => &["buckets"],
        (_, true) => &["buckets", "buckets of the expires"],
    };
    names.iter().map(|name| step(*name)).collect()
}

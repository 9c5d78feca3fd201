//! Tests with random changes of files: the sample files of other projects, and files that these tests write.
//!
//! Each changed file is read or refused, without a panic, in bounded memory, and without reading beyond its
//! end. If it is loaded, it can be saved and loaded again, and the copy is equal.

use crate::NOW;
use crate::damage::own_files;
use crate::memory::{bound, failures_within};
use crate::model::{Model, model};
use crate::samples::files;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt, SeedableRng};
use rdb::keyspace::Keyspace;
use rdb::{Error, LoadOptions, Loader, UnsupportedValue, WriteOptions, Writer};
use std::time::Instant;

/// How many changed files a normal run of the tests tries.
const FEW: usize = 25_000;

/// How many changed files `a_hundred_thousand_changed_files_are_read_or_refused` tries.
const MANY: usize = 100_000;

/// The number of databases that the sample files may use.
const DATABASES: usize = 16;

/// A time at which no key has expired.
const START: u64 = 0;

/// Lengths that no string has, lengths that may be correct, and encodings in place of a length.
const LENS: [&[u8]; 10] = [
    b"\0",
    b"\x3F",
    b"\x7F\xFF",
    b"\x80\x00\x00\x00\x00",
    b"\x80\x7F\xFF\xFF\xFF",
    b"\x80\xFF\xFF\xFF\xFF",
    b"\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    b"\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    b"\xC3",
    b"\xC0",
];

/// Makes one to four changes to a file. Some of them insert parts of the file `other`.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut SmallRng) {
    for _ in 0..rng.random_range(1..=4) {
        let len = bytes.len();
        let start = rng.random_range(0..=len);
        let part = start..rng.random_range(start..=len.min(start + 40));
        let to = rng.random_range(0..=len);
        match rng.random_range(0..8) {
            0 if start < len => bytes[start] ^= 1 << rng.random_range(0..8),
            1 => bytes[part].iter_mut().for_each(|byte| *byte = rng.random()),
            2 => {
                let new: Vec<u8> = part.map(|_| rng.random()).collect();
                drop(bytes.splice(start..start, new));
            }
            3 => drop(bytes.drain(part)),
            4 => {
                let copy = bytes[part].to_vec();
                drop(bytes.splice(to..to, copy));
            }
            5 => {
                let len = LENS.choose(rng).expect("lengths");
                drop(bytes.splice(start..(start + len.len()).min(bytes.len()), len.iter().copied()));
            }
            6 => {
                let from = rng.random_range(0..=other.len());
                let end = rng.random_range(from..=other.len().min(from + 400));
                drop(bytes.splice(start..part.end, other[from..end].iter().copied()));
            }
            _ if rng.random_range(0..4) == 0 => {
                // Joins the head of one file to the tail of the other one.
                bytes.truncate(start);
                bytes.extend(&other[rng.random_range(0..=other.len())..]);
            }
            _ => {
                for byte in bytes.iter_mut().skip(start).take(2) {
                    *byte = byte.wrapping_add(1);
                }
            }
        }
    }
}

fn load(bytes: &[u8], keys: usize) -> Result<Vec<Keyspace>, Error> {
    let mut options = LoadOptions::default();
    options.checks_checksum = false;
    options.drops_expired = false;
    options.unsupported = UnsupportedValue::Skip;
    options.input_bytes = Some(bytes.len() as u64);
    let mut databases: Vec<Keyspace> = (0..DATABASES).map(|_| Keyspace::new()).collect();
    let (loaded, failures) = failures_within(bound(bytes.len()), || {
        let mut loader = Loader::new(bytes, options)?;
        loop {
            let stats = loader.load_some(&mut databases, keys, START)?;
            assert!(stats.bytes <= bytes.len() as u64);
            if stats.is_complete {
                return Ok::<_, Error>(());
            }
        }
    });
    databases.iter().for_each(Keyspace::check);
    assert_eq!(failures, 0, "memory for {} bytes", bytes.len());
    loaded.map(|()| databases)
}

fn models(databases: &[Keyspace]) -> Vec<Model> {
    databases.iter().map(model).collect()
}

/// Returns whether the file can be loaded. If it can, checks that its keys are the same after saving and
/// loading them.
fn is_read(bytes: &[u8]) -> bool {
    let databases = match load(bytes, usize::MAX) {
        Ok(databases) => databases,
        Err(error) => {
            assert!(error.offset() <= bytes.len() as u64, "{error}");
            assert!(load(bytes, 1).is_err(), "{error}");
            return false;
        }
    };
    let expected = models(&databases);
    let mut writer = Writer::new(Vec::new(), &WriteOptions::default()).unwrap();
    for (number, keyspace) in databases.iter().enumerate() {
        writer.write_keyspace(number as u64, keyspace, START).unwrap();
    }
    let copy = load(&writer.finish().unwrap(), usize::MAX).expect("a file of our own");
    assert!(models(&copy) == expected, "saved and loaded again");
    let sliced = load(bytes, 1).expect("loaded at once");
    assert!(models(&sliced) == expected, "in slices");
    true
}

/// Tries this many changed files. Shorter files are changed more often.
fn try_changed_files(count: usize, seed: u64) {
    let start = Instant::now();
    let mut all = own_files();
    for project in ["librdb", "hdt3213"] {
        all.extend(files(project).into_iter().map(|path| std::fs::read(path).unwrap()));
    }
    let weight = |file: &Vec<u8>| 1.0 / (file.len() + 1_000) as f64;
    let sum: f64 = all.iter().map(weight).sum();
    let mut rng = SmallRng::seed_from_u64(seed);
    let (mut read, mut refused) = (0_usize, 0);
    for (n, file) in all.iter().enumerate() {
        let share = (count as f64 * weight(file) / sum).ceil() as usize;
        for mutation in 0..share {
            let mut bytes = file.clone();
            let other = all.choose(&mut rng).expect("files");
            mutate(&mut bytes, other, &mut rng);
            // The same seed gives the same changes again.
            let context = Context { file: n, mutation, bytes: &bytes };
            if is_read(&bytes) {
                read += 1
            } else {
                refused += 1
            }
            drop(context);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("{} files, changed: {read} read, {refused} refused, in {seconds:.1} s", all.len());
    assert!(read + refused >= count && read > count / 20 && refused > count / 20, "{read}, {refused}");
}

/// Prints the file if the test panics.
struct Context<'a> {
    file: usize,
    mutation: usize,
    bytes: &'a [u8],
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { file, mutation, bytes } = self;
            eprintln!("file {file}, mutation {mutation}: \"{}\"", bytes.escape_ascii());
        }
    }
}

#[test]
fn changed_files_are_read_or_refused_and_what_is_read_can_be_saved() {
    try_changed_files(FEW, NOW);
}

#[test]
#[ignore = "takes half a minute: `cargo test -p rdb --test suite a_hundred_thousand -- --ignored --nocapture`"]
fn a_hundred_thousand_changed_files_are_read_or_refused() {
    try_changed_files(MANY, 1);
}

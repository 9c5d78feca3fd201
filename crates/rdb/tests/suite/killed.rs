//! Tests that kill a process while it saves. The file at the path must be whole, with either the old state or
//! the new one.
//!
//! ```text
//!  child    begin 7   | write beside | sync | rename | sync folder |   end 7   begin 8   ...
//!  parent                    SIGKILL at a random moment
//! ```
//!
//! The child is this test program. It saves one generation after another to the same path. Before and after
//! each save, it prints the number of the generation. If the last line is `end 7`, the file must have
//! generation 7. If it is `begin 8`, the file must have generation 7 or 8.

use crate::NOW;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rdb::keyspace::{Keyspace, ValueRef};
use rdb::{LoadOptions, Loader, SnapshotFile, WriteOptions, save_to_path};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The number of children that each test kills.
const KILLS: usize = 100;

/// The minimum number of these kills that must leave a temporary file.
const IN_THE_MIDDLE_MIN: usize = KILLS / 4;

/// The numbers of strings, and of fields of a hash. The file is longer than several buffers of the writer.
const KEYS: usize = 2_000;
const FIELDS: usize = 300;

/// The environment variables for the path to which the child saves, and for its first generation.
const PATH: &str = "REDCORE_RDB_KILLED_PATH";
const GENERATION: &str = "REDCORE_RDB_KILLED_GENERATION";

/// The maximum life of a child. It applies if the parent dies without killing the child.
const CHILD_TIME_MAX: Duration = Duration::from_secs(60);

#[test]
fn a_process_that_is_killed_while_it_saves_to_a_path_leaves_a_whole_file() {
    run(
        "killed::a_process_that_is_killed_while_it_saves_to_a_path_leaves_a_whole_file",
        |path, keyspace, _| {
            let options = WriteOptions::default();
            save_to_path(path, &options, |writer| writer.write_keyspace(0, keyspace, NOW)).unwrap();
        },
    );
}

#[test]
fn a_process_that_is_killed_while_a_snapshot_runs_leaves_a_whole_file() {
    run(
        "killed::a_process_that_is_killed_while_a_snapshot_runs_leaves_a_whole_file",
        |path, keyspace, next| {
            let mut file = SnapshotFile::create(path, &WriteOptions::default(), NOW, 0).unwrap();
            file.begin(0, keyspace, NOW).unwrap();
            for n in (0..).step_by(7) {
                if keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO).is_complete {
                    break;
                }
                // The next generation is written while this one is saved.
                keyspace.set(&format!("key:{}", n % KEYS), &value(next), NOW).unwrap();
                keyspace.hset("hash", &format!("field:{}", n % FIELDS), next as i64, NOW).unwrap();
            }
            file.finish().unwrap();
        },
    );
}

/// Returns the text of a generation, which is stored in every string.
fn value(generation: u64) -> String {
    format!("{generation:0100}")
}

/// Writes the generation to all values.
fn fill(keyspace: &mut Keyspace, generation: u64) {
    let value = value(generation);
    (0..KEYS).for_each(|n| keyspace.set(&format!("key:{n}"), &value, NOW).unwrap());
    for n in 0..FIELDS {
        keyspace.hset("hash", &format!("field:{n}"), generation as i64, NOW).unwrap();
    }
}

/// Returns the generation of a file. Returns an error if the file is not whole.
fn generation(path: &Path) -> Result<u64, String> {
    let mut keyspace = Keyspace::new();
    let loaded = Loader::open(path, LoadOptions::default()).and_then(|mut it| it.load(&mut keyspace, NOW));
    loaded.map_err(|error| error.to_string())?;
    let mut generations = Vec::new();
    let mut add = |text: &[u8]| generations.push(std::str::from_utf8(text).unwrap().parse::<u64>().unwrap());
    for (_key, value) in keyspace.iter(NOW) {
        match value {
            ValueRef::String(string) => add(&string.to_bytes()),
            ValueRef::Hash(hash) => hash.iter().for_each(|(_field, value)| add(&value.text())),
            _ => return Err("a value of another type".into()),
        }
    }
    let [first, ..] = generations[..] else { return Err("an empty file".into()) };
    let is_whole = generations.len() == KEYS + FIELDS && generations.iter().all(|other| *other == first);
    if is_whole { Ok(first) } else { Err(format!("{} values of several generations", generations.len())) }
}

/// Runs a test. In the child, saves with `save` until the child is killed. In the parent, starts children and
/// kills them.
fn run(test: &str, save: fn(&Path, &mut Keyspace, u64)) {
    match std::env::var(PATH) {
        Ok(path) => save_repeatedly(Path::new(&path), save),
        Err(_) => kill_children(test),
    }
}

fn save_repeatedly(path: &Path, save: fn(&Path, &mut Keyspace, u64)) {
    let (start, mut keyspace) = (Instant::now(), Keyspace::new());
    let first: u64 = std::env::var(GENERATION).unwrap().parse().unwrap();
    for generation in first.. {
        fill(&mut keyspace, generation);
        // If the parent no longer reads, this fails and ends the process.
        println!("begin {generation}");
        save(path, &mut keyspace, generation + 1);
        println!("end {generation}");
        if start.elapsed() > CHILD_TIME_MAX {
            return;
        }
    }
}

/// A child that saves, and the lines that it prints.
struct Saving {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// The last generation that the child began to save.
    begun: u64,
    /// The last generation that the child has saved.
    ended: u64,
}

impl Saving {
    /// Starts a child whose file has generation `ended`.
    fn start(test: &str, path: &Path, ended: u64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", test, "--nocapture"])
            .env(PATH, path)
            .env(GENERATION, (ended + 1).to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, begun: ended, ended }
    }

    /// Reads a line. Returns `true` if a save begins, and `None` at the end of the output.
    fn begins(&mut self) -> Option<bool> {
        let line = self.lines.next()?.unwrap();
        // The test harness may have printed text in front of the first line.
        if let Some((_, number)) = line.split_once("begin ") {
            self.begun = number.parse().unwrap();
            return Some(true);
        }
        if let Some((_, number)) = line.split_once("end ") {
            self.ended = number.parse().unwrap();
        }
        Some(false)
    }

    fn wait_for_begin(&mut self) {
        while !self.begins().expect("the child saves on and on") {}
    }

    /// Kills the child, and reads the lines that it printed before.
    fn kill(&mut self) {
        self.child.kill().unwrap(); // SIGKILL
        self.child.wait().unwrap();
        while self.begins().is_some() {}
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Removes the temporary files beside the path. Returns whether there were any, and whether one was whole.
fn remove_temporary(path: &Path) -> (bool, bool) {
    let files = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().path());
    let temporary: Vec<PathBuf> = files.filter(|file| file != path).collect();
    let is_whole = temporary.iter().any(|file| generation(file).is_ok());
    temporary.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    (!temporary.is_empty(), is_whole)
}

fn kill_children(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.rdb");
    let mut random = SmallRng::seed_from_u64(1);

    // Measures the time from one save to the next.
    let mut first = Saving::start(test, &path, 0);
    first.wait_for_begin();
    let start = Instant::now();
    (0..3).for_each(|_| first.wait_for_begin());
    let period = start.elapsed() / 3;
    first.kill();
    remove_temporary(&path);

    let mut ended = generation(&path).unwrap();
    let (mut in_the_middle, mut before_rename, mut old, mut new) = (0, 0, 0, 0);
    for kill in 0..KILLS {
        let mut saving = Saving::start(test, &path, ended);
        saving.wait_for_begin();
        std::thread::sleep(random.random_range(Duration::ZERO..period * 5 / 4));
        saving.kill();
        let found = generation(&path).unwrap_or_else(|error| panic!("kill {kill}: {error}"));
        let Saving { begun, ended: said, .. } = saving;
        assert!(found == said || found == begun, "kill {kill}: {found} is neither {said} nor {begun}");
        let (has_temporary, is_whole) = remove_temporary(&path);
        in_the_middle += usize::from(has_temporary);
        before_rename += usize::from(is_whole);
        old += usize::from(found < begun);
        new += usize::from(found == begun);
        ended = found;
    }
    println!(
        "{KILLS} kills, {period:?} a save: {in_the_middle} left a temporary file, {before_rename} of them a whole one; \
         {old} times the old file, {new} times the new one"
    );
    assert!(in_the_middle >= IN_THE_MIDDLE_MIN, "{in_the_middle} of {KILLS} kills in the middle of a save");
    assert!(old > 0 && new > 0, "{old} {new}");
}

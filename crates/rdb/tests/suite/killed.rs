//! A process that is killed while it saves: the file at the path is whole, and has the old state or the new
//! one.
//!
//! ```text
//!  child    begin 7   | write beside | sync | rename | sync folder |   end 7   begin 8   ...
//!  parent                    SIGKILL at a random moment
//! ```
//!
//! The child is this test program. It saves one generation after another over the same path, and says before
//! and after each save which one it is. If it has said `end 7`, the file must have generation 7, or the one
//! that was being saved.

use crate::NOW;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rdb::keyspace::{Keyspace, ValueRef};
use rdb::{LoadOptions, Loader, SnapshotFile, WriteOptions, save_to_path};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a child is killed, in each test.
const KILLS: usize = 100;

/// Of them, so many at least have to leave a temporary file.
const IN_THE_MIDDLE_MIN: usize = KILLS / 4;

/// Strings, and fields of a hash. The file is longer than several buffers of the writer.
const KEYS: usize = 2_000;
const FIELDS: usize = 300;

/// Where the child saves to, and the generation that it begins with.
const PATH: &str = "REDCORE_RDB_KILLED_PATH";
const GENERATION: &str = "REDCORE_RDB_KILLED_GENERATION";

/// A child without a parent ends, at the latest, after this time.
const CHILD_LIFE: Duration = Duration::from_secs(60);

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

fn value(generation: u64) -> String {
    format!("{generation:0100}")
}

/// Gives all values the same generation.
fn fill(keyspace: &mut Keyspace, generation: u64) {
    let value = value(generation);
    (0..KEYS).for_each(|n| keyspace.set(&format!("key:{n}"), &value, NOW).unwrap());
    for n in 0..FIELDS {
        keyspace.hset("hash", &format!("field:{n}"), generation as i64, NOW).unwrap();
    }
}

/// The generation of a file that is whole.
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

/// In the child: saves with `save` until it is killed. In the parent: starts children and kills them.
fn run(test: &str, save: fn(&Path, &mut Keyspace, u64)) {
    match std::env::var(PATH) {
        Ok(path) => save_on_and_on(Path::new(&path), save),
        Err(_) => kill_children(test),
    }
}

fn save_on_and_on(path: &Path, save: fn(&Path, &mut Keyspace, u64)) {
    let (start, mut keyspace) = (Instant::now(), Keyspace::new());
    let first: u64 = std::env::var(GENERATION).unwrap().parse().unwrap();
    for generation in first.. {
        fill(&mut keyspace, generation);
        // Without a parent that reads, this fails and ends the process.
        println!("begin {generation}");
        save(path, &mut keyspace, generation + 1);
        println!("end {generation}");
        if start.elapsed() > CHILD_LIFE {
            return;
        }
    }
}

/// A child that saves, and what it says.
struct Saving {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// The last generation whose saving has begun, and the last one that was saved.
    begun: u64,
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

    /// Reads a line. Returns whether it says that a save begins; `None` at the end.
    fn begins(&mut self) -> Option<bool> {
        let line = self.lines.next()?.unwrap();
        // The first line may stand behind what the test program says.
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

    /// Kills the child, and reads what it had said.
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

/// Removes the temporary files beside the path. Returns whether there was one, and whether one was whole.
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

    // How long it takes from one save to the next.
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

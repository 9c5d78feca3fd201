//! Tests of the command line of `estimate FILE`: exit codes, JSON and pipes.

use super::{file_of, program, temp_file};
use keyspace::Keyspace;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

/// Runs the program. Returns its exit code, stdout and stderr.
fn run(file: &Path, rest: &str) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = program::run(arguments(file, rest), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn arguments(file: &Path, rest: &str) -> Vec<OsString> {
    let rest = rest.split_whitespace().map(OsString::from);
    ["estimate".into(), file.into()].into_iter().chain(rest).collect()
}

fn small() -> Vec<u8> {
    let mut keyspace = Keyspace::new();
    for n in 0..100_i64 {
        keyspace.set(&format!("user:{n}"), &format!("{:0100}", 7), 0).unwrap();
    }
    keyspace.hset("one", "field", "value", 0).unwrap();
    file_of(&keyspace)
}

#[test]
fn a_whole_file_gives_exit_code_0_and_a_damaged_one_1_with_a_partial_report() {
    let bytes = small();
    let file = temp_file(&bytes);
    let (code, out, err) = run(&file.path, "");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("RDB version 11") && !out.contains("PARTIAL"), "{out}");
    assert!(out.contains("101 keys") && out.contains("user:"), "{out}");

    let cut = temp_file(&bytes[..bytes.len() / 2]);
    let (code, out, err) = run(&cut.path, "");
    assert_eq!(code, 1);
    assert!(out.contains("PARTIAL") && out.contains("user:"), "{out}");
    assert!(err.contains("malformed at offset") && err.contains("the input ends too early"), "{err}");

    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let (code, out, err) = run(&temp_file(&flipped).path, "--json");
    assert_eq!(code, 1);
    assert!(err.contains("the checksum at offset"), "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["is_complete"], false);
    assert_eq!(json["error"]["offset"], bytes.len() as u64 - 8);
    assert_eq!(json["keys"], 101);
}

#[test]
fn what_is_not_a_file_of_this_kind_gives_exit_code_1_and_no_report() {
    let text = temp_file(b"# not a dump");
    let (code, out, err) = run(&text.path, "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("not an RDB file"), "{err}");
    let (code, out, err) = run(&text.path.with_extension("absent"), "");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("dump.absent: reading failed at offset 0"), "{err}");
}

#[test]
fn wrong_arguments_give_exit_code_2_and_help_0() {
    let file = temp_file(&small());
    for rest in ["--sample 10", "--sample 1/0", "--separator ab", "--quantum 4", "--keys 3", "--no-such"] {
        let (code, out, err) = run(&file.path, rest);
        assert_eq!((code, out.as_str()), (2, ""), "{rest}");
        assert!(err.starts_with("error: "), "{rest}: {err}");
    }
    let nothing = program::run(["estimate".into()], &mut Vec::new(), &mut Vec::new());
    assert_eq!(nothing, 2);
    let (code, out, _) = run(&file.path, "--help");
    assert!(code == 0 && out.contains("--sample <1/N>"), "{out}");
}

#[test]
fn json_has_the_figures_of_the_text() {
    let file = temp_file(&small());
    let (code, out, _) = run(&file.path, "--json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["keys"].as_u64(), out.lines().count()), (0, Some(101), 1));
    let sum = |place: &str| {
        let rows = json["types"].as_array().unwrap();
        let keys: u64 = rows.iter().map(|row| row[place].as_u64().unwrap()).sum();
        keys + json["tables"][place].as_u64().unwrap()
    };
    assert_eq!(json["total"]["here"], sum("here"));
    assert_eq!(json["total"]["redis"], sum("redis"));
    let (_, text, _) = run(&file.path, "");
    for place in ["file", "redis", "here"] {
        let strings = common::Thousands(json["types"][0][place].as_u64().unwrap()).to_string();
        assert!(text.contains(&strings), "{strings}\n{text}");
    }
}

/// A pipe that its reader closes after this many bytes.
struct Closed(usize);

impl Write for Closed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let len = bytes.len().min(self.0);
        self.0 -= len;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let file = temp_file(&small());
    for room in [0, 10] {
        let mut err = Vec::new();
        assert_eq!(program::run(arguments(&file.path, ""), &mut Closed(room), &mut err), 0);
        assert!(err.is_empty());
    }
}

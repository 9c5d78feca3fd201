//! Tests of `--trace` from outside: the output for a good file, and the messages for bad ones.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder for the files of one test. It is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("redcore-trace-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Runs the suite on a trace of this name and content.
    fn replay(&self, name: &str, content: &[u8]) -> Output {
        fs::write(self.0.join(name), content).unwrap();
        self.run(name)
    }

    fn run(&self, name: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redcore-bench"));
        command.args(["--smoke", "--full", "--suite", "trace", "--value-cap", "64"]);
        command.arg("--trace").arg(self.0.join(name)).arg("--out").arg(&self.0).output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns a record of the oracleGeneral format.
fn record(id: u64, size: u32) -> Vec<u8> {
    let mut record = 7_u32.to_le_bytes().to_vec();
    record.extend(id.to_le_bytes());
    record.extend(size.to_le_bytes());
    record.extend((-1_i64).to_le_bytes());
    record
}

#[test]
fn a_good_trace_is_replayed_and_described() {
    let folder = Folder::new("good");
    let trace: Vec<u8> = (0..400).flat_map(|i| record(i % 100, 512)).collect();
    let output = folder.replay("t.oracleGeneral.bin", &trace);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for part in ["400 requests", "100 distinct keys", "hit ratio 75.00 %", "Requests a second", "hashbrown"] {
        assert!(stdout.contains(part), "'{part}' is not in: {stdout}");
    }
    let json = fs::read_to_string(folder.0.join("report.json")).unwrap();
    assert!(json.contains("replay of t.oracleGeneral.bin") && json.contains("used_memory a key"), "{json}");
}

#[test]
fn a_bad_trace_is_one_line_with_its_place_and_exit_code_2() {
    let folder = Folder::new("bad");
    let cut = [record(1, 10), record(2, 10)].concat();
    let cases: [(&str, &[u8], &[&str]); 6] = [
        ("cut.bin", &cut[..40], &["cut.bin", "truncated", "byte offset 24", "16 of 24"]),
        ("text.bin", b"one key a line, but called .bin\n", &["not an oracleGeneral trace", "byte offset 0"]),
        ("t.csv", b"time,key,size\n1,a,10\n2,b,ten\n", &["line 3", "byte offset 21", "'ten'"]),
        ("t.txt", b"a\n\0\n", &["line 2", "byte offset 2"]),
        ("t.txt.zst", b"\x28\xB5\x2F\xFD\x04", &["zstd"]),
        ("empty.csv", b"", &["holds no request"]),
    ];
    for (name, content, parts) in cases {
        refused(&folder.replay(name, content), parts);
    }
    refused(&folder.run("missing.bin"), &["missing.bin", "No such file"]);
}

fn refused(output: &Output, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    for part in parts {
        assert!(stderr.contains(part), "'{part}' is not in: {stderr}");
    }
}

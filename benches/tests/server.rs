//! Tests of `--server` and `--import` from outside. If there is no server on the path, tests that need one
//! print a message and pass.

use benches::document::Document;
use benches::report::Row;
use conformance::process::server_on_path;
use std::fs;
use std::io::{ErrorKind, Read, Write};
#[cfg(unix)]
use std::os::unix::{net::UnixStream, process::ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Returns a command that runs the suite `memory` at its smallest. All temporary files are in the folder
/// `tmp` of `folder`.
fn command(folder: &Path, args: &[&str]) -> Command {
    let tmp = folder.join("tmp");
    fs::create_dir_all(&tmp).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_redcore-bench"));
    command.args(["--smoke", "--full", "--suite", "memory"]).args(args);
    command.arg("--out").arg(folder).env("TMPDIR", tmp);
    command
}

fn bench(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

/// Runs the command, and returns its rows and what it prints. Checks that it succeeds and leaves no temporary
/// file.
fn rows(folder: &TempDir, args: &[&str]) -> (Vec<Row>, String) {
    let output = bench(folder.path(), args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0, "a folder is left");
    let document = Document::load(&folder.path().join("report.json")).unwrap();
    (document.rows, String::from_utf8(output.stdout).unwrap())
}

fn import(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn own_keys(folder: &TempDir) -> String {
    let lines = (0..1_000).map(|i| format!("session:{i}\ttoken-{}\n", i * 7_919));
    import(folder, "own.txt", &lines.collect::<String>())
}

/// Writes a dump of strings and hashes, and returns its path. One hash has an expiry.
fn own_dump(folder: &TempDir) -> String {
    let mut keyspace = rdb::keyspace::Keyspace::new();
    for i in 0..1_000_i64 {
        keyspace.set(&format!("session:{i}"), i * 7_919, 0).unwrap();
        keyspace.hset(&format!("user:{}", i % 100), &format!("field:{i}"), i, 0).unwrap();
    }
    let (expiry, options) = (rdb::keyspace::Expiry::InSeconds(60), rdb::keyspace::ExpireOptions::default());
    keyspace.expire("user:7", expiry, options, 0).unwrap();
    let file = rdb::save(&keyspace, Vec::new(), &rdb::WriteOptions::default(), 0).unwrap();
    let path = folder.path().join("own.rdb");
    fs::write(&path, file).unwrap();
    path.display().to_string()
}

#[test]
fn a_dump_is_imported_by_the_suites_memory_and_keyspace() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, printed) = rows(&folder, &["--suite", "keyspace", "--import", &own_dump(&folder)]);
    let of = |suite: &str| -> Vec<&Row> {
        rows.iter().filter(|row| row.suite == suite && row.case.starts_with("import of own.rdb")).collect()
    };
    let (memory, keyspace) = (of("memory"), of("keyspace"));
    assert!(
        memory.len() == 2 && memory.iter().all(|row| row.n == 1_100 && row.peer.is_empty()),
        "{memory:?}"
    );
    assert!(keyspace.len() == 10 && keyspace.iter().all(|row| row.n == 1_000), "{keyspace:?}");
    let found = "own.rdb: 1,000 strings, 100 hashes, 1 keys with an expiry";
    assert!(printed.contains(found), "{printed}");
    assert!(printed.contains("The rows use the 1,000 strings"), "{printed}");
}

#[test]
fn a_damaged_dump_is_refused_with_the_offset() {
    let folder = tempfile::tempdir().unwrap();
    let path = own_dump(&folder);
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&path, &bytes).unwrap();
    let output = bench(folder.path(), &["--import", &path]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.trim_end().lines().count()), (Some(2), 1), "{stderr}");
    let expected = format!("own.rdb: is a dump that cannot be loaded: malformed at offset {}", bytes.len());
    assert!(stderr.contains(&expected), "{stderr}");
}

#[test]
fn without_a_server_an_import_stands_beside_a_map_of_boxes() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, printed) = rows(&folder, &["--import", &own_keys(&folder)]);
    let imported: Vec<_> = rows.iter().filter(|row| row.case == "import of own.txt").collect();
    assert_eq!(imported.len(), 2, "{imported:?}");
    assert!(
        imported.iter().all(|row| row.n == 1_000 && row.peer == "hashbrown of Box<[u8]>"),
        "{imported:?}"
    );
    assert!(printed.contains("own.txt: 1,000 distinct keys in 1,000 records"), "{printed}");
    assert!(!printed.contains("Commands a CPU second"), "{printed}");
}

#[test]
fn a_list_of_keys_is_imported_when_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let keys = import(&folder, "keys.txt", "a\nb\nc\n");
    let (_, printed) = rows(&folder, &["--import", &keys, "--keys-only"]);
    assert!(printed.contains("keys.txt: 3 distinct keys in 3 records"), "{printed}");
    assert!(printed.contains("the mean value 0 B"), "{printed}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &["--import", "/dev/stdin"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\t1\nb\t2\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("stdin: 2 distinct keys in 2 records"), "{printed}");
}

#[test]
fn bad_servers_and_bad_files_are_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let bad = import(&folder, "bad.csv", "a,1\n,2\n");
    let json = import(&folder, "own.json", "{\n  \"key\": \"value\"\n}\n");
    let cases: [(&[&str], &str); 6] = [
        (&["--server", "no/such/server"], "error: no/such/server: cannot be started: "),
        (&["--server", "rustc"], "error: rustc: ended before it answered, exit status: "),
        (&["--import", "no/such/file"], "error: no/such/file: cannot be read: "),
        (&["--import", &bad], "bad.csv: line 2: no key before the value '2'"),
        (
            &["--import", &json],
            "own.json: line 1: no tab between a key and a value: '{' (CSV has to be named .csv;",
        ),
        (&["--keys-only"], "--import"),
    ];
    for (args, part) in cases {
        let output = bench(folder.path(), args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(part) && stderr.trim_end().lines().count() == 1, "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_real_server_is_a_peer_in_every_workload_and_in_the_import() {
    let Some(server) = server_on_path() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (rows, printed) = rows(&folder, &["--server", server, "--import", &own_keys(&folder)]);
    let is_server = |row: &&Row| row.peer.starts_with("redis ") || row.peer.starts_with("valkey ");
    let beside: Vec<_> = rows.iter().filter(is_server).collect();
    let ours = zmalloc::quantum().expect("the benchmarks have jemalloc");
    let is_like_ours = |peer: &str| peer.contains(", jemalloc-") && peer.ends_with(&format!(" q{ours}"));
    let workloads = (1..=15).map(|i| format!("W{i}, ")).chain(["import of own.txt".into()]);
    for name in workloads {
        let of = |metric: &str| {
            let mut found =
                beside.iter().filter(|row| row.case.starts_with(&name) && row.metric.starts_with(metric));
            found.next().unwrap_or_else(|| panic!("{name}: no row of {metric}"))
        };
        let bytes = of("used_memory a");
        // At least the bytes of the data. At most what a thousand keys can take, together with all that a
        // server allocates once.
        assert_eq!(bytes.subject, "Keyspace");
        assert_eq!(bytes.counts(), is_like_ours(&bytes.peer), "{bytes:?}");
        assert_eq!(bytes.counts(), !bytes.peer.ends_with(", unlike ours"), "{bytes:?}");
        assert!(bytes.peer_value > 5.0 && bytes.peer_value < 2_000.0, "{bytes:?}");
        let cpu = of("CPU time a command");
        assert!(!cpu.counts() && cpu.value > 0.0 && cpu.peer_value > 0.0 && cpu.unit == "ns", "{cpu:?}");
    }
    assert!(printed.contains("Commands a CPU second"), "{printed}");
    let stats = printed.lines().find(|line| line.trim_start().starts_with("keys.count")).unwrap();
    assert_eq!(stats.split_whitespace().collect::<Vec<_>>(), ["keys.count", "1,000", "1,000"]);
}

#[test]
fn a_server_named_twice_is_refused() {
    let Some(server) = server_on_path() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = bench(folder.path(), &["--server", server, "--server", server]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), stderr.trim_end()),
        (Some(2), &*format!("error: {server}: is given twice"))
    );
}

/// A run that is killed if its test fails.
#[cfg(unix)]
struct Run(Child);

#[cfg(unix)]
impl Run {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }

    /// Sends a signal, such as `-TERM`, `times` times.
    fn signal(&self, name: &str, times: usize) {
        let ids = vec![self.0.id().to_string(); times];
        assert!(Command::new("kill").arg(name).args(ids).status().unwrap().success());
    }
}

#[cfg(unix)]
impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns a connection to the server of a run. It is open until the server ends. A run reads the bytes of
/// its server only when it is the only client. So the run waits as long as this connection is open.
#[cfg(unix)]
fn connection_to_server(tmp: &Path) -> UnixStream {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        let folders = fs::read_dir(tmp).into_iter().flatten().flatten();
        let sockets = folders.map(|folder| folder.path().join("socket"));
        for stream in sockets.filter_map(|socket| UnixStream::connect(socket).ok()) {
            stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            // A server that runs waits for a command. A server that is about to end closes the connection.
            if is_open(&stream) {
                return stream;
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no server was started")
}

#[cfg(unix)]
fn is_open(mut stream: &UnixStream) -> bool {
    stream.read(&mut [0]).is_err_and(|err| err.kind() == ErrorKind::WouldBlock)
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_server_and_removes_its_folder() {
    let Some(server) = server_on_path() else { return };
    // The last case is that of `timeout`. It sends a signal to its child, and at once another to the whole
    // group.
    for (name, times, number) in [("-TERM", 1, 15), ("-INT", 1, 2), ("-TERM", 2, 15)] {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::start(&mut command(folder.path(), &["--server", server]));
        let tmp = folder.path().join("tmp");
        let stream = connection_to_server(&tmp);
        run.signal(name, times);
        assert_eq!(run.0.wait().unwrap().signal(), Some(number));
        assert_eq!(fs::read_dir(tmp).unwrap().count(), 0, "{name}: a folder is left");
        assert!(!is_open(&stream), "{name}: the server runs");
    }
}

/// A shell starts the background programs of a script with SIGINT ignored.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_is_ignored_does_not_end_the_run() {
    let Some(server) = server_on_path() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bench = command(folder.path(), &["--server", server]);
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"trap "" INT; exec "$0" "$@""#]).arg(bench.get_program()).args(bench.get_args());
    shell.envs(bench.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut run = Run::start(&mut shell);
    let stream = connection_to_server(&folder.path().join("tmp"));
    run.signal("-INT", 1);
    assert!(is_open(&stream) && is_open(&stream), "the server has ended");
    run.signal("-TERM", 1);
    assert_eq!(run.0.wait().unwrap().signal(), Some(15));
}

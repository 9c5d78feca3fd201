//! Append-only files of real servers are loaded here, and ours are loaded there.
//!
//! The tests do not run without a `redis-server` or a `valkey-server` of version 7.2 or newer on `PATH`.

use crate::harness::{TestClient, TestServer};
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A real server that ends with the test.
struct Real {
    client: TestClient,
    /// Ends the server when the tests are done with it.
    _process: Process,
}

/// A process that ends when this is dropped.
struct Process(Child);

impl Real {
    fn start(program: &str, folder: &Path) -> Self {
        let child = Command::new(program)
            .current_dir(folder)
            .args(["--port", "0", "--unixsocket", "real.sock", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "no", "--enable-debug-command", "yes"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let process = Process(child);
        let start = Instant::now();
        loop {
            if let Ok(socket) = UnixStream::connect(folder.join("real.sock")) {
                let mut client = TestClient::over(socket);
                if client.run("PING") == "PONG" {
                    return Self { client, _process: process };
                }
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{program} does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Returns the servers on the path that read files of our version.
fn programs() -> Vec<&'static str> {
    let is_new = |program: &&str| {
        let output = Command::new(program).arg("--version").output().ok();
        let text =
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let version = text.split("v=").nth(1).unwrap_or_default();
        let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (7, 2)
    };
    let found: Vec<_> = ["redis-server", "valkey-server"].into_iter().filter(is_new).collect();
    if found.is_empty() {
        eprintln!(
            "!! NOT RUN: append-only files of a real server. To have it, put a redis-server or valkey-server of 7.2 \
             or newer on the path"
        );
    }
    found
}

/// Returns all keys of two databases, with their values and expiries.
fn contents(client: &mut TestClient) -> BTreeMap<String, String> {
    let items = |reply: &str| -> Vec<String> {
        let list = reply.trim_start_matches('[').trim_end_matches(']').replace('"', "");
        list.split(", ").filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    let mut all = BTreeMap::new();
    for db in [0, 3] {
        client.run(&format!("SELECT {db}"));
        for key in items(&client.run("KEYS *")) {
            let kind = client.run(&format!("TYPE {key}"));
            let value = match &*kind {
                "string" => client.run(&format!("GET {key}")),
                "list" => client.run(&format!("LRANGE {key} 0 -1")),
                "zset" => client.run(&format!("ZRANGE {key} 0 -1 WITHSCORES")),
                "set" => sorted(items(&client.run(&format!("SMEMBERS {key}")))),
                "hash" => {
                    let fields = items(&client.run(&format!("HGETALL {key}")));
                    sorted(fields.chunks(2).map(|pair| pair.join("=")).collect())
                }
                _ => panic!("{key} is a {kind}"),
            };
            let expiry = client.run(&format!("PEXPIRETIME {key}"));
            all.insert(format!("{db} {key}"), format!("{kind} {value} {expiry}"));
        }
    }
    all
}

fn sorted(mut items: Vec<String>) -> String {
    items.sort();
    items.join(" ")
}

fn rewrite(client: &mut TestClient) {
    client.run("BGREWRITEAOF");
    while !client.run("INFO persistence").contains("aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0") {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends writes of all types, with a rewrite in the middle.
fn fill(client: &mut TestClient) {
    for round in 0..2 {
        client.run("SELECT 0");
        for n in 0..300 {
            for command in [
                format!("SET string:{n} value{n}"),
                format!("RPUSH list:{} {n} x{n} y", n % 7),
                format!("LMPOP 1 list:{} RIGHT", n % 5),
                format!("SADD set:{} {n} {round}", n % 3),
                format!("SPOP set:{} 2", n % 2),
                format!("HSET hash:{} field{n} {n}", n % 9),
                format!("HINCRBYFLOAT hash:{} sum 0.1", n % 4),
                format!("ZADD zset:{} 1.{n} member{n} 0 low{n}", n % 6),
                format!("BZPOPMIN none zset:{} 0", n % 6),
                format!("EXPIRE string:{} 1000{n}", n % 50),
                format!("INCRBYFLOAT number:{} 1.{n}", n % 4),
                format!("SETEX short:{n} 1000 {n}"),
            ] {
                client.run(&command);
            }
        }
        client.run("PEXPIRE string:9 1");
        client.run("GETEX short:5 PERSIST");
        client.run("MULTI");
        client.run("SELECT 3");
        client.run("SET other 1");
        client.run("COPY other copy DB 0 REPLACE");
        client.run("EXEC");
        if round == 0 {
            rewrite(client);
        }
    }
    std::thread::sleep(Duration::from_millis(20));
}

#[test]
fn the_files_of_a_real_server_are_loaded() {
    for program in programs() {
        for preamble in ["yes", "no"] {
            let folder = tempfile::tempdir().unwrap();
            let mut real = Real::start(program, folder.path());
            real.client.run(&format!("CONFIG SET aof-use-rdb-preamble {preamble}"));
            fill(&mut real.client);
            let expected = contents(&mut real.client);
            assert!(expected.len() > 600, "{}", expected.len());
            drop(real);
            let server = TestServer::with(&format!("dir {}\nappendonly yes", folder.path().display()));
            assert_eq!(contents(&mut server.client()), expected, "{program}");
        }
    }
}

#[test]
fn a_real_server_loads_our_files() {
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        let server = TestServer::with(&format!("dir {}\nappendonly yes", folder.path().display()));
        let mut client = server.client();
        fill(&mut client);
        let expected = contents(&mut client);
        assert!(expected.len() > 600, "{}", expected.len());
        drop(server);
        let mut real = Real::start(program, folder.path());
        assert_eq!(contents(&mut real.client), expected, "{program}");
        real.client.run("SELECT 0");
        real.client.run("SET back 1");
        drop(real);
        let server = TestServer::with(&format!("dir {}\nappendonly yes", folder.path().display()));
        assert_eq!(server.client().run("GET back"), "\"1\"");
    }
}

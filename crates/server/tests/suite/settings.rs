//! Settings from redis.conf and `CONFIG SET`, and errors at the start.

use crate::harness::{TestClient, TestServer, start_program, start_with_open_files};
use server::{Config, Server};
use std::net::TcpListener;

#[test]
fn settings_are_read_and_changed() {
    let server = TestServer::with("maxmemory 100mb\nhash-max-ziplist-entries 5");
    let mut client = server.client();
    assert_eq!(client.run("CONFIG GET maxmemory"), "[\"maxmemory\", \"104857600\"]");
    assert_eq!(client.run("CONFIG GET hash-max-listpack-entries"), "[\"hash-max-listpack-entries\", \"5\"]");
    assert_eq!(client.run("CONFIG SET maxmemory 1gb timeout 7"), "OK");
    assert_eq!(client.run("CONFIG GET timeout"), "[\"timeout\", \"7\"]");
    let error = client.run("CONFIG SET timeout 9 maxmemory x");
    assert!(
        error.starts_with("!ERR CONFIG SET failed (possibly related to argument 'maxmemory')"),
        "{error}"
    );
    assert_eq!(client.run("CONFIG GET timeout"), "[\"timeout\", \"7\"]", "all or nothing");
    assert!(client.run("CONFIG SET port 1").contains("can't set immutable config"));
    assert!(client.run("CONFIG SET nothing 1").starts_with("!ERR Unknown option"));
}

#[test]
fn rewrite_keeps_comments_and_unknown_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redis.conf");
    let text = "# a comment\nport 0\nbind 127.0.0.1\nreplicaof no one\ntimeout 3\nsave \"\"\n";
    std::fs::write(&path, text).unwrap();
    let mut config = Config::default();
    let unknown = config.read_file(&path).unwrap();
    assert_eq!(unknown[0].to_string(), "line 4: the directive 'replicaof' has no effect here");
    let server = Server::new(config).unwrap();
    let (port, stop) = (server.port().unwrap(), server.stop_handle());
    let thread = std::thread::spawn(|| server.run());
    let mut client = TestClient::new(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
    assert_eq!(client.run("CONFIG SET timeout 5 maxmemory-policy allkeys-lru requirepass a#b"), "OK");
    assert_eq!(client.run("CONFIG REWRITE"), "OK");
    stop.stop();
    thread.join().unwrap().unwrap();
    let rewritten = std::fs::read_to_string(&path).unwrap();
    assert!(
        rewritten.starts_with("# a comment\n") && rewritten.contains("\nreplicaof no one\n"),
        "{rewritten}"
    );
    let mut config = Config::default();
    config.read_file(&path).unwrap();
    assert!(rewritten.contains("timeout \"5\"") && rewritten.contains("allkeys-lru"), "{rewritten}");
    assert!(rewritten.contains("requirepass \"a#b\""), "{rewritten}");
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let mut config = Config::default();
    config.read(format!("port {port}\nbind 127.0.0.1").as_bytes()).unwrap();
    let error = format!("{:#}", Server::new(config).err().unwrap());
    assert!(
        error.contains(&format!("cannot listen on 127.0.0.1, port {port}: another program uses it")),
        "{error}"
    );
}

#[test]
fn a_damaged_snapshot_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dump.rdb"), b"REDIS0011 this is no snapshot").unwrap();
    let mut config = Config::default();
    config.read(format!("port 0\ndir {}", folder.path().display()).as_bytes()).unwrap();
    let error = format!("{:#}", Server::new(config).err().unwrap());
    assert!(error.contains("dump.rdb cannot be loaded"), "{error}");
}

#[test]
#[cfg(unix)]
fn maxclients_is_fitted_to_the_limit_of_open_files() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut client, lines) = start_with_open_files(folder.path(), 100);
    assert_eq!(client.run("CONFIG GET maxclients"), "[\"maxclients\", \"68\"]");
    assert!(lines.iter().any(|line| line.contains(" # maxclients is 68 instead of 10000")), "{lines:?}");
    assert!(client.run("CONFIG SET maxclients 1000").contains("try with 68"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn connections_that_the_system_refused_are_accepted_later() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut client, _) = start_program(folder.path());
    assert_eq!(client.run("PING"), "PONG");
    let pid = Pid::from_child(&child);
    let limit = |current| Rlimit { current: Some(current), maximum: Some(4_096) };
    // Files that are open stay so.
    prlimit(Some(pid), Resource::Nofile, limit(3)).unwrap();
    let socket = std::os::unix::net::UnixStream::connect(folder.path().join("server.sock")).unwrap();
    let mut refused = TestClient::over(socket);
    refused.send(b"PING\r\n");
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(client.run("INFO clients").contains("connected_clients:1\r"));
    prlimit(Some(pid), Resource::Nofile, limit(1_000)).unwrap();
    assert_eq!(refused.reply(), "PONG");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
#[cfg(unix)]
fn lines_about_the_server_go_to_the_logfile() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_redcore-server"));
    command.current_dir(folder.path()).args(["--port", "0", "--set", "logfile server.log"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let path = folder.path().join("server.log");
    while !std::fs::read_to_string(&path).is_ok_and(|text| text.contains(" * Ready to accept connections\n"))
    {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"");
}

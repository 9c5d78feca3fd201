//! Settings from redis.conf and `CONFIG SET`, and errors at the start.

use crate::harness::TestServer;
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
    let mut client =
        crate::harness::TestClient::new(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
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

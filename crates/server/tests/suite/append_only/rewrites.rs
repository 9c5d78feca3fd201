//! Rewrites: their files, when they begin, and what a crash leaves of them.

use super::{file, serve, wait_for, wait_for_rewrite};
use crate::harness::TestServer;
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn a_rewrite_leaves_one_base_and_one_incremental_file() {
    let server = TestServer::with("appendonly yes");
    let mut client = server.client();
    for n in 0..100 {
        client.run(&format!("SET key {n}"));
    }
    for _ in 0..3 {
        assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
        wait_for_rewrite(&mut client);
    }
    let info = client.run("INFO");
    assert!(info.contains("aof_rewrites:3\r") && info.contains("total_forks:3\r"), "{info}");
    let manifest = fs::read_to_string(file(server.folder.path(), "manifest")).unwrap();
    let files = "file appendonly.aof.4.base.rdb seq 4 type b\n\
                 file appendonly.aof.3.base.rdb seq 3 type h\n\
                 file appendonly.aof.3.incr.aof seq 3 type h\n\
                 file appendonly.aof.4.incr.aof seq 4 type i\n";
    assert_eq!(manifest, files);
    wait_for_files(&server, 3);
    client.run("DEBUG LOADAOF");
    assert_eq!(client.run("GET key"), "\"99\"");
}

fn wait_for_files(server: &TestServer, files: usize) {
    let folder = server.folder.path().join("appendonlydir");
    let start = Instant::now();
    while fs::read_dir(&folder).unwrap().count() != files {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn files_that_a_crash_has_left_after_a_rewrite_are_removed_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), "");
    let mut client = server.client();
    client.run("SET key 1");
    client.run("BGREWRITEAOF");
    wait_for_rewrite(&mut client);
    drop(server);
    let names = ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"];
    for name in names {
        fs::write(folder.path().join("appendonlydir").join(name), "left").unwrap();
    }
    let server = serve(folder.path(), "");
    assert_eq!(server.client().run("GET key"), "\"1\"");
    drop(server);
    let manifest = fs::read_to_string(file(folder.path(), "manifest")).unwrap();
    assert!(!manifest.contains("type h"), "{manifest}");
    for name in names {
        assert!(!folder.path().join("appendonlydir").join(name).exists());
    }
}

#[test]
fn the_files_of_a_rewrite_are_loaded_even_if_nothing_is_appended() {
    let server = TestServer::with("");
    let mut client = server.client();
    client.run("SET key 1");
    assert!(client.run("DEBUG LOADAOF").contains("no complete append-only file"));
    assert_eq!(client.run("GET key"), "\"1\"");
    client.run("BGREWRITEAOF");
    wait_for_rewrite(&mut client);
    client.run("SET key 2");
    assert_eq!((client.run("DEBUG LOADAOF").as_str(), client.run("GET key").as_str()), ("OK", "\"1\""));
}

#[test]
fn a_file_that_has_grown_is_rewritten_by_itself() {
    let server = TestServer::with("appendonly yes\nauto-aof-rewrite-min-size 1kb\nhz 100");
    let mut client = server.client();
    for n in 0..200 {
        client.run(&format!("SET key {n}"));
    }
    wait_for(&mut client, "persistence", "aof_last_rewrite_time_sec:0");
    wait_for_rewrite(&mut client);
    let manifest = fs::read_to_string(file(server.folder.path(), "manifest")).unwrap();
    assert!(!manifest.starts_with("file appendonly.aof.1.base"), "{manifest}");
    client.run("DEBUG LOADAOF");
    assert_eq!(client.run("GET key"), "\"199\"");
}

#[test]
fn appending_begins_and_ends_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!("dir {}", folder.path().display());
    let server = TestServer::with(&lines);
    let mut client = server.client();
    client.run("SET before 1");
    assert!(client.run("INFO persistence").contains("aof_enabled:0"));
    assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
    client.run("SET during 1");
    wait_for_rewrite(&mut client);
    client.run("SET after 1");
    let digest = client.run("DEBUG DIGEST");
    assert!(client.run("INFO persistence").contains("aof_enabled:1"));
    drop(server);
    {
        let server = serve(folder.path(), "");
        let mut client = server.client();
        assert_eq!(client.run("DEBUG DIGEST"), digest);
        assert_eq!(client.run("CONFIG SET appendonly no"), "OK");
        client.run("SET lost 1");
        // A rewrite without appending makes a base of the present keys.
        assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
        wait_for_rewrite(&mut client);
        client.run("SET lost 2");
        assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
        wait_for_rewrite(&mut client);
        client.run("SET found 1");
        client.run("MULTI");
        client.run("CONFIG SET appendonly no");
        client.run("CONFIG SET appendonly yes");
        assert_eq!(client.run("EXEC"), "[OK, OK]");
        wait_for_rewrite(&mut client);
    }
    let server = serve(folder.path(), "");
    let mut client = server.client();
    assert_eq!((client.run("DBSIZE"), client.run("GET lost")), ("5".into(), "\"2\"".into()));
}

#[test]
fn a_snapshot_and_a_rewrite_wait_for_each_other() {
    let server = TestServer::with("appendonly yes\nhz 100");
    let mut client = server.client();
    client.run("DEBUG POPULATE 50000");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    assert!(client.run("BGREWRITEAOF").starts_with("!ERR Background append only file rewriting already"));
    assert!(client.run("BGSAVE").starts_with("!ERR Another child process is active"));
    assert_eq!(client.run("BGSAVE SCHEDULE"), "Background saving scheduled");
    wait_for(&mut client, "persistence", "rdb_saves:1");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting scheduled");
    wait_for(&mut client, "persistence", "rdb_saves:2");
    wait_for_rewrite(&mut client);
    assert!(client.run("INFO persistence").contains("aof_rewrites:2\r"));
}

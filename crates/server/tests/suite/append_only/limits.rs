//! The append-only file when something is in its way: leftovers, limits, half transactions and damage.

use super::{file, wait_for_rewrite};
use crate::harness::{TestServer, encode, start_program_with};
use std::fs;
use std::time::{Duration, Instant};

/// Writes a file of the append-only file.
fn write(server_folder: &std::path::Path, name: &str, bytes: &[u8]) {
    let folder = server_folder.join("appendonlydir");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("appendonly.aof.{name}")), bytes).unwrap();
}

#[test]
fn a_file_that_no_manifest_lists_is_emptied_when_its_name_is_used() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1.incr.aof", &[encode(&[b"SET", b"dead", b"1"]), b"*3\r\n$3".to_vec()].concat());
    let server = TestServer::with(&format!("dir {}\nappendonly yes", folder.path().display()));
    let mut client = server.client();
    assert_eq!((client.run("DBSIZE"), client.run("SET new 1")), ("0".into(), "OK".into()));
    assert_eq!((client.run("DEBUG LOADAOF"), client.run("DBSIZE")), ("OK".into(), "1".into()));
}

#[test]
fn the_first_files_are_complete_before_the_server_ends_or_loads_them() {
    let server = TestServer::new();
    let mut client = server.client();
    client.run("DEBUG POPULATE 200000");
    assert!(client.run("DEBUG LOADAOF").starts_with("!ERR There is no complete append-only file"));
    client.send(
        b"CONFIG SET appendonly yes\r\nSHUTDOWN NOSAVE\r\nDEBUG LOADAOF\r\nCONFIG SET dir /tmp\r\nDBSIZE\r\n",
    );
    assert_eq!(client.reply(), "OK");
    assert_eq!(client.reply(), "!ERR Errors trying to SHUTDOWN. Check logs.");
    assert!(client.reply().starts_with("!ERR There is no complete append-only file"));
    assert!(client.reply().contains("related to argument 'dir'"));
    assert_eq!(client.reply(), "200000");
    let start = Instant::now();
    while !client.run("INFO persistence").contains("aof_rewrite_in_progress:0") {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((client.run("DEBUG LOADAOF"), client.run("DBSIZE")), ("OK".into(), "200000".into()));
    assert!(client.run("INFO persistence").contains("aof_rewrites:1\r"));
    client.run("CONFIG RESETSTAT");
    assert!(client.run("INFO persistence").contains("aof_rewrites:0\r"));
}

#[test]
fn what_was_appended_is_loaded_under_a_lower_limit() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "manifest", b"file appendonly.aof.1.incr.aof seq 1 type i\n");
    write(folder.path(), "1.incr.aof", &encode(&[b"SETBIT", b"k", b"80000000", b"1"]));
    let lines = "appendonly yes\nproto-max-bulk-len 1mb";
    let server = TestServer::with(&format!("dir {}\n{lines}", folder.path().display()));
    let mut client = server.client();
    assert_eq!(client.run("STRLEN k"), "10000001");
    assert!(client.run("SETBIT k 80000000 1").starts_with("!ERR bit offset"));
}

#[test]
fn a_rewrite_that_fails_again_leaves_no_more_files() {
    let server = TestServer::with("appendonly yes\nappendfsync no");
    let mut client = server.client();
    client.run("SET key 1");
    // The name of the next base is that of a folder.
    fs::create_dir(server.folder.path().join("appendonlydir/appendonly.aof.2.base.rdb")).unwrap();
    for _ in 0..4 {
        client.run("BGREWRITEAOF");
        let start = Instant::now();
        while !client.run("INFO persistence").contains("aof_last_bgrewrite_status:err") {
            assert!(start.elapsed() < Duration::from_secs(20));
        }
        while !client.run("INFO persistence").contains("aof_rewrite_in_progress:0") {}
    }
    let manifest = fs::read_to_string(server.folder.path().join("appendonlydir/appendonly.aof.manifest"));
    assert_eq!(manifest.unwrap().lines().filter(|line| line.ends_with("type i")).count(), 2);
    client.run("SET late 1");
    assert_eq!((client.run("DEBUG LOADAOF"), client.run("DBSIZE")), ("OK".into(), "2".into()));
}

#[test]
fn a_snapshot_that_a_transaction_asks_for_has_all_of_it() {
    let server = TestServer::with("hz 100");
    let mut client = server.client();
    for command in ["MULTI", "SET a 1", "BGSAVE", "SET b 1"] {
        client.run(command);
    }
    assert_eq!(client.run("EXEC"), "[OK, Background saving scheduled, OK]");
    let start = Instant::now();
    while !client.run("INFO persistence").contains("rdb_saves:1\r") {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    assert_eq!((client.run("DEBUG RELOAD NOSAVE"), client.run("DBSIZE")), ("OK".into(), "2".into()));
}

#[test]
fn a_program_whose_files_are_damaged_while_it_runs_fails_without_replacing_them() {
    let folder = tempfile::tempdir().unwrap();
    let directives = ["appendonly yes", "enable-debug-command yes"];
    let (mut child, mut client, _) = start_program_with(folder.path(), &directives);
    client.run("SET key 1");
    let damaged = b"*1\r\n:1\r\n";
    write(folder.path(), "1.incr.aof", damaged);
    client.send(b"DEBUG LOADAOF\r\nSET key 2\r\n");
    assert!(client.rest().starts_with("-ERR Error trying to load the AOF files"));
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let left = std::fs::read(folder.path().join("appendonlydir/appendonly.aof.1.incr.aof")).unwrap();
    assert_eq!(left, damaged);
}

#[cfg(target_os = "linux")]
#[test]
fn writes_are_refused_until_the_file_can_be_written_again() {
    let server = TestServer::with("appendonly yes");
    let mut client = server.client();
    std::os::unix::fs::symlink("/dev/full", file(server.folder.path(), "2.incr.aof")).unwrap();
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    wait_for_rewrite(&mut client);
    assert_eq!(client.run("SET key 1"), "OK");
    assert_eq!(client.run("SET key 2").split(':').next(), Some("!MISCONF Errors writing to the AOF file"));
    assert_eq!(client.run("GET key"), "\"1\"");
    assert!(client.run("INFO persistence").contains("aof_last_write_status:err"));
    // What could not be written is in no file, so no other file can follow.
    assert!(client.run("BGREWRITEAOF").starts_with("!ERR"));
    client.run("CONFIG SET appendonly no");
    client.run("CONFIG SET appendonly yes");
    wait_for_rewrite(&mut client);
    assert_eq!(client.run("SET key 3"), "OK");
    assert!(client.run("INFO persistence").contains("aof_last_write_status:ok"));
    client.run("DEBUG LOADAOF");
    assert_eq!(client.run("GET key"), "\"3\"");
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_cannot_write_always_ends_before_it_answers() {
    let folder = tempfile::tempdir().unwrap();
    let directives = ["appendonly yes", "appendfsync always"];
    let (mut child, mut client, _) = start_program_with(folder.path(), &directives);
    std::os::unix::fs::symlink("/dev/full", file(folder.path(), "2.incr.aof")).unwrap();
    client.run("BGREWRITEAOF");
    wait_for_rewrite(&mut client);
    client.send(&encode(&[b"SET", b"key", b"1"]));
    assert_eq!(client.rest(), "");
    assert!(!child.wait().unwrap().success());
}

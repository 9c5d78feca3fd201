//! Snapshots: what is saved, what is loaded, and what a killed server leaves behind.

use crate::harness::{TestClient, TestServer, start_program};
use std::time::Duration;

#[test]
fn a_snapshot_has_all_databases_and_is_loaded_at_the_start() {
    let server = TestServer::new();
    let mut client = server.client();
    for command in ["SET text hello", "HSET hash a 1 b 2", "SELECT 3", "RPUSH list x y z", "EXPIRE list 1000"]
    {
        client.run(command);
    }
    assert_eq!(client.run("SAVE"), "OK");
    let other = TestServer::with("");
    std::fs::copy(server.folder.path().join("dump.rdb"), other.folder.path().join("dump.rdb")).unwrap();
    let mut client = other.client();
    assert_eq!(client.run("DEBUG RELOAD NOSAVE"), "OK");
    assert_eq!(client.run("HGET hash b"), "\"2\"");
    client.run("SELECT 3");
    assert_eq!(client.run("LRANGE list 0 -1"), "[\"x\", \"y\", \"z\"]");
    let ttl: u64 = client.run("TTL list").parse().unwrap();
    assert!((900..=1_000).contains(&ttl), "{ttl}");
}

#[test]
fn a_snapshot_that_cannot_begin_has_failed() {
    let server = TestServer::with("save 3600 1");
    let mut client = server.client();
    assert_eq!(client.run("SET key x"), "OK");
    std::fs::remove_dir_all(server.folder.path()).unwrap();
    assert!(client.run("BGSAVE").starts_with("!ERR"));
    assert!(client.run("INFO persistence").contains("rdb_last_bgsave_status:err"));
    assert!(client.run("SET key y").starts_with("!MISCONF"));
    assert!(client.run("PING").starts_with("!MISCONF"));
    // The commands of a transaction may have been queued before.
    assert_eq!(client.run("CONFIG SET stop-writes-on-bgsave-error no"), "OK");
    assert_eq!((client.run("MULTI"), client.run("SET key y")), ("OK".into(), "QUEUED".into()));
    let mut other = server.client();
    assert_eq!(other.run("CONFIG SET stop-writes-on-bgsave-error yes"), "OK");
    assert!(client.run("EXEC").starts_with("!EXECABORT Transaction discarded because of: MISCONF"));
    assert_eq!(client.run("GET key"), "\"x\"");
    // A server that has to save its keys does not stop before it can.
    assert_eq!(client.run_args(&[b"CONFIG", b"SET", b"save", b""]), "OK");
}

#[test]
fn a_server_that_cannot_save_goes_on_after_shutdown_and_flushes_its_keys() {
    let server = TestServer::with("save 3600 1\nstop-writes-on-bgsave-error no");
    let mut client = server.client();
    assert_eq!(client.run("SET key x"), "OK");
    std::fs::remove_dir_all(server.folder.path()).unwrap();
    client.send(b"SHUTDOWN SAVE\r\nGET key\r\n");
    assert_eq!(client.reply(), "!ERR Errors trying to SHUTDOWN. Check logs.");
    assert_eq!(client.reply(), "\"x\"");
    assert_eq!(client.run("SHUTDOWN SAVE NOSAVE"), "!ERR syntax error");
    assert_eq!((client.run("FLUSHALL"), client.run("DBSIZE")), ("OK".into(), "0".into()));
    client.send(b"SHUTDOWN FORCE\r\nSET key y\r\n");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_background_snapshot_has_the_state_of_its_start() {
    let server = TestServer::new();
    let mut client = server.client();
    for n in 0..20_000 {
        client.run(&format!("SET key:{n} old"));
    }
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    for n in 0..20_000 {
        client.run(&format!("SET key:{n} new"));
    }
    wait_for_save(&mut client);
    assert_eq!(client.run("DEBUG RELOAD NOSAVE"), "OK");
    assert_eq!(client.run("DBSIZE"), "20000");
    for n in (0..20_000).step_by(997) {
        assert_eq!(client.run(&format!("GET key:{n}")), "\"old\"");
    }
}

#[test]
fn databases_that_are_swapped_while_a_snapshot_is_written_are_in_it_as_they_were() {
    let server = TestServer::new();
    let mut client = server.client();
    assert_eq!(client.run("DEBUG POPULATE 100000 zero"), "OK");
    assert_eq!(client.run("SELECT 1"), "OK");
    assert_eq!(client.run("DEBUG POPULATE 200000 one"), "OK");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    assert_eq!(client.run("SWAPDB 0 1"), "OK");
    assert_eq!(client.run("DBSIZE"), "100000");
    assert!(client.run("INFO persistence").contains("rdb_bgsave_in_progress:1"));
    assert_eq!((client.run("SELECT 0"), client.run("FLUSHDB")), ("OK".into(), "OK".into()));
    wait_for_save(&mut client);
    assert!(client.run("INFO persistence").contains("rdb_last_bgsave_status:ok"));
    assert_eq!(client.run("DEBUG RELOAD NOSAVE"), "OK");
    assert_eq!((client.run("DBSIZE"), client.run("EXISTS zero:7")), ("100000".into(), "1".into()));
    assert_eq!(client.run("SELECT 1"), "OK");
    assert_eq!((client.run("DBSIZE"), client.run("EXISTS one:7")), ("200000".into(), "1".into()));
}

#[test]
fn keys_that_are_removed_while_their_snapshot_reaches_the_disk_do_not_come_back() {
    // The more keys there are, the later the loop hands the file over. Some rounds flush before, some after it.
    for keys in [1, 10, 100, 1_000, 3_000] {
        let server = TestServer::with("save 3600 1000000");
        let mut client = server.client();
        for n in 0..keys {
            client.run(&format!("SET key:{n} x"));
        }
        assert_eq!(client.run("BGSAVE"), "Background saving started");
        assert_eq!(client.run("FLUSHALL"), "OK");
        assert!(client.run("INFO persistence").contains("rdb_bgsave_in_progress:0"));
        assert_eq!(client.run("DEBUG RELOAD NOSAVE"), "OK");
        assert_eq!(client.run("DBSIZE"), "0", "{keys}");
    }
}

fn wait_for_save(client: &mut TestClient) {
    while client.run("INFO persistence").contains("rdb_bgsave_in_progress:1") {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_server_that_is_killed_while_it_saves_has_the_last_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=5 {
        let (mut child, mut client, lines) = start_program(folder.path());
        let keys = 3_000 * (round - 1);
        let loaded = lines.iter().any(|line| line.contains(&format!("keys loaded: {keys},")));
        assert!(loaded || round == 1, "{lines:?}");
        assert_eq!(client.run("DBSIZE"), keys.to_string());
        for n in 0..3_000 {
            client.run(&format!("SET key:{round}:{n} {n}"));
        }
        assert_eq!(client.run("SAVE"), "OK");
        for n in 0..3_000 {
            client.run(&format!("SET lost:{n} {n}"));
        }
        assert_eq!(client.run("BGSAVE"), "Background saving started");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

//! The forms in which commands are appended.

use super::appended;
use crate::harness::{TestServer, encode};
use std::time::Duration;

/// Commands, and what is appended for them.
#[test]
fn commands_are_appended_in_a_form_that_has_the_same_effect_again() {
    let server = TestServer::with("appendonly yes\nappendfsync no");
    let mut client = server.client();
    let cases: &[(&str, &[&str])] = &[
        ("SET a 1", &["SELECT 0", "SET a 1"]),
        ("GET a", &[]),
        ("SET a 2 NX", &[]),
        ("DEL nothing", &[]),
        ("SET a 3 EX 100 XX GET", &["SET a 3 PXAT #"]),
        ("SETEX a 100 3", &["SET a 3 PXAT #"]),
        ("PSETEX a 100000 3", &["SET a 3 PXAT #"]),
        ("SET a 3 EXAT 1", &["DEL a"]),
        ("INCRBYFLOAT f 1.5", &["SET f 1.5 KEEPTTL"]),
        ("EXPIRE f 100", &["PEXPIREAT f #"]),
        ("PEXPIRE f 200000 GT", &["PEXPIREAT f #"]),
        ("EXPIREAT f 99999999999", &["PEXPIREAT f 99999999999000"]),
        ("GETEX f EX 50", &["PEXPIREAT f #"]),
        ("GETEX f PERSIST", &["PERSIST f"]),
        ("GETEX f PERSIST", &[]),
        ("GETEX f", &[]),
        ("EXPIRE f -1", &["DEL f"]),
        ("SET f 1", &["SET f 1"]),
        ("GETEX f PXAT 1", &["DEL f"]),
        ("SET f 1", &["SET f 1"]),
        ("GETDEL f", &["DEL f"]),
        ("HINCRBYFLOAT h x 0.5", &["HSET h x 0.5"]),
        ("SADD s one", &["SADD s one"]),
        ("SADD s two", &["SADD s two"]),
        ("SPOP s 2", &["DEL s"]),
        ("SADD s one", &["SADD s one"]),
        ("SPOP s", &["DEL s"]),
        ("RPUSH l 1 2 3 4 5 6 7", &["RPUSH l 1 2 3 4 5 6 7"]),
        ("BLPOP l 0", &["LPOP l"]),
        ("BRPOP none l 0", &["RPOP l"]),
        ("BLMOVE l m LEFT RIGHT 0", &["LMOVE l m LEFT RIGHT"]),
        ("BRPOPLPUSH l m 0", &["LMOVE l m RIGHT LEFT"]),
        ("LMPOP 2 none l LEFT COUNT 2", &["LPOP l 2"]),
        ("BLMPOP 0 2 none l RIGHT", &["RPOP l 1"]),
        ("ZADD z 1 a 2 b 3 c 4 d 5 e", &["ZADD z 1 a 2 b 3 c 4 d 5 e"]),
        ("BZPOPMIN none z 0", &["ZPOPMIN z 1"]),
        ("BZPOPMAX z 0", &["ZPOPMAX z 1"]),
        ("ZMPOP 1 z MIN COUNT 2", &["ZPOPMIN z 2"]),
        ("BZMPOP 0 1 z MAX", &["ZPOPMAX z 1"]),
        ("SELECT 2", &[]),
        ("SET b 1", &["SELECT 2", "SET b 1"]),
        ("FLUSHALL", &["FLUSHALL"]),
        ("FLUSHDB SYNC", &["FLUSHDB"]),
        ("RPUSH l b a", &["RPUSH l b a"]),
        ("SORT l ALPHA STORE m", &["SORT l ALPHA STORE m"]),
        ("SORT l BY w_* STORE m", &["RESTORE m 0 # REPLACE"]),
    ];
    let mut expected = Vec::new();
    for (command, commands) in cases {
        let reply = client.run(command);
        assert!(!reply.starts_with('!'), "{command}: {reply}");
        expected.extend(commands.iter().copied());
    }
    client.send(&encode(&[b"MULTI"]));
    for command in ["GET x", "SET x 1", "EXEC", "MULTI", "SET x 2", "INCR x", "SELECT 0", "DEL x", "EXEC"] {
        client.send(&encode(&command.split(' ').map(str::as_bytes).collect::<Vec<_>>()));
    }
    (0..10).for_each(|_| drop(client.reply()));
    // A transaction of one write needs no `MULTI`. The `DEL` in database 0 has no key to remove.
    expected.extend(["SET x 1", "MULTI", "SET x 2", "INCR x", "EXEC"]);
    // A key that has expired is removed in front of the command that has found it absent.
    client.run("SELECT 0");
    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
    for command in ["SADD t 1", "SADD u 2", "SADD w 1", "PEXPIRE t 1", "PEXPIRE w 1"] {
        client.run(command);
    }
    std::thread::sleep(Duration::from_millis(5));
    client.run("SUNIONSTORE v t u");
    client.run("SADD w 3");
    expected.extend(["SELECT 0", "SADD t 1", "SADD u 2", "SADD w 1", "PEXPIREAT t #", "PEXPIREAT w #"]);
    expected.extend(["MULTI", "DEL t", "SUNIONSTORE v t u", "EXEC"]);
    expected.extend(["MULTI", "DEL w", "SADD w 3", "EXEC"]);
    let found = appended(server.folder.path());
    for (found, expected) in found.iter().zip(&expected) {
        let is_same = match expected.split_once('#') {
            Some((before, after)) => found.starts_with(before) && found.ends_with(after),
            None => found == expected,
        };
        assert!(is_same, "{found:?} instead of {expected:?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
}

#[test]
fn the_member_that_spop_has_taken_is_named() {
    let server = TestServer::with("appendonly yes\nappendfsync no");
    let mut client = server.client();
    client.run("SADD s a b c d e");
    let one = client.run("SPOP s").replace('"', "");
    let two = client.run("SPOP s 2").replace(['"', '[', ']', ','], "");
    let found = appended(server.folder.path());
    assert_eq!(found[2..], [format!("SREM s {one}"), format!("SREM s {two}")]);
}

#[test]
fn a_payload_is_restored_with_an_absolute_expiry() {
    let server = TestServer::with("appendonly yes\nappendfsync no");
    let mut connection =
        redis::Client::open(format!("redis://127.0.0.1:{}", server.port)).unwrap().get_connection().unwrap();
    let mut client = server.client();
    client.run("RPUSH list a b c");
    let payload: Vec<u8> = redis::cmd("DUMP").arg("list").query(&mut connection).unwrap();
    for (key, ttl) in [("soon", "100000"), ("never", "0")] {
        client.run_args(&[b"RESTORE", key.as_bytes(), ttl.as_bytes(), &payload]);
    }
    client.run_args(&[b"RESTORE", b"list", b"1", &payload, b"ABSTTL", b"REPLACE"]);
    let expiry = client.run("PEXPIRETIME soon");
    let found = appended(server.folder.path());
    assert!(
        found[2].starts_with(&format!("RESTORE soon {expiry} ")) && found[2].ends_with(" ABSTTL"),
        "{found:?}"
    );
    assert!(found[3].starts_with("RESTORE never 0 "), "{found:?}");
    assert_eq!(found[4], "DEL list");
    assert_eq!(client.run("DEBUG LOADAOF"), "OK");
    assert_eq!(client.run("PEXPIRETIME soon"), expiry);
    assert_eq!(client.run("LRANGE never 0 -1"), "[\"a\", \"b\", \"c\"]");
}

//! Starts with files of other programs, of crashes, and with damage.

use super::{file, refused, serve, write_files};
use crate::harness::{TestServer, encode};
use std::fs;

#[test]
fn an_incomplete_command_at_the_end_is_cut_off_wherever_it_ends() {
    let whole = encode(&[b"SET", b"first", b"1"]);
    for last in [
        encode(&[b"SET", b"last", &[b'x'; 100]]),
        [encode(&[b"MULTI"]), encode(&[b"SET", b"last", b"1"]), encode(&[b"EXEC"])].concat(),
    ] {
        let both = [whole.clone(), last].concat();
        for len in whole.len()..both.len() {
            let folder = tempfile::tempdir().unwrap();
            write_files(folder.path(), &both[..len]);
            if len > whole.len() {
                let error = refused(folder.path(), "aof-load-truncated no");
                assert!(
                    error.contains(&format!("1.incr.aof cannot be loaded: Unexpected end of file reading the append only file: offset {}: ", whole.len())),
                    "{error}"
                );
            }
            let server = serve(folder.path(), "");
            let mut client = server.client();
            assert_eq!((client.run("GET first"), client.run("GET last")), ("\"1\"".into(), "nil".into()));
            assert_eq!(fs::read(file(folder.path(), "1.incr.aof")).unwrap(), whole, "{len}");
            client.run("SET next 1");
            assert_eq!(client.run("DEBUG LOADAOF"), "OK");
            assert_eq!(client.run("DBSIZE"), "2");
        }
    }
}

#[test]
fn other_damage_ends_the_start_and_is_named() {
    let set = encode(&[b"SET", b"key", b"1"]);
    let at = format!(
        "1.incr.aof cannot be loaded: Bad file format reading the append only file: offset {}: ",
        set.len()
    );
    for bad in [
        &b"*2\r\n$x\r\n"[..],
        b"*1\r\n:1\r\n",
        b"*0\r\n",
        b"\x00\x00\x00\x00\r\n",
        &encode(&[b"XADD", b"key", b"*", b"a", b"b"]),
        &encode(&[b"LPUSH", b"key", b"1"]),
        &encode(&[b"SHUTDOWN"]),
        &encode(&[b"SET", b"key"]),
        &encode(&[b"EXEC"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_files(folder.path(), &[&set, bad, &set].concat());
        let error = refused(folder.path(), "");
        assert!(error.contains(&at), "{}: {error}", String::from_utf8_lossy(bad));
    }
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &set[..10]);
    let two = "file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n";
    fs::write(file(folder.path(), "manifest"), two).unwrap();
    fs::write(file(folder.path(), "2.incr.aof"), &set).unwrap();
    assert!(refused(folder.path(), "").contains("the truncated file is not the last file"));
    fs::remove_file(file(folder.path(), "1.incr.aof")).unwrap();
    assert!(refused(folder.path(), "").contains("appendonly.aof.1.incr.aof cannot be loaded: No such file"));
    fs::write(file(folder.path(), "manifest"), "file x seq 1 type y\n").unwrap();
    assert!(refused(folder.path(), "").contains("appendonly.aof.manifest: line 1: "));
}

#[test]
fn loading_does_not_overwrite_the_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &encode(&[b"FLUSHALL"]));
    fs::write(folder.path().join("dump.rdb"), "mine").unwrap();
    let server = serve(folder.path(), "save 3600 1");
    drop(server);
    // The end of the server saves, and the load did not.
    let server = serve(folder.path(), "save \"\"");
    fs::write(folder.path().join("dump.rdb"), "mine").unwrap();
    drop(server);
    assert_eq!(fs::read(folder.path().join("dump.rdb")).unwrap(), b"mine");
}

#[test]
fn an_expiry_that_other_programs_have_appended_counts_from_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let commands =
        ["SETEX a 1000 x", "SET b x PX 1000000 NX", "SET c x", "EXPIRE c 1000", "SET d EX", "SET e x PXAT 5"];
    let encode_words = |command: &&str| encode(&command.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    write_files(folder.path(), &commands.iter().flat_map(encode_words).collect::<Vec<_>>());
    let server = serve(folder.path(), "");
    let mut client = server.client();
    for (key, ttls) in
        [("a", 900..=1_000), ("b", 900..=1_000), ("c", 900..=1_000), ("d", -1..=-1), ("e", -2..=-2)]
    {
        let ttl = client.run(&format!("TTL {key}")).parse().unwrap();
        assert!(ttls.contains(&ttl), "{key}: {ttl}");
    }
}

#[test]
fn a_file_of_a_redis_before_7_becomes_the_base() {
    let folder = tempfile::tempdir().unwrap();
    // A snapshot in front, and commands behind it.
    let server = TestServer::with(&format!("dir {}", folder.path().display()));
    let mut client = server.client();
    client.run("SET base 1");
    client.run("SAVE");
    drop(server);
    let mut bytes = fs::read(folder.path().join("dump.rdb")).unwrap();
    bytes.extend_from_slice(b"#TS:1700000000\r\n");
    bytes.extend(encode(&[b"INCR", b"base"]));
    fs::write(folder.path().join("appendonly.aof"), &bytes).unwrap();
    for round in 0..2 {
        let server = serve(folder.path(), "");
        let mut client = server.client();
        assert_eq!(client.run("INCR base"), (round + 3).to_string());
        let manifest = fs::read_to_string(file(folder.path(), "manifest")).unwrap();
        assert_eq!(
            manifest,
            "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
        );
    }
}

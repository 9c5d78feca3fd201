//! The append-only file: what a server writes, what the next one loads, and what remains after a crash.

use crate::harness::{TestClient, TestServer, encode, start_program_with};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use server::{Config, Server};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Starts a server whose files are in this folder.
fn serve(folder: &Path, lines: &str) -> TestServer {
    TestServer::with(&format!("dir {}\nappendonly yes\n{lines}", folder.display()))
}

/// Returns why a server with these files does not start.
fn refused(folder: &Path, lines: &str) -> String {
    let mut config = Config::default();
    let text = format!("port 0\nbind 127.0.0.1\ndir {}\nappendonly yes\n{lines}", folder.display());
    config.read(text.as_bytes()).unwrap();
    let error = Server::new(config).err().expect("the server starts");
    format!("{error:#}")
}

/// The path of a file of the append-only file.
fn file(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join("appendonlydir").join(format!("appendonly.aof.{name}"))
}

/// Returns the commands of the first incremental file, one in a line.
fn appended(folder: &Path) -> Vec<String> {
    let text = fs::read(file(folder, "1.incr.aof")).unwrap();
    let text = String::from_utf8_lossy(&text);
    let words = |command: &str| command.lines().skip(2).step_by(2).collect::<Vec<_>>().join(" ");
    text.split("\r\n*").map(words).collect()
}

/// Writes a manifest with one incremental file of these bytes.
fn write_files(folder: &Path, incr: &[u8]) {
    fs::create_dir_all(folder.join("appendonlydir")).unwrap();
    fs::write(file(folder, "manifest"), "file appendonly.aof.1.incr.aof seq 1 type i\n").unwrap();
    fs::write(file(folder, "1.incr.aof"), incr).unwrap();
}

fn wait_for(client: &mut TestClient, section: &str, line: &str) {
    let start = Instant::now();
    while !client.run(&format!("INFO {section}")).contains(line) {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", client.run(&format!("INFO {section}")));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn wait_for_rewrite(client: &mut TestClient) {
    wait_for(client, "persistence", "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0");
}

/// Returns a random command that writes. Few keys of each type make commands meet. Some keys expire soon.
fn command(rng: &mut SmallRng) -> String {
    let n = rng.random_range(0..1_000);
    let (a, b) = (rng.random_range(0..4), rng.random_range(0..4));
    let millis = rng.random_range(1..30);
    let far = 1_000_000 + n;
    match rng.random_range(0..60) {
        0 => format!("SET s{a} {n}"),
        1 => format!("SET s{a} {n} PX {millis}"),
        2 => format!("SET s{a} {n} EX {far} NX"),
        3 => format!("SET s{a} {n} XX GET"),
        4 => format!("SET s{a} {n} XX KEEPTTL"),
        5 => format!("APPEND s{a} {n}"),
        6 => format!("INCRBY i{a} {n}"),
        7 => format!("INCRBYFLOAT f{a} 0.{n}"),
        8 => format!("GETEX s{a} PX {millis}"),
        9 => format!("GETEX s{a} PERSIST"),
        10 => format!("GETDEL s{a}"),
        11 => format!("MSET s{a} {n} s{b} x"),
        12 => format!("MSETNX s{a} {n} s{b} x"),
        13 => format!("SETRANGE s{a} 5 {n}"),
        14 => format!("SETBIT b{a} {n} 1"),
        15 => format!("BITOP OR b{a} b{b} s{a}"),
        16 => format!("BITFIELD b{a} INCRBY u8 {a} 3 OVERFLOW SAT SET u4 2 {b}"),
        17 => format!("RPUSH l{a} {n} x{n} {b}"),
        18 => format!("LPUSH l{a} {n} y"),
        19 => format!("LPOP l{a} {b}"),
        20 => format!("BRPOP l{a} l{b} 0.001"),
        21 => format!("BLMPOP 0.001 2 l{a} l{b} LEFT COUNT 2"),
        22 => format!("LMPOP 2 l{a} l{b} RIGHT COUNT 3"),
        23 => format!("BLMOVE l{a} l{b} LEFT RIGHT 0.001"),
        24 => format!("BRPOPLPUSH l{a} l{b} 0.001"),
        25 => format!("LINSERT l{a} BEFORE y {n}"),
        26 => format!("LTRIM l{a} 1 20"),
        27 => format!("LREM l{a} 2 y"),
        28 => format!("SORT l{a} ALPHA STORE l{b}"),
        29 => format!("SORT z{a} BY s* GET # GET s* ALPHA STORE l{b}"),
        30 => format!("SADD t{a} {n} {b} x{n}"),
        31 => format!("SPOP t{a}"),
        32 => format!("SPOP t{a} {b}"),
        33 => format!("SPOP t{a} 1000"),
        34 => format!("SMOVE t{a} t{b} 1"),
        35 => format!("SUNIONSTORE t{a} t{b} t{a}"),
        36 => format!("SDIFFSTORE t{a} t{b} t{a}"),
        37 => format!("SINTERSTORE t{a} t{b} t{a}"),
        38 => format!("HSET h{a} {b} {n} x {n}"),
        39 => format!("HINCRBYFLOAT h{a} f 1.{n}"),
        40 => format!("HDEL h{a} x {b}"),
        41 => format!("HSETNX h{a} {n} 1"),
        42 => format!("ZADD z{a} {n} {b} 2.5 m{n}"),
        43 => format!("ZINCRBY z{a} 0.{n} {b}"),
        44 => format!("ZPOPMIN z{a} {b}"),
        45 => format!("BZPOPMAX z{a} z{b} 0.001"),
        46 => format!("BZMPOP 0.001 2 z{a} z{b} MIN COUNT 2"),
        47 => format!("ZUNIONSTORE z{a} 2 z{b} t{a} WEIGHTS 2 0.5"),
        48 => format!("ZRANGESTORE z{a} z{b} 0 3"),
        49 => format!("ZREMRANGEBYRANK z{a} 5 -1"),
        50 => format!("COPY s{a} s{b} REPLACE"),
        51 => format!("RENAME t{a} t{b}"),
        52 => format!("MOVE l{a} {b}"),
        53 => format!("SELECT {b}"),
        54 => format!("PEXPIRE {}{a} {millis}", ["s", "l", "t", "h", "z", "b", "i"][rng.random_range(0..7)]),
        55 => format!("EXPIRE {}{a} {far}", ["s", "l", "t", "h", "z", "b", "i"][rng.random_range(0..7)]),
        56 => format!("PERSIST s{a}"),
        57 => format!("UNLINK l{a} t{b}"),
        58 => format!("SWAPDB {a} {b}"),
        _ if n < 100 => "FLUSHDB".into(),
        _ => format!("EXPIREAT s{a} 1"),
    }
}

/// Sends random commands, some of them in transactions.
fn send_random(client: &mut TestClient, rng: &mut SmallRng, commands: usize) {
    for _ in 0..commands {
        if rng.random_ratio(1, 20) {
            client.run("MULTI");
            for _ in 0..rng.random_range(0..4) {
                client.run(&command(rng));
            }
            client.run("EXEC");
        }
        client.run(&command(rng));
    }
}

/// Returns a text that is the same for the same keys, values and expiries in all databases. Keys that expire soon
/// have gone when it returns.
fn state(client: &mut TestClient) -> String {
    std::thread::sleep(Duration::from_millis(50));
    let mut state = client.run("DEBUG DIGEST");
    for db in 0..4 {
        client.run(&format!("SELECT {db}"));
        for kind in ["s", "l", "t", "h", "z", "b", "i"] {
            for n in 0..4 {
                state.push_str(&format!(" {}", client.run(&format!("PEXPIRETIME {kind}{n}"))));
            }
        }
    }
    state
}

#[test]
fn random_writes_of_all_types_are_loaded_again() {
    for seed in 0..6 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let server = TestServer::with("appendonly yes\nappendfsync no\nhz 100");
        let mut client = server.client();
        for round in 0..4 {
            send_random(&mut client, &mut rng, 400);
            if round == 1 {
                client.run("BGREWRITEAOF");
            }
            let before = state(&mut client);
            assert_eq!(client.run("DEBUG LOADAOF"), "OK");
            assert_eq!(state(&mut client), before, "seed {seed}, round {round}");
        }
    }
}

#[test]
fn keys_that_were_evicted_do_not_come_back() {
    let server = TestServer::with("appendonly yes\nappendfsync no\nmaxmemory-policy allkeys-random");
    let mut client = server.client();
    let mut rng = SmallRng::seed_from_u64(1);
    let used = client.run("INFO memory");
    let used = used.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let limit = used.parse::<usize>().unwrap() + 200_000;
    client.run(&format!("CONFIG SET maxmemory {limit}"));
    for n in 0..2_000 {
        let value = "x".repeat(rng.random_range(1..2_000));
        client.run(&format!("SET string:{} {value}", rng.random_range(0..200)));
        client.run(&format!("RPUSH list:{} {value} {n}", rng.random_range(0..50)));
        client.run(&format!(
            "LMOVE list:{} list:{} LEFT LEFT",
            rng.random_range(0..50),
            rng.random_range(0..50)
        ));
        client.run(&format!(
            "SORT list:{} ALPHA STORE list:{}",
            rng.random_range(0..50),
            rng.random_range(0..50)
        ));
    }
    assert!(!client.run("INFO stats").contains("evicted_keys:0\r"));
    client.run("CONFIG SET maxmemory 0");
    let before = client.run("DEBUG DIGEST");
    assert_eq!(client.run("DEBUG LOADAOF"), "OK");
    assert_eq!(client.run("DEBUG DIGEST"), before);
}

#[test]
fn a_server_that_is_killed_has_all_writes_that_it_has_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = SmallRng::seed_from_u64(9);
    let mut before = None;
    for policy in ["always", "everysec", "no", "no"] {
        let directives = ["appendonly yes", &format!("appendfsync {policy}")];
        let (mut child, mut client, _) = start_program_with(folder.path(), &directives);
        if let Some(before) = before {
            assert_eq!(state(&mut client), before);
        }
        send_random(&mut client, &mut rng, 300);
        before = Some(state(&mut client));
        // A write may wait for a sync by `everysec`.
        wait_for(&mut client, "persistence", "aof_buffer_length:0");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_server_that_is_killed_during_a_rewrite_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..4 {
        let (mut child, mut client, _) =
            start_program_with(folder.path(), &["appendonly yes", "appendfsync no"]);
        assert_eq!(client.run("DBSIZE"), (round * 5_100).to_string());
        for n in 0..5_000 {
            client.run(&format!("SET key:{round}:{n} {n}"));
        }
        assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
        for n in 0..100 {
            client.run(&format!("INCR late:{round}:{n}"));
        }
        // Two rounds kill the server while it works, and two when it has ended.
        if round % 2 == 1 {
            wait_for_rewrite(&mut client);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (mut child, mut client, _) = start_program_with(folder.path(), &["appendonly yes"]);
    assert_eq!((client.run("DBSIZE").as_str(), client.run("GET late:2:5").as_str()), ("20400", "\"1\""));
    child.kill().unwrap();
    child.wait().unwrap();
}

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

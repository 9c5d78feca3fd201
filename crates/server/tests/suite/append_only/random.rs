//! Random writes and evictions are loaded again, and a crash loses nothing that was answered.

use super::{wait_for, wait_for_rewrite};
use crate::harness::{TestClient, TestServer, start_program_with};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

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

//! Compares the estimate of a dump with a real Redis 7.0 that has all types in all encodings. The example
//! `estimate` of the crate rdb estimates the memory of classic Redis, and `used_memory` of the server is the
//! real number.
//!
//! The test does not run without a `redis-server` of version 7.0 over jemalloc on `PATH`.

#[allow(dead_code, reason = "only the survey is asked")]
#[path = "../../../rdb/examples/estimate/program/mod.rs"]
mod program;

use conformance::known::Family;
use conformance::process::{Info, Process, START_TIME_MAX};
use keyspace::Keyspace;
use keyspace::estimate::Quantum;
use program::scan::{ScanOptions, scan_file};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use redis::{Connection, Pipeline, cmd};
use std::path::Path;

/// Starts the server. If there is none, prints what is missing and returns `None`.
fn redis_7_0() -> Option<Process> {
    let found = Process::start(Path::new("redis-server"), START_TIME_MAX).ok();
    let found = found.filter(|it| it.family == Family::Redis && it.version.starts_with("7.0."));
    if found.is_none() {
        eprintln!(
            "!! NOT RUN: the estimate beside a real Redis. To have it, put a redis-server 7.0 on the path"
        );
    }
    found
}

/// Returns the quantum of the server's jemalloc, from its statistics.
fn quantum(connection: &mut Connection) -> Quantum {
    let stats: String = cmd("MEMORY").arg("MALLOC-STATS").query(connection).unwrap();
    let bytes = stats.lines().find_map(|line| line.strip_prefix("Quantum size:")).map(str::trim);
    let all = [Quantum::Eight, Quantum::Sixteen];
    let found = all.into_iter().find(|quantum| bytes == Some(&*quantum.bytes().to_string()));
    found.unwrap_or_else(|| panic!("a quantum of {bytes:?} bytes"))
}

fn used_memory(process: &Process) -> u64 {
    let mut connection = process.connect().unwrap();
    Info::fetch(&mut connection, "memory").unwrap().number("used_memory").unwrap()
}

/// Creates keys of all types, in all encodings and several sizes. They take about 20 MB in Redis.
fn fill(connection: &mut Connection) {
    let mut rng = SmallRng::seed_from_u64(7);
    let mut pipeline = redis::pipe();
    let word = |rng: &mut SmallRng, lens: std::ops::RangeInclusive<usize>| -> String {
        let len = rng.random_range(lens);
        (0..len).map(|_| rng.random_range(b'a'..=b'z') as char).collect()
    };
    for n in 0..6_000_u64 {
        let rng = &mut rng;
        pipeline.cmd("SET").arg(format!("embstr:{n:06}")).arg(word(rng, 0..=44)).ignore();
        pipeline.cmd("SET").arg(format!("int:{n}")).arg(rng.random_range(-20_000_i64..20_000)).ignore();
        pipeline.cmd("EXPIRE").arg(format!("int:{n}")).arg(100_000).ignore();
        let len = if n % 1_000 == 0 { 50_000..=150_000 } else { 45..=400 };
        pipeline.cmd("SET").arg(format!("raw:{n}")).arg(word(rng, len)).ignore();
        if n % 10 != 0 {
            continue;
        }
        // Every tenth collection exceeds a limit.
        let large = n % 100 == 0;
        let elements = |rng: &mut SmallRng| rng.random_range(if large { 520..=1_000 } else { 1..=60 });
        for (command, key) in
            [("HSET", "hash"), ("SADD", "words"), ("ZADD", "zset"), ("RPUSH", "list"), ("SADD", "ids")]
        {
            let mut add = cmd(command);
            add.arg(format!("{key}:{n}"));
            for at in 0..elements(rng) {
                let score = [f64::from(at), f64::from(at) / 4.0, rng.random()][at as usize % 3];
                match key {
                    "hash" => add.arg(format!("field:{at}")).arg(word(rng, 0..=30)),
                    "zset" => add.arg(score).arg(word(rng, 3..=30)),
                    "ids" => add.arg(rng.random::<u64>() >> rng.random_range(4..54)),
                    _ => add.arg(word(rng, 3..=200.min(20 + n as usize / 10))),
                };
            }
            pipeline.add_command(add).ignore();
        }
        send(&mut pipeline, connection);
    }
    send(&mut pipeline, connection);
}

fn send(pipeline: &mut Pipeline, connection: &mut Connection) {
    pipeline.exec(connection).unwrap();
    pipeline.clear();
}

#[test]
fn an_estimate_of_a_dump_is_within_three_percent_of_a_real_redis_and_one_of_a_keyspace() {
    let Some(process) = redis_7_0() else { return };
    let mut connection = process.connect().unwrap();
    let options = ScanOptions { quantum: quantum(&mut connection), ..ScanOptions::default() };
    let before = used_memory(&process);
    fill(&mut connection);
    let measured = used_memory(&process) - before;
    let path = process.save().unwrap();

    let survey = scan_file(&path, &options).unwrap();
    assert!(survey.error.is_none(), "{:?}", survey.error);
    let keys: u64 = cmd("DBSIZE").query(&mut connection).unwrap();
    assert_eq!(survey.keys(), keys);
    let off = survey.totals().redis() as f64 / measured as f64 - 1.0;
    println!("Redis: {} estimated, {measured} measured, {:+.2} %", survey.totals().redis(), off * 100.0);
    assert!(off.abs() < 0.03, "{off:+.4}: {} {measured}", survey.totals().redis());

    // The estimate has the encodings that `OBJECT ENCODING` reports for the largest keys.
    for key in survey.largest_redis.iter() {
        let encoding: String = cmd("OBJECT").arg("ENCODING").arg(&*key.name).query(&mut connection).unwrap();
        assert_eq!(encoding, key.form.redis.as_str(), "{}", program::text::name(&key.name));
    }

    let mut keyspace = Keyspace::new();
    let mut loader = rdb::Loader::open(&path, rdb::LoadOptions::default()).unwrap();
    loader.load(&mut keyspace, 0).unwrap();
    let off = survey.totals().here() as f64 / keyspace.allocation_size() as f64 - 1.0;
    println!("here: {:+.3} % off what a loader says", off * 100.0);
    assert!(off.abs() < 0.01, "{off:+.4}");
}

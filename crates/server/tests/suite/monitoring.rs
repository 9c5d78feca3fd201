//! What the server tells about itself: counters of `INFO`, times of commands, and the memory of clients.

use crate::harness::{TestClient, TestServer, encode};
use std::time::{Duration, Instant};

/// Returns the value of a field of `INFO`.
fn field(client: &mut TestClient, section: &str, name: &str) -> Option<String> {
    let text = client.run(&format!("INFO {section}"));
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(|value| value.trim_end_matches('"').to_owned())
}

/// Returns a counter of `INFO stats`.
fn counter(client: &mut TestClient, name: &str) -> u64 {
    field(client, "stats", name).unwrap().parse().unwrap()
}

#[test]
fn latencystats_has_a_line_for_each_command_that_has_run() {
    let server = TestServer::new();
    let mut client = server.client();
    client.run("SET a 1");
    let percentiles = field(&mut client, "latencystats", "latency_percentiles_usec_set").unwrap();
    assert!(percentiles.starts_with("p50=") && percentiles.contains(",p99.9="), "{percentiles}");
    let set = ["CONFIG", "SET", "latency-tracking-info-percentiles", "0.0 100"].map(str::as_bytes);
    assert_eq!(client.run_args(&set), "OK");
    let percentiles = field(&mut client, "latencystats", "latency_percentiles_usec_set").unwrap();
    assert!(percentiles.starts_with("p0=") && percentiles.contains(",p100="), "{percentiles}");
    assert!(
        client.run("CONFIG SET latency-tracking-info-percentiles 101").starts_with("!ERR CONFIG SET failed")
    );
    assert_eq!(field(&mut client, "latencystats", "latency_percentiles_usec_get"), None);
    client.run("CONFIG SET latency-tracking no");
    client.run("GET a");
    assert_eq!(field(&mut client, "latencystats", "latency_percentiles_usec_get"), None);
}

#[test]
fn latency_histogram_names_commands_and_subcommands() {
    let server = TestServer::new();
    let mut client = server.client();
    for command in ["CONFIG RESETSTAT", "SET a 1", "SET a 2", "CLIENT ID", "GET a"] {
        client.run(command);
    }
    let of_set = client.run("LATENCY HISTOGRAM set nothing");
    assert!(of_set.starts_with("[\"set\", [\"calls\", 2, \"histogram_usec\", ["), "{of_set}");
    assert!(of_set.ends_with(", 2]]]"), "the last time has all calls: {of_set}");
    assert!(client.run("LATENCY HISTOGRAM client").starts_with("[\"client|id\", [\"calls\", 1,"));
    assert!(client.run("LATENCY HISTOGRAM").contains("\"config|resetstat\""));
    assert_eq!(client.run("LATENCY HISTOGRAM hset"), "[]");
}

#[test]
fn getkeys_of_sort_finds_the_last_store() {
    let server = TestServer::new();
    let mut client = server.client();
    assert_eq!(client.run("COMMAND GETKEYS SORT a"), "[\"a\"]");
    assert_eq!(client.run("COMMAND GETKEYS SORT a STORE b"), "[\"a\", \"b\"]");
    assert_eq!(client.run("COMMAND GETKEYS SORT a STORE b STORE c ALPHA"), "[\"a\", \"c\"]");
    assert_eq!(client.run("COMMAND GETKEYS SORT_RO a"), "[\"a\"]");
}

#[test]
fn the_client_that_takes_most_memory_is_evicted() {
    let server = TestServer::with("maxmemory-clients 1mb");
    let (mut small, mut large, mut exempt) = (server.client(), server.client(), server.client());
    assert_eq!(exempt.run("CLIENT NO-EVICT on"), "OK");
    // Each of these clients sends a part of a command, which stays in its buffer.
    let part = encode(&[b"SET", b"a", &[b'x'; 2 << 20]]);
    exempt.send(&part[..part.len() - 100]);
    large.send(&part[..part.len() - 100]);
    let start = Instant::now();
    while counter(&mut small, "evicted_clients") == 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "no client was evicted");
    }
    assert_eq!(counter(&mut small, "evicted_clients"), 1);
    exempt.send(&part[part.len() - 100..]);
    assert_eq!(exempt.reply(), "OK");
    assert_eq!(small.run("PING"), "PONG");
}

#[test]
fn watched_keys_and_subscriptions_count_as_memory_of_the_client() {
    let server = TestServer::new();
    let (mut admin, mut client) = (server.client(), server.client());
    client.run("HELLO 3");
    let id = client.run("CLIENT ID");
    let mut bytes = |name: &str| -> usize {
        let list = admin.run(&format!("CLIENT LIST ID {id}"));
        let value = list.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        value.unwrap().parse().unwrap()
    };
    let long = "x".repeat(10_000);
    let before = (bytes("tot-mem"), bytes("multi-mem"));
    client.run(&format!("WATCH {long} {long} short"));
    let watching = (bytes("tot-mem") - before.0, bytes("multi-mem") - before.1);
    assert!((10_005..11_000).contains(&watching.0) && watching.0 == watching.1, "{watching:?}");
    client.run("UNWATCH");
    assert_eq!((bytes("tot-mem"), bytes("multi-mem")), before);
    for (begin, end) in
        [("SUBSCRIBE", "UNSUBSCRIBE"), ("PSUBSCRIBE", "PUNSUBSCRIBE"), ("SSUBSCRIBE", "SUNSUBSCRIBE")]
    {
        client.run(&format!("{begin} {long}"));
        let listening = bytes("tot-mem") - before.0;
        // The buffer for replies may have been given back.
        assert!((9_000..11_000).contains(&listening), "{begin}: {listening}");
        client.run(end);
        assert!(bytes("tot-mem").abs_diff(before.0) < 1_000, "{end}");
    }
}

#[test]
fn maxmemory_clients_takes_bytes_and_percentages() {
    let server = TestServer::with("maxmemory 100mb\nmaxmemory-clients 5%");
    let mut client = server.client();
    assert_eq!(client.run("CONFIG GET maxmemory-clients"), "[\"maxmemory-clients\", \"5%\"]");
    assert_eq!(client.run("CONFIG SET maxmemory-clients 3mb"), "OK");
    assert_eq!(client.run("CONFIG GET maxmemory-clients"), "[\"maxmemory-clients\", \"3145728\"]");
    assert!(client.run("CONFIG SET maxmemory-clients 101%").contains("percentage"));
}

#[test]
fn refused_and_unblocked_commands_are_counted() {
    let server = TestServer::new();
    let (mut client, mut waiting) = (server.client(), server.client());
    let id = waiting.run("CLIENT ID");
    waiting.send(&encode(&[b"BLPOP", b"list", b"0"]));
    let start = Instant::now();
    while client.run(&format!("CLIENT UNBLOCK {id} ERROR")) == "0" {
        assert!(start.elapsed() < Duration::from_secs(5), "the client does not wait");
    }
    assert!(waiting.reply().starts_with("!UNBLOCKED"));
    assert_eq!(field(&mut client, "errorstats", "errorstat_UNBLOCKED").as_deref(), Some("count=1"));
    assert!(client.run("SET a").starts_with("!ERR wrong number of arguments"));
    let of_set = field(&mut client, "commandstats", "cmdstat_set").unwrap();
    assert!(
        of_set.starts_with("calls=0,") && of_set.ends_with("rejected_calls=1,failed_calls=0"),
        "{of_set}"
    );
    let of_blpop = field(&mut client, "commandstats", "cmdstat_blpop").unwrap();
    assert!(of_blpop.starts_with("calls=1,") && of_blpop.ends_with("failed_calls=1"), "{of_blpop}");
}

#[test]
fn a_reply_above_the_limit_closes_the_client() {
    let server = TestServer::new();
    let (mut client, mut reader) = (server.client(), server.client());
    assert_eq!(client.run_args(&[b"SET", b"a", &[b'x'; 600_000]]), "OK");
    let limit = ["CONFIG", "SET", "client-output-buffer-limit", "normal 10 0 0"].map(str::as_bytes);
    assert_eq!(client.run_args(&limit), "OK");
    reader.send(&encode(&[b"GET", b"a"]));
    assert_eq!(reader.rest(), "");
    assert_eq!(counter(&mut client, "client_output_buffer_limit_disconnections"), 1);
}

#[test]
fn a_client_above_its_limit_runs_no_further_command() {
    let server = TestServer::with("client-output-buffer-limit normal 1mb 0 0");
    let (mut client, mut reader) = (server.client(), server.client());
    for _ in 0..10 {
        client.run_args(&[b"RPUSH", b"list", &[b'x'; 10_000]]);
    }
    // A command of a transaction runs, but what it would write is left out.
    let read = encode(&[b"LRANGE", b"list", b"0", b"-1"]);
    let batch = [b"MULTI\r\n", &read.repeat(200)[..], b"EXEC\r\nINCR counter\r\n"].concat();
    reader.send(&batch);
    reader.rest();
    assert_eq!(counter(&mut client, "client_output_buffer_limit_disconnections"), 1);
    assert_eq!(client.run("EXISTS counter"), "0");
}

#[test]
fn a_key_is_new_once() {
    let server = TestServer::with("notify-keyspace-events En");
    let (mut client, mut listener) = (server.client(), server.client());
    assert_eq!(listener.run("SUBSCRIBE __keyevent@0__:new"), "[\"subscribe\", \"__keyevent@0__:new\", 1]");
    for command in ["SET a 1", "SET a 2", "LPUSH b 1", "SORT b STORE c"] {
        client.run(command);
    }
    for key in ["a", "b", "c"] {
        assert_eq!(listener.reply(), format!("[\"message\", \"__keyevent@0__:new\", \"{key}\"]"));
    }
}

#[test]
fn decr_publishes_the_event_of_incrby() {
    let server = TestServer::with("notify-keyspace-events E$");
    let (mut client, mut listener) = (server.client(), server.client());
    listener.run("SUBSCRIBE __keyevent@0__:incrby");
    for command in ["INCR a", "INCRBY a 2", "DECR a", "DECRBY a 2"] {
        client.run(command);
        assert_eq!(listener.reply(), "[\"message\", \"__keyevent@0__:incrby\", \"a\"]", "{command}");
    }
}

#[test]
fn a_client_that_leaves_right_after_a_blocking_command_is_forgotten() {
    let server = TestServer::new();
    let mut client = server.client();
    for _ in 0..20 {
        server.client().send(&encode(&[b"BLPOP", b"list", b"0"]));
    }
    let start = Instant::now();
    while field(&mut client, "clients", "connected_clients").as_deref() != Some("1") {
        assert!(start.elapsed() < Duration::from_secs(5), "a closed client still waits");
    }
    assert_eq!(field(&mut client, "clients", "blocked_clients").as_deref(), Some("0"));
}

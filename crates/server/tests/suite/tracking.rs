//! `CLIENT TRACKING`: what clients with copies of keys are told, in each mode.
//!
//! A client that reads `PONG` after `PING` has been told nothing in between.

use crate::harness::{TestClient, TestServer, encode};
use std::time::{Duration, Instant};

/// The message about a key, as a client of RESP3 sees it.
fn invalidate(keys: &[&str]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    format!("[\"invalidate\", [{}]]", keys.join(", "))
}

/// Returns a client of RESP3 that tracks.
fn tracker(server: &TestServer, options: &str) -> TestClient {
    let mut client = server.client();
    assert!(client.run("HELLO 3").starts_with('{'));
    assert_eq!(client.run(&format!("CLIENT TRACKING ON{options}")), "OK");
    client
}

/// Returns a number of `INFO`.
fn number(client: &mut TestClient, name: &str) -> usize {
    let text = client.run("INFO");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    value.parse().unwrap()
}

/// Runs commands whose replies are not of interest.
fn run_all(client: &mut TestClient, commands: &[&str]) {
    for command in commands {
        let reply = client.run(command);
        assert!(!reply.starts_with('!'), "{command}: {reply}");
    }
}

#[test]
fn a_key_that_was_read_is_told_once() {
    let server = TestServer::new();
    let (mut tracker, mut writer) = (tracker(&server, ""), server.client());
    run_all(&mut writer, &["MSET a 1 b 2"]);
    assert_eq!(tracker.run("GET a"), "\"1\"");
    run_all(&mut writer, &["SET b 3", "SET a 2", "SET a 3"]);
    assert_eq!(tracker.reply(), invalidate(&["a"]));
    assert_eq!(tracker.run("PING"), "PONG");
    // What the client itself changes is told, too, after the reply. So is a key that does not exist.
    assert_eq!(tracker.run("MGET a none"), "[\"3\", nil]");
    assert_eq!(tracker.run("INCR a"), "4");
    assert_eq!(tracker.reply(), invalidate(&["a"]));
    run_all(&mut writer, &["SET none 1"]);
    assert_eq!(tracker.reply(), invalidate(&["none"]));
    assert_eq!(tracker.run("CLIENT TRACKING OFF"), "OK");
    tracker.run("GET a");
    run_all(&mut writer, &["SET a 1"]);
    assert_eq!(tracker.run("PING"), "PONG");
}

#[test]
fn every_kind_of_change_is_told() {
    let server = TestServer::new();
    let (mut tracker, mut writer) = (tracker(&server, ""), server.client());
    run_all(&mut writer, &["RPUSH list 1 2", "HSET hash f 1", "SET text 1", "SADD set 1 2", "ZADD zset 1 m"]);
    for (read, change, keys) in [
        ("LRANGE list 0 -1", "LPOP list", &["list"][..]),
        ("HGETALL hash", "HDEL hash f", &["hash"]),
        ("SMEMBERS set", "SMOVE set other 1", &["set"]),
        ("ZSCORE zset m", "ZINCRBY zset 1 m", &["zset"]),
        ("GET text", "EXPIRE text 100", &["text"]),
        ("TTL text", "PERSIST text", &["text"]),
        ("MGET text new", "RENAME text new", &["text", "new"]),
        ("MGET new copy", "COPY new copy", &["copy"]),
        ("EXISTS copy", "UNLINK copy", &["copy"]),
        ("GET new", "MOVE new 1", &["new"]),
        ("SMEMBERS stored", "SORT list STORE stored", &["stored"]),
        ("GET sum", "BITOP NOT sum new", &[]),
        ("GET sum", "SETRANGE sum 3 x", &["sum"]),
    ] {
        tracker.run(read);
        run_all(&mut writer, &[change]);
        let mut told: Vec<String> = keys.iter().map(|_| tracker.reply()).collect();
        let mut expected: Vec<String> = keys.iter().map(|key| invalidate(&[key])).collect();
        told.sort();
        expected.sort();
        assert_eq!(told, expected, "{change}");
        assert_eq!(tracker.run("PING"), "PONG", "{change}");
    }
}

#[test]
fn a_transaction_is_answered_before_its_changes_are_told() {
    let server = TestServer::new();
    let mut tracker = tracker(&server, "");
    run_all(&mut tracker, &["SET a 1", "SET b 1", "MGET a b", "MULTI", "INCR a", "FLUSHALL", "GET b"]);
    assert_eq!(tracker.run("EXEC"), "[2, OK, nil]");
    assert_eq!(tracker.reply(), invalidate(&["a"]));
    assert_eq!(tracker.reply(), "[\"invalidate\", nil]");
    run_all(&mut tracker, &["PING"]);
    assert_eq!(tracker.run("SET b 2"), "OK");
    assert_eq!(tracker.reply(), invalidate(&["b"]), "the read in the transaction counts");
}

#[test]
fn a_client_of_resp2_has_its_messages_redirected() {
    let server = TestServer::new();
    let (mut tracker, mut receiver, mut writer) = (server.client(), server.client(), server.client());
    let id = receiver.run("CLIENT ID");
    receiver.run("SUBSCRIBE __redis__:invalidate");
    assert_eq!(tracker.run(&format!("CLIENT TRACKING ON REDIRECT {id}")), "OK");
    assert_eq!(tracker.run("CLIENT GETREDIR"), id);
    assert!(tracker.run("CLIENT INFO").contains(" flags=t db=0 "));
    assert!(tracker.run("CLIENT INFO").contains(&format!(" redir={id} ")));
    run_all(&mut tracker, &["GET a"]);
    run_all(&mut writer, &["SET a 1"]);
    assert_eq!(receiver.reply(), "[\"message\", \"__redis__:invalidate\", [\"a\"]]");
    run_all(&mut writer, &["FLUSHDB"]);
    assert_eq!(receiver.reply(), "[\"message\", \"__redis__:invalidate\", nil]");
    // Without channels, RESP2 has no form for messages.
    receiver.run("UNSUBSCRIBE");
    run_all(&mut tracker, &["GET a"]);
    run_all(&mut writer, &["SET a 1"]);
    assert_eq!(receiver.run("PING"), "PONG");
    receiver.run("HELLO 3");
    run_all(&mut tracker, &["GET a"]);
    run_all(&mut writer, &["SET a 1"]);
    assert_eq!(receiver.reply(), invalidate(&["a"]));
    assert_eq!(tracker.run("CLIENT TRACKING ON"), "OK");
    assert_eq!(tracker.run("CLIENT GETREDIR"), "0");
}

#[test]
fn a_client_is_told_that_the_receiver_of_its_messages_is_gone() {
    let server = TestServer::new();
    let (mut receiver, mut writer) = (server.client(), server.client());
    let id = receiver.run("CLIENT ID");
    let mut tracker = tracker(&server, &format!(" REDIRECT {id}"));
    run_all(&mut tracker, &["GET a", "GET b"]);
    assert_eq!(writer.run(&format!("CLIENT KILL ID {id}")), "1");
    run_all(&mut writer, &["SET a 1"]);
    assert_eq!(tracker.reply(), format!("[\"tracking-redir-broken\", {id}]"));
    let info = tracker.run("CLIENT TRACKINGINFO");
    let expected =
        format!("{{\"flags\": [\"on\", \"broken_redirect\"], \"redirect\": {id}, \"prefixes\": []}}");
    assert_eq!(info, expected);
    assert!(tracker.run("CLIENT LIST").contains(" flags=tR "));
    run_all(&mut writer, &["SET b 1"]);
    assert_eq!(tracker.reply(), format!("[\"tracking-redir-broken\", {id}]"));
    let missing = tracker.run(&format!("CLIENT TRACKING ON REDIRECT {id}"));
    assert_eq!(missing, "!ERR The client ID you want redirect to does not exist");
    run_all(&mut tracker, &["CLIENT TRACKING ON"]);
    assert!(tracker.run("CLIENT LIST").contains(" flags=t "));
}

#[test]
fn a_client_that_leaves_is_forgotten() {
    let server = TestServer::new();
    let mut writer = server.client();
    let (mut one, mut two) = (tracker(&server, ""), tracker(&server, " BCAST PREFIX a PREFIX b"));
    run_all(&mut one, &["MGET x y"]);
    let counts = |client: &mut TestClient| {
        ["clients", "total_keys", "total_items", "total_prefixes"]
            .map(|name| number(client, &format!("tracking_{name}")))
    };
    assert_eq!(counts(&mut writer), [2, 2, 2, 2]);
    run_all(&mut two, &["PING"]);
    drop(two);
    let start = Instant::now();
    while counts(&mut writer) != [1, 2, 2, 0] {
        assert!(start.elapsed() < Duration::from_secs(5), "the client stays");
    }
    drop(one);
    while counts(&mut writer) != [0, 0, 0, 0] {
        assert!(start.elapsed() < Duration::from_secs(5), "the client stays");
    }
    run_all(&mut writer, &["MSET x 1 y 2 a 3"]);
}

#[test]
fn noloop_leaves_out_what_the_client_has_changed_itself() {
    let server = TestServer::new();
    let (mut tracker, mut writer) = (tracker(&server, " NOLOOP"), server.client());
    run_all(&mut tracker, &["MGET a b", "SET a 1", "PING"]);
    run_all(&mut writer, &["SET b 1"]);
    assert_eq!(tracker.reply(), invalidate(&["b"]));
    run_all(&mut tracker, &["CLIENT TRACKING OFF", "CLIENT TRACKING ON BCAST NOLOOP", "SET a 2", "PING"]);
    run_all(&mut writer, &["MSET a 3 b 3"]);
    assert_eq!(tracker.reply(), invalidate(&["a", "b"]));
    // A key that is lost is told, even if a command of the client was the last one to change it.
    run_all(&mut tracker, &["SET a 1 PX 20"]);
    assert_eq!(tracker.reply(), invalidate(&["a"]));
}

#[test]
fn optin_and_optout_have_exceptions_for_one_command_or_transaction() {
    let server = TestServer::new();
    let (mut tracker, mut writer) = (tracker(&server, " OPTIN"), server.client());
    let flags = |tracker: &mut TestClient| tracker.run("CLIENT TRACKINGINFO");
    run_all(&mut tracker, &["GET a", "CLIENT CACHING YES"]);
    assert!(flags(&mut tracker).contains("[\"on\", \"optin\", \"caching-yes\"]"));
    run_all(
        &mut tracker,
        &["GET b", "GET c", "CLIENT CACHING YES", "MULTI", "GET d", "GET e", "EXEC", "GET f"],
    );
    assert!(flags(&mut tracker).contains("[\"on\", \"optin\"]"));
    for key in ["a", "b", "c", "d", "e", "f"] {
        run_all(&mut writer, &[&format!("SET {key} 1")]);
    }
    for key in ["b", "d", "e"] {
        assert_eq!(tracker.reply(), invalidate(&[key]));
    }
    assert!(tracker.run("CLIENT CACHING NO").contains("only valid when tracking is enabled in OPTOUT"));
    assert!(tracker.run("CLIENT TRACKING ON OPTOUT").contains("can't switch OPTIN/OPTOUT"));
    run_all(&mut tracker, &["CLIENT TRACKING OFF", "CLIENT TRACKING ON OPTOUT"]);
    run_all(&mut tracker, &["GET a", "CLIENT CACHING NO", "GET b", "GET c"]);
    run_all(&mut writer, &["SET a 1", "SET b 1", "SET c 1"]);
    for key in ["a", "c"] {
        assert_eq!(tracker.reply(), invalidate(&[key]));
    }
    assert_eq!(tracker.run("PING"), "PONG");
}

#[test]
fn bcast_tells_all_changes_of_keys_with_a_prefix_in_one_message() {
    let server = TestServer::new();
    let (mut tracker, mut writer) = (tracker(&server, " BCAST PREFIX a: PREFIX b:"), server.client());
    let mut commands = Vec::new();
    for command in ["SET a:2 1", "SET c:1 1", "SET a:1 1", "SET b:1 1", "INCR a:2"] {
        let arguments: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        commands.extend(encode(&arguments));
    }
    writer.send(&commands);
    (0..5).for_each(|_| drop(writer.reply()));
    assert_eq!(tracker.reply(), invalidate(&["a:1", "a:2"]));
    assert_eq!(tracker.reply(), invalidate(&["b:1"]));
    assert!(tracker.run("CLIENT LIST").contains(" flags=tB "));
    // More prefixes are added to those that are there.
    run_all(&mut tracker, &["CLIENT TRACKING ON BCAST PREFIX c:"]);
    let info = tracker.run("CLIENT TRACKINGINFO");
    assert!(info.contains("\"flags\": [\"on\", \"bcast\"]"), "{info}");
    assert!(info.ends_with("\"prefixes\": [\"a:\", \"b:\", \"c:\"]}"), "{info}");
    run_all(&mut writer, &["DEL c:1"]);
    assert_eq!(tracker.reply(), invalidate(&["c:1"]));
    run_all(&mut tracker, &["CLIENT TRACKING OFF", "CLIENT TRACKING ON BCAST"]);
    assert_eq!(number(&mut writer, "tracking_total_prefixes"), 1);
    run_all(&mut writer, &["SET any 1"]);
    assert_eq!(tracker.reply(), invalidate(&["any"]));
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let server = TestServer::new();
    let mut client = server.client();
    let id = client.run("CLIENT ID");
    for (options, error) in [
        ("MAYBE", "syntax error"),
        ("ON WHAT", "syntax error"),
        ("ON REDIRECT", "syntax error"),
        ("ON REDIRECT 12345", "does not exist"),
        ("ON REDIRECT -1", "does not exist"),
        (&format!("ON REDIRECT {id} REDIRECT {id}"), "single other client"),
        ("ON PREFIX a", "requires BCAST"),
        ("ON BCAST OPTIN", "not compatible with BCAST"),
        ("ON OPTIN OPTOUT", "both OPTIN mode and OPTOUT"),
        ("ON BCAST PREFIX ab PREFIX abc", "'ab' overlaps with another provided prefix 'abc'"),
        ("ON BCAST PREFIX x PREFIX abc PREFIX ab", "'abc' overlaps with another provided prefix 'ab'"),
    ] {
        let reply = client.run(&format!("CLIENT TRACKING {options}"));
        assert!(reply.starts_with("!ERR") && reply.contains(error), "{options}: {reply}");
    }
    assert!(client.run("CLIENT CACHING YES").starts_with("!ERR CLIENT CACHING can be called only when"));
    assert_eq!(client.run("CLIENT GETREDIR"), "-1");
    assert_eq!(
        client.run("CLIENT TRACKINGINFO"),
        "[\"flags\", [\"off\"], \"redirect\", -1, \"prefixes\", []]"
    );
    run_all(&mut client, &["CLIENT TRACKING ON BCAST PREFIX abc"]);
    for (options, error) in [
        ("ON", "can't switch BCAST mode"),
        ("ON BCAST PREFIX ab", "'ab' overlaps with an existing prefix 'abc'"),
        ("ON BCAST PREFIX abcd", "'abcd' overlaps with an existing prefix 'abc'"),
    ] {
        let reply = client.run(&format!("CLIENT TRACKING {options}"));
        assert!(reply.starts_with("!ERR") && reply.contains(error), "{options}: {reply}");
    }
}

#[test]
fn keys_that_expire_or_are_evicted_are_told() {
    let server = TestServer::new();
    let (mut tracker, mut writer) = (tracker(&server, ""), server.client());
    run_all(&mut writer, &["SET a 1 PX 50"]);
    run_all(&mut tracker, &["GET a"]);
    assert_eq!(tracker.reply(), invalidate(&["a"]));
    writer.run_args(&[b"SET", b"large", &[b'x'; 100_000]]);
    run_all(&mut tracker, &["STRLEN large", "CONFIG SET maxmemory-policy allkeys-lru"]);
    // The next command of the tracker evicts the key, and the message is before its reply.
    let limit = number(&mut writer, "used_memory") - 50_000;
    run_all(&mut writer, &[&format!("CONFIG SET maxmemory {limit}")]);
    assert_eq!(tracker.run("EXISTS large"), invalidate(&["large"]));
    assert_eq!(tracker.reply(), "0");
    run_all(&mut writer, &["CONFIG SET maxmemory 0"]);
}

#[test]
fn tables_that_are_swapped_or_flushed_make_all_copies_old() {
    let server = TestServer::new();
    let (mut tracker, mut writer) = (tracker(&server, ""), server.client());
    for command in ["FLUSHDB", "FLUSHALL ASYNC", "SWAPDB 0 1"] {
        run_all(&mut tracker, &["MGET a b"]);
        assert_eq!(number(&mut writer, "tracking_total_items"), 2);
        run_all(&mut writer, &[command]);
        assert_eq!(tracker.reply(), "[\"invalidate\", nil]", "{command}");
        assert_eq!(number(&mut writer, "tracking_total_keys"), 0);
    }
}

#[test]
fn keys_beyond_the_limit_of_the_table_are_told() {
    let server = TestServer::with("tracking-table-max-keys 10");
    let mut tracker = tracker(&server, "");
    let mut told = 0;
    for n in 0..500 {
        let mut reply = tracker.run(&format!("GET key:{n}"));
        while reply.starts_with("[\"invalidate\", [\"key:") {
            told += 1;
            reply = tracker.reply();
        }
        assert_eq!(reply, "nil");
    }
    assert!((480..=490).contains(&told), "{told}");
    run_all(&mut server.client(), &["CONFIG SET tracking-table-max-keys 3"]);
    while told < 497 {
        assert!(tracker.reply().starts_with("[\"invalidate\", [\"key:"));
        told += 1;
    }
    assert_eq!(number(&mut server.client(), "tracking_total_keys"), 3);
}

#[test]
fn messages_arrive_although_replies_are_off() {
    let server = TestServer::new();
    let (mut tracker, mut writer) = (tracker(&server, ""), server.client());
    run_all(&mut tracker, &["MGET a b"]);
    tracker.send(&encode(&[b"CLIENT", b"REPLY", b"OFF"]));
    tracker.send(&encode(&[b"SET", b"b", b"1"]));
    assert_eq!(tracker.reply(), invalidate(&["b"]));
    run_all(&mut writer, &["SET a 1"]);
    assert_eq!(tracker.reply(), invalidate(&["a"]));
    assert_eq!(tracker.run("CLIENT REPLY ON"), "OK");
}

#[test]
fn reset_ends_tracking() {
    let server = TestServer::new();
    let mut tracker = tracker(&server, " BCAST");
    assert_eq!(tracker.run("RESET"), "RESET");
    assert_eq!(tracker.run("CLIENT GETREDIR"), "-1");
    assert_eq!(number(&mut tracker, "tracking_clients"), 0);
}

#[test]
fn evictions_that_are_told_to_many_clients_evict_no_more_keys() {
    let server = TestServer::with("maxmemory-policy allkeys-lru");
    let mut writer = server.client();
    let mut trackers: Vec<TestClient> = (0..10).map(|_| tracker(&server, "")).collect();
    for n in 0..300 {
        let key = format!("{n}{}", "x".repeat(1_000));
        run_all(&mut writer, &[&format!("SET {key} 1")]);
        for tracker in &mut trackers {
            assert_eq!(tracker.run(&format!("GET {key}")), "\"1\"");
        }
    }
    let limit = number(&mut writer, "used_memory") - 40_000;
    run_all(&mut writer, &[&format!("CONFIG SET maxmemory {limit}")]);
    (0..5).for_each(|_| run_all(&mut writer, &["PING"]));
    let left: usize = writer.run("DBSIZE").parse().unwrap();
    assert!((200..300).contains(&left), "{left} keys are left");
    for tracker in &mut trackers {
        assert!(tracker.reply().starts_with("[\"invalidate\", "));
    }
}

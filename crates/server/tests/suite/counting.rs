//! Tests of the counters and events of commands: look-ups, changes, and keys that a look-up finds expired.

use crate::harness::{TestClient, TestServer, encode};
use std::time::{Duration, Instant};

/// Returns the value of a counter in `INFO`.
fn counter(client: &mut TestClient, name: &str) -> i64 {
    let info = client.run("INFO");
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("{name}")).trim().parse().unwrap()
}

/// A client that is subscribed to the events of keys.
struct Listener(TestClient);

impl Listener {
    fn new(server: &TestServer) -> Self {
        assert_eq!(server.client().run("CONFIG SET notify-keyspace-events AEm"), "OK");
        let mut client = server.client();
        client.run("PSUBSCRIBE __keyevent@*");
        Self(client)
    }

    /// Returns the events since the last call. Each has the form `event key`.
    fn events(&mut self, client: &mut TestClient) -> Vec<String> {
        client.run("PUBLISH __keyevent@end end");
        let mut events = Vec::new();
        loop {
            let message = self.0.reply();
            let words: Vec<&str> = message.split('"').skip(5).step_by(2).collect();
            match words[..] {
                ["__keyevent@end", _] => return events,
                [channel, key] => events.push(format!("{} {key}", channel.split(':').nth(1).unwrap())),
                _ => panic!("{message}"),
            }
        }
    }
}

#[test]
fn each_look_up_for_reading_is_counted_and_each_miss_is_published() {
    let server = TestServer::new();
    let (mut client, mut listener) = (server.client(), Listener::new(&server));
    for command in
        ["SET s abc", "RPUSH l 3 1 2", "SADD set a", "ZADD z 1 a", "HSET h f v", "SET w1 3", "SET x 1"]
    {
        client.run(command);
    }
    listener.events(&mut client);
    for (command, hits, missed) in [
        ("GET no", 0, "no"),
        ("STRLEN s", 1, ""),
        ("STRLEN no", 0, "no"),
        ("GETRANGE no 0 1", 0, "no"),
        ("GETRANGE l 0 1", 1, ""),
        ("MGET s no l", 2, "no"),
        ("SET no2 v GET", 0, "no2"),
        ("SET no2 v", 0, ""),
        ("GETSET no2 w", 1, ""),
        ("GETEX no EX 9", 0, "no"),
        ("GETEX s PERSIST", 1, ""),
        ("GETDEL no2", 1, ""),
        ("GETDEL no2", 0, "no2"),
        ("BITOP AND to s no", 1, "no"),
        ("BITFIELD no GET u8 0", 0, "no"),
        ("LCS s no", 1, "no"),
        ("LCS l s", 2, ""),
        ("COPY no to", 0, "no"),
        ("ZUNION 3 z no set", 2, "no"),
        ("ZINTERCARD 2 z no", 1, "no"),
        ("ZRANGESTORE to no 0 -1", 0, "no"),
        ("ZRANDMEMBER no 2", 0, "no"),
        ("SINTER set no l set", 2, "no"),
        ("SORT l BY w*", 2, "w1"),
        ("SORT l BY w* GET h->f GET x", 2, "w1"),
        ("SORT no", 0, "no"),
        ("HGET l f", 1, ""),
        ("TYPE no", 0, "no"),
        ("OBJECT ENCODING s", 1, ""),
        ("LPOP l 0", 0, ""),
        ("SPOP no", 0, ""),
    ] {
        let before = (counter(&mut client, "keyspace_hits"), counter(&mut client, "keyspace_misses"));
        client.run(command);
        let events = listener.events(&mut client);
        let misses: Vec<&str> = events.iter().filter_map(|event| event.strip_prefix("keymiss ")).collect();
        let missed: Vec<&str> = missed.split(' ').filter(|key| !key.is_empty()).collect();
        // Two elements of the list have no weight, so `SORT` misses two keys.
        let missed = if missed == ["w1"] { vec!["w3", "w2"] } else { missed };
        assert_eq!(misses, missed, "{command}");
        let after = (counter(&mut client, "keyspace_hits"), counter(&mut client, "keyspace_misses"));
        assert_eq!((after.0 - before.0, after.1 - before.1), (hits, missed.len() as i64), "{command}");
    }
    let misses = counter(&mut client, "keyspace_misses");
    client.run("OBJECT ENCODING no");
    assert_eq!(counter(&mut client, "keyspace_misses"), misses + 1);
    assert!(listener.events(&mut client).is_empty(), "an inspection publishes no miss");
}

#[test]
fn a_key_that_has_expired_goes_when_a_command_looks_it_up() {
    let server = TestServer::new();
    let (mut client, mut listener) = (server.client(), Listener::new(&server));
    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
    client.run("SET there 1");
    let mut expired = 0;
    for (command, last) in [
        ("GET k", "keymiss k"),
        ("MGET there k", "keymiss k"),
        ("GETRANGE k 0 1", "keymiss k"),
        ("ZUNION 2 k there2", "keymiss there2"),
        ("HGET k f", "keymiss k"),
        ("LLEN k", "keymiss k"),
        ("TTL k", "keymiss k"),
        ("OBJECT ENCODING k", "expired k"),
        ("SET k v XX", "expired k"),
        ("LPUSHX k v", "expired k"),
        ("LPOP k", "expired k"),
        ("LMOVE k other LEFT LEFT", "expired k"),
        ("SPOP k", "expired k"),
        ("SMOVE k other m", "expired k"),
        ("ZREM k m", "expired k"),
        ("SETRANGE k 0 ", "expired k"),
        ("RENAME k other", "expired k"),
        ("MOVE k 1", "expired k"),
        ("COPY there k", "copy_to k"),
        ("DEL k", "expired k"),
        ("INCR k", "incrby k"),
        ("SET k v", "set k"),
        ("SADD k m", "sadd k"),
    ] {
        client.run("DEL k");
        client.run("SET k v PX 1");
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(client.run("DBSIZE"), "2", "no command has looked for the key");
        listener.events(&mut client);
        client.run(command);
        let events = listener.events(&mut client);
        assert_eq!((&events[0][..], &events.last().unwrap()[..]), ("expired k", last), "{command}");
        expired += 1;
        assert_eq!(counter(&mut client, "expired_keys"), expired, "{command}");
    }
}

#[test]
fn a_scan_removes_the_expired_keys_that_match() {
    let server = TestServer::new();
    let (mut client, mut listener) = (server.client(), Listener::new(&server));
    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
    for command in ["SET a 1", "SET b 1 PX 1", "SET c 1 PX 1", "SADD set a", "PEXPIRE set 1"] {
        client.run(command);
    }
    std::thread::sleep(Duration::from_millis(3));
    listener.events(&mut client);
    assert_eq!(client.run("SCAN 0 COUNT 100 TYPE stream"), "[\"0\", []]");
    assert_eq!(client.run("SCAN 0 COUNT 100 TYPE string MATCH [ab]"), "[\"0\", [\"a\"]]");
    assert_eq!(listener.events(&mut client), ["expired b"]);
    assert_eq!(client.run("SCAN 0 COUNT 100"), "[\"0\", [\"a\"]]");
    assert_eq!((client.run("DBSIZE"), counter(&mut client, "expired_keys")), ("1".into(), 3));
    assert_eq!(client.run("SCAN 0 TYPE nothing"), "!ERR unknown type name 'nothing'");
}

#[test]
fn a_watched_key_that_another_client_finds_expired_fails_the_transaction() {
    let server = TestServer::new();
    let (mut client, mut other) = (server.client(), server.client());
    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
    client.run("SET k v PX 20");
    client.run("WATCH k");
    std::thread::sleep(Duration::from_millis(25));
    assert_eq!(other.run("GET k"), "nil");
    client.run("MULTI");
    client.run("PING");
    assert_eq!(client.run("EXEC"), "nil");
}

#[test]
fn changes_are_counted_by_element() {
    let server = TestServer::new();
    let mut client = server.client();
    for (command, changes) in [
        ("RPUSH l a b c d e f g", 7),
        ("LPUSHX no a", 0),
        ("LPOP l 2", 2),
        ("LPOP l", 1),
        ("LTRIM l 0 -1", 0),
        ("LTRIM l 1 -2", 2),
        ("LMOVE l l2 LEFT LEFT", 1),
        ("LMOVE l l LEFT RIGHT", 1),
        ("RPUSH l x x", 2),
        ("LREM l 0 x", 2),
        ("LREM l 0 x", 0),
        ("LMPOP 2 l2 l LEFT COUNT 9", 1),
        ("SADD s a b c", 3),
        ("SADD s a", 0),
        ("SMOVE s t a", 2),
        ("SMOVE s t a", 0),
        ("SPOP s 9", 2),
        ("SUNIONSTORE u t t", 1),
        ("HSET h a 1 b 2", 2),
        ("HDEL h a b c", 2),
        ("ZADD z 1 a 2 b 3 c", 3),
        ("ZADD z 1 a 5 b", 1),
        ("ZREM z a x", 1),
        ("ZPOPMAX z 5", 2),
        ("ZREMRANGEBYRANK z 0 -1", 0),
        ("MSET a 1 b 2", 2),
        ("SETRANGE a 0 ", 0),
        ("BITFIELD f SET u8 0 1 SET u8 8 1", 2),
        ("BITFIELD f OVERFLOW FAIL SET u8 100 300", 0),
        ("RENAME a c", 1),
        ("MOVE c 1", 1),
        ("SWAPDB 0 0", 1),
        ("RPUSH n 3 1 2", 3),
        ("SORT n STORE n2", 3),
        ("SORT no STORE n2", 1),
        ("GET n2", 0),
        ("EXPIRE no 9", 0),
    ] {
        let before = counter(&mut client, "rdb_changes_since_last_save");
        client.run(command);
        assert_eq!(counter(&mut client, "rdb_changes_since_last_save") - before, changes, "{command}");
    }
}

#[test]
fn a_reply_without_end_stops_at_the_limit_of_the_client() {
    let server = TestServer::with("client-output-buffer-limit normal 1mb 0 0");
    let mut client = server.client();
    client.run("SADD set member");
    client.run("HSET hash field value");
    client.run("ZADD zset 1 member");
    client.run("DEBUG POPULATE 100000 a-key-with-a-long-name");
    for command in [
        "SCAN 0 COUNT 9223372036854775807",
        "SRANDMEMBER set -9223372036854775807",
        "HRANDFIELD hash -4611686018427387903 WITHVALUES",
        "ZRANDMEMBER zset -4611686018427387903 WITHSCORES",
    ] {
        let mut greedy = server.client();
        let start = Instant::now();
        let arguments: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        greedy.send(&encode(&arguments));
        greedy.rest();
        assert!(start.elapsed() < Duration::from_secs(5), "{command}");
        assert_eq!(client.run("PING"), "PONG");
    }
    assert_eq!(counter(&mut client, "client_output_buffer_limit_disconnections"), 4);
}

#[test]
fn a_scan_stops_at_the_limit_of_the_client() {
    let server = TestServer::with("client-output-buffer-limit normal 100kb 0 0");
    let mut client = server.client();
    for n in 0..200 {
        let member = format!("{n}:{}", "m".repeat(1_000));
        client.run(&format!("SADD set {member}"));
        client.run(&format!("SET {member} value"));
    }
    for command in
        [&[&b"SSCAN"[..], b"set", b"0", b"COUNT", b"1000"][..], &[b"SCAN", b"0", b"COUNT", b"1000"]]
    {
        let mut greedy = server.client();
        greedy.send(&encode(command));
        greedy.rest();
    }
    assert_eq!(counter(&mut client, "client_output_buffer_limit_disconnections"), 2);
}

#[test]
fn a_client_that_waits_is_served_before_a_held_command_takes_its_key() {
    let server = TestServer::new();
    let (mut admin, mut waiting) = (server.client(), server.client());
    let (mut pusher, mut popper) = (server.client(), server.client());
    waiting.send(&encode(&[b"BLPOP", b"k", b"0"]));
    wait_for(&mut admin, "blocked_clients", 1);
    assert_eq!(admin.run("CLIENT PAUSE 100000 WRITE"), "OK");
    pusher.send(&encode(&[b"RPUSH", b"k", b"x"]));
    wait_for(&mut admin, "blocked_clients", 2);
    popper.send(&encode(&[b"LPOP", b"k"]));
    wait_for(&mut admin, "blocked_clients", 3);
    assert_eq!(admin.run("CLIENT UNPAUSE"), "OK");
    assert_eq!(popper.reply(), "nil");
    assert!(waiting.reply().contains("\"x\""));
}

#[test]
fn a_scan_removes_no_expired_key_during_a_pause() {
    let server = TestServer::new();
    let mut client = server.client();
    client.run("SET k v PX 60");
    assert_eq!(client.run("CLIENT PAUSE 100000 WRITE"), "OK");
    std::thread::sleep(Duration::from_millis(100));
    client.run("SCAN 0");
    assert_eq!(counter(&mut client, "expired_keys"), 0);
    assert_eq!(client.run("CLIENT UNPAUSE"), "OK");
}

#[test]
fn a_command_that_waits_is_counted_once() {
    let server = TestServer::new();
    let (mut client, mut waiting) = (server.client(), server.client());
    let before = counter(&mut client, "total_commands_processed");
    waiting.send(&encode(&[b"BLPOP", b"k", b"0.05"]));
    assert_eq!(waiting.reply(), "nil");
    // `INFO` is counted after its reply is written. So the difference includes `BLPOP` and the first `INFO`.
    assert_eq!(counter(&mut client, "total_commands_processed") - before, 2);
}

#[test]
fn a_key_that_a_command_names_twice_is_new_once() {
    let server = TestServer::new();
    let (mut client, mut listener) = (server.client(), Listener::new(&server));
    client.run("CONFIG SET notify-keyspace-events En");
    client.run("MSET b 1 a 1 b 2");
    assert_eq!(listener.events(&mut client), ["new b", "new a"]);
}

/// Waits until a counter in `INFO` has this value. Panics after ten seconds.
fn wait_for(client: &mut TestClient, name: &str, value: i64) {
    let end = Instant::now() + Duration::from_secs(10);
    while counter(client, name) != value {
        assert!(Instant::now() < end, "{name} is not {value}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

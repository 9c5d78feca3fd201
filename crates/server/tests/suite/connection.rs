//! Connections: passwords, databases, limits and timeouts.

use crate::harness::{TestClient, TestServer, encode};

#[test]
fn a_client_needs_the_password() {
    let server = TestServer::with("requirepass secret");
    let mut client = server.client();
    assert_eq!(client.run("GET key"), "!NOAUTH Authentication required.");
    assert!(client.run("AUTH wrong").starts_with("!WRONGPASS"));
    assert!(client.run("AUTH someone secret").starts_with("!WRONGPASS"));
    assert!(client.run("HELLO 3").starts_with("!NOAUTH"));
    assert!(client.run("HELLO 3 AUTH default secret WRONG").starts_with("!ERR Syntax error in HELLO"));
    assert_eq!(client.run("GET key"), "!NOAUTH Authentication required.");
    assert_eq!(client.run("AUTH secret"), "OK");
    assert_eq!(client.run("GET key"), "nil");
    let mut client = server.client();
    assert!(client.run("HELLO 3 AUTH default secret SETNAME me").starts_with('{'));
    assert_eq!(client.run("GET key"), "nil");
}

#[test]
fn databases_are_apart() {
    let server = TestServer::with("databases 3");
    let mut client = server.client();
    assert_eq!(client.run("SET key zero"), "OK");
    assert_eq!(client.run("SELECT 2"), "OK");
    assert_eq!(client.run("GET key"), "nil");
    assert_eq!(client.run("SWAPDB 0 2"), "OK");
    assert_eq!(client.run("GET key"), "\"zero\"");
    assert_eq!(client.run("SELECT 3"), "!ERR DB index is out of range");
    assert_eq!(client.run("DBSIZE"), "1");
    assert_eq!((client.run("FLUSHALL"), client.run("DBSIZE")), ("OK".into(), "0".into()));
}

#[test]
fn clients_beyond_maxclients_are_refused() {
    let server = TestServer::with("maxclients 2");
    let (mut one, mut two) = (server.client(), server.client());
    assert_eq!((one.run("PING"), two.run("PING")), ("PONG".into(), "PONG".into()));
    assert_eq!(server.client().rest(), "-ERR max number of clients reached\r\n");
    assert_eq!(one.run("QUIT"), "OK");
    assert_eq!(one.rest(), "");
    assert_eq!(server.client().run("PING"), "PONG");
}

#[test]
fn a_client_that_reads_nothing_is_closed_at_its_limit() {
    let server = TestServer::with("client-output-buffer-limit normal 30mb 0 0");
    let mut client = server.client();
    assert_eq!(client.run_args(&[b"SET", b"key", &vec![b'x'; 1_000_000]]), "OK");
    client.send(&encode(&[b"GET", b"key"]).repeat(100));
    let received = client.rest().len();
    assert!(received < 100_000_000, "{received}");
    assert_eq!(server.client().run("PING"), "PONG");
}

#[test]
fn a_client_that_was_killed_takes_no_element() {
    let server = TestServer::new();
    let (mut waiting, mut other) = (server.client(), server.client());
    let id = waiting.run("CLIENT ID");
    waiting.send(&encode(&[b"BLPOP", b"list", b"0"]));
    while !other.run("INFO clients").contains("blocked_clients:1") {}
    let kill = encode(&[b"CLIENT", b"KILL", b"ID", id.as_bytes()]);
    other.send(&[kill, encode(&[b"LPUSH", b"list", b"x"])].concat());
    assert_eq!((other.reply(), other.reply()), ("1".into(), "1".into()));
    assert_eq!(waiting.rest(), "");
    assert_eq!(other.run("LLEN list"), "1");
}

#[test]
fn a_held_command_of_a_client_that_was_killed_does_not_run() {
    let server = TestServer::new();
    let (mut held, mut other) = (server.client(), server.client());
    let id = held.run("CLIENT ID");
    assert_eq!(other.run("CLIENT PAUSE 100000 WRITE"), "OK");
    held.send(&encode(&[b"SET", b"key", b"x"]));
    while !other.run("INFO clients").contains("blocked_clients:1") {}
    let kill = encode(&[b"CLIENT", b"KILL", b"ID", id.as_bytes()]);
    other.send(&[kill, encode(&[b"CLIENT", b"UNPAUSE"])].concat());
    assert_eq!((other.reply(), other.reply()), ("1".into(), "OK".into()));
    assert_eq!(held.rest(), "");
    assert_eq!(other.run("EXISTS key"), "0");
}

#[test]
fn keys_with_an_expiry_are_evicted_in_every_database() {
    let server = TestServer::with("maxmemory 12mb\nmaxmemory-policy volatile-lru");
    let mut client = server.client();
    assert_eq!(client.run_args(&[b"SET", b"lasting", &vec![b'x'; 5_000_000]]), "OK");
    assert_eq!(client.run("SELECT 1"), "OK");
    for key in 0..20 {
        let key = format!("key:{key}");
        let value = vec![b'x'; 1_000_000];
        assert_eq!(client.run_args(&[b"SET", key.as_bytes(), &value, b"EX", b"1000"]), "OK");
    }
    assert_eq!((client.run("EXISTS key:0"), client.run("EXISTS key:19")), ("0".into(), "1".into()));
}

#[test]
fn idle_clients_are_closed_after_the_timeout() {
    let server = TestServer::with("timeout 1\nhz 100");
    let mut client = server.client();
    assert_eq!(client.run("PING"), "PONG");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_client_that_waits_is_served_before_the_next_command_of_a_pipeline() {
    let server = TestServer::new();
    let (mut first, mut second) = (server.client(), server.client());
    first.send(b"BLPOP list 0\r\n");
    while !second.run("CLIENT LIST").contains("flags=b") {}
    second.send(b"RPUSH list a\r\nBLPOP list 0\r\nPING\r\n");
    assert_eq!(first.reply(), "[\"list\", \"a\"]");
    assert_eq!(second.reply(), "1");
    assert_eq!(first.run("RPUSH list b"), "1");
    assert_eq!(second.reply(), "[\"list\", \"b\"]");
    assert_eq!(second.reply(), "PONG");
}

#[test]
fn addresses_of_ipv6_are_listened_on_and_missing_ones_may_be_marked() {
    let server = TestServer::with("bind 127.0.0.1 -::* -192.0.2.77");
    assert_eq!(server.client().run("PING"), "PONG");
    // Not every machine has IPv6.
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        let socket = std::net::TcpStream::connect(("::1", server.port)).unwrap();
        assert_eq!(TestClient::new(socket).run("PING"), "PONG");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_system_probes_idle_connections() {
    let server = TestServer::with("tcp-keepalive 100");
    let mut client = server.client();
    let kept = client.local_port();
    assert_eq!(client.run("CONFIG SET tcp-keepalive 0"), "OK");
    let mut client = server.client();
    let other = client.local_port();
    client.run("PING");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let timer = |port: u16| {
        let (own, remote) = (format!(":{:04X}", server.port), format!(":{port:04X}"));
        let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = lines.find(|words| words[1].ends_with(&own) && words[2].ends_with(&remote));
        line.unwrap()[5].starts_with("02:")
    };
    assert!(timer(kept) && !timer(other));
}

#[test]
fn client_reply_also_drops_the_reply_of_a_wait() {
    let server = TestServer::new();
    let (mut waiting, mut other) = (server.client(), server.client());
    let id = waiting.run("CLIENT ID");
    let wait_until_blocked =
        |other: &mut TestClient| while !other.run("INFO clients").contains("blocked_clients:1") {};
    waiting.send(b"CLIENT REPLY SKIP\r\nBLPOP list 0\r\nPING 1\r\n");
    wait_until_blocked(&mut other);
    assert_eq!(other.run("RPUSH list a"), "1");
    assert_eq!(waiting.reply(), "\"1\"", "woken");
    waiting.send(b"CLIENT REPLY SKIP\r\nBLPOP list 0.05\r\nPING 2\r\n");
    assert_eq!(waiting.reply(), "\"2\"", "after the timeout");
    waiting.send(b"CLIENT REPLY OFF\r\nBLPOP list 0\r\nPING\r\nCLIENT REPLY ON\r\n");
    wait_until_blocked(&mut other);
    assert_eq!(other.run(&format!("CLIENT UNBLOCK {id} ERROR")), "1");
    assert_eq!(waiting.reply(), "OK", "unblocked");
}

#[test]
fn a_pause_comes_after_all_reasons_to_refuse_a_command() {
    let server = TestServer::with("requirepass secret");
    let (mut client, mut other) = (server.client(), server.client());
    assert_eq!(client.run("AUTH secret"), "OK");
    assert_eq!(client.run("SET key x PX 20"), "OK");
    assert_eq!(client.run("CLIENT PAUSE 100000 WRITE"), "OK");
    assert_eq!(client.run("SET a"), "!ERR wrong number of arguments for 'set' command");
    assert_eq!(other.run("SET a b"), "!NOAUTH Authentication required.");
    std::thread::sleep(std::time::Duration::from_millis(250));
    assert_eq!(client.run("GET key"), "nil");
    assert_eq!(client.run("DBSIZE"), "1", "the key stays while the server is paused");
    assert_eq!(client.run("CLIENT UNPAUSE"), "OK");
    while client.run("DBSIZE") != "0" {}
}

#[test]
fn getex_counts_one_access() {
    let server = TestServer::with("maxmemory-policy allkeys-lfu\nlfu-log-factor 0");
    let mut client = server.client();
    client.run("SET key x");
    for (command, freq) in [
        ("GETEX key", "6"),
        ("GETEX key EX 100", "7"),
        ("GETEX key PERSIST", "8"),
        ("GETEX key PERSIST", "9"),
    ] {
        assert_eq!(
            (client.run(command), client.run("OBJECT FREQ key")),
            ("\"x\"".into(), freq.into()),
            "{command}"
        );
    }
}

#[test]
fn commands_of_a_client_that_does_not_touch_leave_the_clock_alone() {
    let server = TestServer::with("maxmemory-policy allkeys-lfu\nlfu-log-factor 0");
    let mut client = server.client();
    assert_eq!(client.run("SET key x"), "OK");
    client.run("DEBUG DIGEST-VALUE key");
    assert_eq!(client.run("OBJECT FREQ key"), "5", "DEBUG does not touch");
    assert_eq!(client.run("CLIENT NO-TOUCH ON"), "OK");
    assert_eq!((client.run("GET key"), client.run("OBJECT FREQ key")), ("\"x\"".into(), "5".into()));
    for write in
        ["SET key y", "APPEND key z", "SETRANGE key 0 a", "GETSET key x", "SET key x KEEPTTL", "EXPIRE key 9"]
    {
        client.run(write);
        assert_eq!(client.run("OBJECT FREQ key"), "5", "{write}");
    }
    for write in [
        "LPUSH list a",
        "LPUSH list b",
        "LPOP list",
        "INCR number",
        "INCRBY number 2",
        "INCRBYFLOAT number 1",
    ] {
        client.run(write);
    }
    assert_eq!(
        [client.run("OBJECT FREQ list"), client.run("OBJECT FREQ number")],
        ["5", "5"],
        "new keys have a clock"
    );
    client.run("MULTI");
    client.run("SET key x");
    client.run("GET key");
    client.run("EXEC");
    assert_eq!(client.run("OBJECT FREQ key"), "5");
    assert_eq!((client.run("TOUCH key"), client.run("OBJECT FREQ key")), ("1".into(), "6".into()));
    assert_eq!(client.run("RESET"), "RESET");
    assert_eq!((client.run("GET key"), client.run("OBJECT FREQ key")), ("\"x\"".into(), "7".into()));
}

#[test]
fn a_client_that_has_waited_longer_than_the_timeout_is_served_and_stays() {
    let server = TestServer::with("timeout 1\nhz 100");
    let mut waiting = server.client();
    waiting.send(b"BLPOP list 0\r\n");
    std::thread::sleep(std::time::Duration::from_millis(1_300));
    assert_eq!(server.client().run("RPUSH list a"), "1");
    assert_eq!(waiting.reply(), "[\"list\", \"a\"]");
    assert_eq!(waiting.run("PING"), "PONG");
}

#[test]
fn client_list_shows_clients_in_the_order_that_was_asked_for() {
    let server = TestServer::new();
    let (mut one, mut two) = (server.client(), server.client());
    let (first, second) = (one.run("CLIENT ID"), two.run("CLIENT ID"));
    let list = one.run(&format!("CLIENT LIST ID {second} {first} 77 {second}"));
    let ids = list.trim_matches('"').lines().map(|line| line.split(' ').next().unwrap().to_owned());
    assert_eq!(ids.collect::<Vec<_>>(), [&second, &first, &second].map(|id| format!("id={id}")));
}

//! Commands of each group, as tables of requests and replies. Redis' own suite has many more.

use crate::harness::{TestClient, TestServer, start_program};

/// Runs each command, and compares its reply.
fn check(client: &mut TestClient, rows: &[(&str, &str)]) {
    for (command, reply) in rows {
        assert_eq!(&client.run(command), reply, "{command}");
    }
}

const WRONG_TYPE: &str = "!WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn strings_are_set_and_edited() {
    let server = TestServer::new();
    check(
        &mut server.client(),
        &[
            ("SET a 1 NX EX 100", "OK"),
            ("SET a 2 NX", "nil"),
            ("SET a 2 GET KEEPTTL", "\"1\""),
            ("TTL a", "100"),
            ("INCRBY a 40", "42"),
            ("DECR a", "41"),
            ("INCRBYFLOAT a 0.5", "\"41.5\""),
            ("INCR a", "!ERR value is not an integer or out of range"),
            ("APPEND a 000", "7"),
            ("GETRANGE a -3 -1", "\"000\""),
            ("SETRANGE a 10 x", "11"),
            ("GETDEL a", "\"41.5000\0\0\0x\""),
            ("MSET a 1 b 2", "OK"),
            ("MSETNX b 3 c 4", "0"),
            ("MGET a b c", "[\"1\", \"2\", nil]"),
            ("SETEX a 0 x", "!ERR invalid expire time in 'setex' command"),
            ("SETBIT bits 7 1", "0"),
            ("BITCOUNT bits", "1"),
            ("BITFIELD bits GET u8 0 INCRBY u8 0 255", "[1, 0]"),
            ("LCS a b", "\"\""),
        ],
    );
}

#[test]
fn keys_are_moved_copied_and_expire() {
    let server = TestServer::new();
    check(
        &mut server.client(),
        &[
            ("SET a 1", "OK"),
            ("COPY a b", "1"),
            ("RENAME a c", "OK"),
            ("EXISTS a b c c", "3"),
            ("EXPIRE c 100 XX", "0"),
            ("EXPIRE c 100", "1"),
            ("PERSIST c", "1"),
            ("TTL c", "-1"),
            ("TTL nothing", "-2"),
            ("MOVE c 1", "1"),
            ("EXPIRE b -1", "1"),
            ("DBSIZE", "0"),
            ("RENAME a b", "!ERR no such key"),
            ("SET a 1", "OK"),
            ("OBJECT ENCODING a", "\"int\""),
            ("TYPE a", "string"),
            ("UNLINK a", "1"),
        ],
    );
}

#[test]
fn collections_are_edited_and_go_when_they_are_empty() {
    let server = TestServer::new();
    check(
        &mut server.client(),
        &[
            ("RPUSH list b c", "2"),
            ("LPUSH list a", "3"),
            ("LRANGE list 0 -1", "[\"a\", \"b\", \"c\"]"),
            ("LPOS list c", "2"),
            ("LINSERT list BEFORE b x", "4"),
            ("LPOP list 2", "[\"a\", \"x\"]"),
            ("LMOVE list other LEFT RIGHT", "\"b\""),
            ("LREM list 0 c", "1"),
            ("EXISTS list", "0"),
            ("SADD other x", WRONG_TYPE),
            ("SADD set 1 2 3", "3"),
            ("SINTERCARD 2 set set LIMIT 2", "2"),
            ("SDIFFSTORE rest set nothing", "3"),
            ("SMOVE set rest 1", "1"),
            ("SCARD set", "2"),
            ("SPOP set 5", "[\"2\", \"3\"]"),
            ("EXISTS set", "0"),
            ("SORT rest DESC LIMIT 0 2", "[\"3\", \"2\"]"),
            ("HSET hash a 1 b 2", "2"),
            ("HINCRBY hash a 5", "6"),
            ("HMGET hash a x b", "[\"6\", nil, \"2\"]"),
            ("HDEL hash a b", "2"),
            ("TYPE hash", "none"),
        ],
    );
}

#[test]
fn sorted_sets_are_ranged_and_combined() {
    let server = TestServer::new();
    check(
        &mut server.client(),
        &[
            ("ZADD z 1 a 2 b 3 c 4 d", "4"),
            ("ZADD z GT CH 0 a 5 b", "1"),
            ("ZRANGE z 0 -1 WITHSCORES", "[\"a\", \"1\", \"c\", \"3\", \"d\", \"4\", \"b\", \"5\"]"),
            ("ZRANGE z (1 +inf BYSCORE LIMIT 1 2", "[\"d\", \"b\"]"),
            ("ZRANGE z +inf (1 BYSCORE REV LIMIT 1 2", "[\"d\", \"c\"]"),
            ("ZREVRANGE z 0 0", "[\"b\"]"),
            ("ZRANK z d WITHSCORE", "[2, \"4\"]"),
            ("ZCOUNT z 3 4", "2"),
            (
                "ZRANGE z 0 -1 LIMIT 0 1",
                "!ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ),
            ("ZADD y 10 a 20 x", "2"),
            (
                "ZUNION 2 z y WEIGHTS 1 2 AGGREGATE MAX WITHSCORES",
                "[\"c\", \"3\", \"d\", \"4\", \"b\", \"5\", \"a\", \"20\", \"x\", \"40\"]",
            ),
            ("ZINTERSTORE both 2 z y", "1"),
            ("ZSCORE both a", "\"11\""),
            ("ZDIFF 2 z y", "[\"c\", \"d\", \"b\"]"),
            ("ZRANGESTORE some z 0 1", "2"),
            ("ZPOPMIN z 2", "[\"a\", \"1\", \"c\", \"3\"]"),
            ("ZREMRANGEBYSCORE z 0 100", "2"),
            ("EXISTS z", "0"),
            ("ZADD z nan a", "!ERR value is not a valid float"),
            ("ZMPOP 2 z some MAX COUNT 5", "[\"some\", [[\"c\", \"3\"], [\"a\", \"1\"]]]"),
        ],
    );
}

#[test]
fn a_transaction_runs_as_a_whole_or_not_at_all() {
    let server = TestServer::new();
    let (mut one, mut other) = (server.client(), server.client());
    check(
        &mut one,
        &[
            ("MULTI", "OK"),
            ("INCR n", "QUEUED"),
            ("LPUSH n x", "QUEUED"),
            ("INCR n", "QUEUED"),
            ("EXEC", &format!("[1, {WRONG_TYPE}, 2]")),
            ("MULTI", "OK"),
            ("NOTHING", "!ERR unknown command 'NOTHING', with args beginning with: "),
            ("EXEC", "!EXECABORT Transaction discarded because of previous errors."),
            ("WATCH n", "OK"),
        ],
    );
    check(&mut other, &[("SET n 10", "OK")]);
    check(&mut one, &[("MULTI", "OK"), ("INCR n", "QUEUED"), ("EXEC", "nil"), ("GET n", "\"10\"")]);
}

#[test]
fn blocked_clients_are_served_in_the_order_in_which_they_came() {
    let server = TestServer::new();
    let mut waiting: Vec<TestClient> = (0..3).map(|_| server.client()).collect();
    let mut client = server.client();
    for (number, blocked) in waiting.iter_mut().enumerate() {
        blocked.send(b"BLPOP list 10\r\n");
        while !client.run("INFO clients").contains(&format!("blocked_clients:{}", number + 1)) {}
    }
    assert_eq!(client.run("RPUSH list a b"), "2");
    assert_eq!(waiting[0].reply(), "[\"list\", \"a\"]");
    assert_eq!(waiting[1].reply(), "[\"list\", \"b\"]");
    // A value of another type does not wake the third one.
    check(&mut client, &[("SADD list x", "1"), ("DEL list", "1"), ("RPUSH list c", "1")]);
    assert_eq!(waiting[2].reply(), "[\"list\", \"c\"]");
    assert_eq!(client.run("BZPOPMIN z 0.01"), "nil");
}

#[test]
fn messages_and_events_reach_those_who_listen() {
    let server = TestServer::with("notify-keyspace-events KEA");
    let (mut listener, mut client) = (server.client(), server.client());
    assert_eq!(listener.run("SUBSCRIBE news"), "[\"subscribe\", \"news\", 1]");
    assert_eq!(listener.run("PSUBSCRIBE __keyevent@0__:*"), "[\"psubscribe\", \"__keyevent@0__:*\", 2]");
    assert!(listener.run("GET a").starts_with("!ERR Can't execute 'get'"));
    assert_eq!(client.run("PUBLISH news hello"), "1");
    assert_eq!(listener.reply(), "[\"message\", \"news\", \"hello\"]");
    assert_eq!(client.run("SET a 1 PX 10"), "OK");
    for event in ["set", "expire", "expired"] {
        let reply = listener.reply();
        assert!(reply.contains(&format!("\"__keyevent@0__:{event}\", \"a\"")), "{reply}");
    }
}

#[test]
fn scans_return_every_key_that_stays() {
    let server = TestServer::new();
    let mut client = server.client();
    (0..500).for_each(|n| drop(client.run(&format!("SET key:{n} {n}"))));
    let (mut cursor, mut found) = ("0".to_owned(), std::collections::BTreeSet::new());
    loop {
        let reply = client.run(&format!("SCAN {cursor} MATCH key:* COUNT 20"));
        let mut texts = reply.split('"').skip(1).step_by(2).map(str::to_owned);
        cursor = texts.next().unwrap();
        found.extend(texts);
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(found.len(), 500);
}

#[test]
fn keys_are_evicted_at_the_limit_or_writes_are_refused() {
    // The limit is one of the process, so the server has its own.
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut client, _) = start_program(folder.path());
    let value = vec![b'x'; 1_000];
    let memory = client.run("INFO memory");
    let used = memory.split("used_memory:").nth(1).and_then(|rest| rest.split('\r').next()).unwrap();
    let limit = used.parse::<usize>().unwrap() + 500_000;
    assert_eq!(client.run(&format!("CONFIG SET maxmemory {limit}")), "OK");
    let fill = |client: &mut TestClient, from: usize| {
        let set = |n: usize| client.run_args(&[b"SET", format!("key:{n}").as_bytes(), &value]);
        (from..from + 1_000).map(set).find(|reply| reply != "OK")
    };
    assert_eq!(
        fill(&mut client, 0).as_deref(),
        Some("!OOM command not allowed when used memory > 'maxmemory'.")
    );
    assert_eq!(client.run("CONFIG SET maxmemory-policy allkeys-lru"), "OK");
    assert_eq!(fill(&mut client, 1_000), None);
    let keys: usize = client.run("DBSIZE").parse().unwrap();
    assert!((100..1_000).contains(&keys), "{keys}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn options_may_be_repeated_and_are_read_in_the_order_of_redis() {
    let server = TestServer::new();
    check(
        &mut server.client(),
        &[
            ("SET k v NX NX", "OK"),
            ("SET k v XX XX", "OK"),
            ("SET k v EX 10 EX 20", "OK"),
            ("TTL k", "20"),
            ("SET k v EX 10 PX 20", "!ERR syntax error"),
            ("SET k v NX XX", "!ERR syntax error"),
            ("SET k v KEEPTTL EX 10", "!ERR syntax error"),
            ("SET k v EX abc NX XX", "!ERR syntax error"),
            ("SET k v EX abc", "!ERR value is not an integer or out of range"),
            ("GETEX k PERSIST PERSIST", "\"v\""),
            ("GETEX k EX 100 EX 200", "\"v\""),
            ("GETEX k EX 100 PERSIST", "!ERR syntax error"),
            ("TTL k", "200"),
            ("GETEX k EX abc", "!ERR value is not an integer or out of range"),
            ("GETEX no EX abc", "nil"),
            ("RPUSH list a", "1"),
            ("GETEX list EX abc", WRONG_TYPE),
            ("INCRBYFLOAT list x", WRONG_TYPE),
            ("ZUNION 1 k FOO", WRONG_TYPE),
            ("ZINTERCARD 1 k FOO", WRONG_TYPE),
            ("ZADD z 1 a 2 b", "2"),
            ("ZINTERCARD 2 z z LIMIT 1 LIMIT 2", "2"),
            ("ZINTERCARD 2 z z LIMIT -1", "!ERR LIMIT can't be negative"),
            ("ZRANGE z - + BYLEX BYSCORE", "!ERR syntax error"),
            (
                "ZRANGEBYLEX z - + WITHSCORES",
                "!ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ),
            ("SPOP no x", "!ERR value is out of range, must be positive"),
            (
                "COPY k c DB 4294967296",
                "!ERR value is out of range, value must between -2147483648 and 2147483647",
            ),
            ("GETRANGE k -100 -99", "\"\""),
            ("SHUTDOWN SAVE NOSAVE", "!ERR syntax error"),
            ("SHUTDOWN ABORT NOSAVE", "!ERR syntax error"),
            (
                "CONFIG GET hash-max-ziplist-entries hash-max-ziplist-entries",
                "[\"hash-max-ziplist-entries\", \"512\"]",
            ),
        ],
    );
}

#[test]
fn numbers_are_read_as_strtod_reads_them() {
    let server = TestServer::new();
    check(
        &mut server.client(),
        &[
            ("ZADD z 0x10 a -0 b", "2"),
            ("ZSCORE z a", "\"16\""),
            ("ZSCORE z b", "\"0\""),
            ("ZADD z 1e400 a", "!ERR value is not a valid float"),
            ("ZADD z 1e-400 a", "!ERR value is not a valid float"),
            ("ZCOUNT z 1 1e400", "1"),
            ("BLPOP no 0x1p-10", "nil"),
            ("BLPOP no 0x7FFFFFFFFFFFFF", "!ERR timeout is out of range"),
        ],
    );
    assert_eq!(server.client().run_args(&[b"ZCOUNT", b"z", b" 1", b"99"]), "1");
}

#[test]
fn a_payload_that_ends_early_has_a_bad_format_and_one_without_footer_a_wrong_version() {
    let server = TestServer::new();
    let mut client = server.client();
    let wrong = "!ERR DUMP payload version or checksum are wrong";
    assert_eq!(client.run_args(&[b"RESTORE", b"k", b"0", b"abc"]), wrong);
    // A string of five bytes has only two.
    let mut payload = b"\x00\x05he\x0b\x00".to_vec();
    assert_eq!(client.run_args(&[b"RESTORE", b"k", b"0", &[&payload[..], &[0; 8]].concat()]), wrong);
    payload.extend(0xCB53_4265_700D_CD38_u64.to_le_bytes());
    assert_eq!(client.run_args(&[b"RESTORE", b"k", b"0", &payload]), "!ERR Bad data format");
}

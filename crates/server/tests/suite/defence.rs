//! What clients may not do: attacks over HTTP, secrets in the log, files in other places, and memory without end.

use crate::harness::{TestClient, TestServer, encode};

#[test]
fn a_request_over_http_closes_the_connection() {
    let server = TestServer::new();
    for head in ["POST / HTTP/1.1", "Host: localhost", "post", "host: x"] {
        let mut client = server.client();
        client.send(format!("{head}\r\nSET hacked x\r\n").as_bytes());
        assert_eq!(client.rest(), "", "{head}");
    }
    assert_eq!(server.client().run("EXISTS hacked"), "0");
}

#[test]
fn passwords_are_not_in_the_slow_log() {
    let server = TestServer::with("slowlog-log-slower-than 0");
    let mut client = server.client();
    client.run("CONFIG SET timeout 77 requirepass secret");
    client.run("AUTH secret");
    client.run("AUTH default secret");
    client.run("HELLO 2 AUTH default secret SETNAME visible");
    let log = client.run("SLOWLOG GET 10");
    assert!(!log.contains("secret"), "{log}");
    assert!(log.contains("\"requirepass\", \"(redacted)\"") && log.contains("\"timeout\", \"77\""), "{log}");
    assert!(log.contains("\"AUTH\", \"(redacted)\", \"(redacted)\", \"SETNAME\", \"visible\""), "{log}");
}

#[test]
fn the_place_of_files_and_debug_need_a_permission() {
    let server = TestServer::with("enable-debug-command no");
    let mut client = server.client();
    assert!(client.run("CONFIG SET dir /").contains("can't set protected config"));
    assert!(client.run("CONFIG SET dbfilename x").contains("can't set protected config"));
    assert!(client.run("DEBUG SLEEP 0").starts_with("!ERR DEBUG command not allowed."));
    assert!(client.run("CONFIG SET enable-debug-command yes").contains("immutable"));
    let server = TestServer::with("enable-protected-configs local");
    let mut client = server.client();
    assert_eq!(client.run("CONFIG SET dbfilename other.rdb"), "OK");
    assert_eq!(client.run("DEBUG SLEEP 0"), "OK");
    assert_eq!(client.run("CONFIG GET enable-*-co*s"), "[\"enable-protected-configs\", \"local\"]");
}

#[test]
fn codes_of_errors_are_counted_up_to_a_limit() {
    let server = TestServer::new();
    let mut client = server.client();
    for code in 0..200 {
        client.run(&format!("DEBUG ERROR CODE{code}"));
    }
    let errors = client.run("INFO errorstats");
    assert!(errors.contains("errorstat_ERRORSTATS_DISABLED:count=1") && !errors.contains("CODE"), "{errors}");
    assert_eq!(client.run("CONFIG RESETSTAT"), "OK");
    client.run("DEBUG ERROR CODE");
    assert!(client.run("INFO errorstats").contains("errorstat_CODE:count=1"));
}

#[test]
fn populate_ends_when_there_is_no_memory() {
    let server = TestServer::with("maxmemory 1mb");
    let mut client = server.client();
    assert!(client.run("DEBUG POPULATE 9223372036854775807").starts_with("!ERR OOM"));
    assert!(client.run("DEBUG POPULATE 100000").starts_with("!OOM"));
}

#[test]
fn the_length_of_a_string_takes_no_memory_before_its_bytes_come() {
    let server = TestServer::new();
    let (mut client, mut other) = (server.client(), server.client());
    client.send(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$500000000\r\nx");
    let rss =
        |info: String| info.split("used_memory_rss:").nth(1).unwrap().split('\r').next().unwrap().to_owned();
    std::thread::sleep(std::time::Duration::from_millis(100));
    client.send(b"x");
    std::thread::sleep(std::time::Duration::from_millis(100));
    let bytes: u64 = rss(other.run("INFO memory")).parse().unwrap();
    assert!(bytes < 300 << 20, "{bytes}");
}

#[test]
fn clients_that_sent_much_give_their_buffers_back() {
    let server = TestServer::new();
    let mut client = server.client();
    let mut others: Vec<_> = (0..3).map(|_| server.client()).collect();
    let request = encode(&[b"SET", b"key", &vec![b'x'; 3_000_000]]);
    // The halves overlap, so the clients cannot share one buffer.
    others.iter_mut().for_each(|other| other.send(&request[..2_000_000]));
    others.iter_mut().for_each(|other| other.send(&request[2_000_000..]));
    others.iter_mut().for_each(|other| assert_eq!(other.reply(), "OK"));
    let list = client.run("CLIENT LIST");
    let rooms = list.split("qbuf-free=").skip(1).map(|rest| rest.split(' ').next().unwrap().parse::<usize>());
    assert!(rooms.clone().all(|room| room.unwrap() < 1_000_000), "{list}");
}

#[test]
fn the_commands_of_a_transaction_count_as_bytes_that_were_not_run() {
    let server = TestServer::with("client-query-buffer-limit 1mb");
    let (mut client, mut other) = (server.client(), server.client());
    assert_eq!(client.run("MULTI"), "OK");
    let request = encode(&[b"SET", b"key", &vec![b'x'; 300_000]]);
    client.send(&request.repeat(5));
    while !other.run("INFO stats").contains("client_query_buffer_limit_disconnections:1") {}
}

#[test]
fn a_flood_of_connections_is_accepted_in_several_turns_and_none_is_forgotten() {
    let server = TestServer::new();
    let mut clients: Vec<TestClient> = (0..100).map(|_| server.client()).collect();
    for client in clients.iter_mut().rev() {
        assert_eq!(client.run("PING"), "PONG");
    }
    assert!(clients[0].run("INFO clients").contains("connected_clients:100\r"));
}

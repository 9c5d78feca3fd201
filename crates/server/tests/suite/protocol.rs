//! Requests and replies as bytes.

use crate::harness::{TestServer, encode};

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::new();
    let mut client = server.client();
    let requests: Vec<u8> = (0..10_000)
        .flat_map(|n: i32| {
            let text = n.to_string();
            [encode(&[b"SET", b"key", text.as_bytes()]), encode(&[b"GET", b"key"])].concat()
        })
        .collect();
    client.send(&requests);
    for n in 0..10_000 {
        assert_eq!((client.reply(), client.reply()), ("OK".into(), format!("\"{n}\"")));
    }
}

#[test]
fn requests_may_arrive_byte_by_byte_and_as_lines() {
    let server = TestServer::new();
    let mut client = server.client();
    for byte in encode(&[b"SET", b"key", b"value"]) {
        client.send(&[byte]);
    }
    assert_eq!(client.reply(), "OK");
    client.send(b"get key\r\n\r\nset key \"a b\\x00\"\nGET key\n");
    assert_eq!([client.reply(), client.reply(), client.reply()], ["\"value\"", "OK", "\"a b\0\""]);
}

#[test]
fn bytes_that_are_no_request_end_the_connection_with_an_error() {
    let server = TestServer::new();
    for (bytes, error) in [
        (&b"*1\r\n:5\r\n"[..], "-ERR Protocol error: expected '$', got ':'\r\n"),
        (b"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"get \"key\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
    ] {
        let mut client = server.client();
        client.send(bytes);
        assert_eq!(client.rest(), error);
    }
}

#[test]
fn unknown_commands_and_wrong_numbers_of_arguments_are_errors() {
    let server = TestServer::new();
    let mut client = server.client();
    assert_eq!(client.run("foo a b"), "!ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
    assert_eq!(client.run("GET"), "!ERR wrong number of arguments for 'get' command");
    assert_eq!(client.run("CONFIG GET"), "!ERR wrong number of arguments for 'config|get' command");
    assert_eq!(client.run("CONFIG FOO"), "!ERR unknown subcommand 'FOO'. Try CONFIG HELP.");
    for (command, name) in
        [("PUBSUB CHANNELS a b", "PUBSUB"), ("DEBUG SLEEP", "DEBUG"), ("CLIENT PAUSE 1 ALL x", "CLIENT")]
    {
        let word = command.split(' ').nth(1).unwrap();
        let error =
            format!("!ERR unknown subcommand or wrong number of arguments for '{word}'. Try {name} HELP.");
        assert_eq!(client.run(command), error);
    }
    assert_eq!(client.run("SELECT abc"), "!ERR value is not an integer or out of range");
    assert_eq!(client.run("XADD a b"), "!ERR XADD is not supported: this server has no streams");
}

#[test]
fn replies_follow_the_version_of_the_protocol() {
    let server = TestServer::new();
    let mut client = server.client();
    assert_eq!(client.run("CONFIG GET port"), "[\"port\", \"0\"]");
    assert!(client.run("HELLO 3").starts_with("{\"server\": \"redis\", \"version\": \""));
    assert_eq!(client.run("CONFIG GET port"), "{\"port\": \"0\"}");
    assert_eq!(client.run("GET nothing"), "nil");
    assert_eq!(client.run("HELLO 4"), "!NOPROTO unsupported protocol version");
    assert_eq!(client.run("RESET"), "RESET");
    assert_eq!(client.run("CONFIG GET port"), "[\"port\", \"0\"]");
}

#[test]
fn a_large_value_arrives_as_it_was_when_it_was_read() {
    let server = TestServer::new();
    let mut client = server.client();
    let old = vec![b'o'; 3_000_000];
    let new = vec![b'n'; 3_000_000];
    assert_eq!(client.run_args(&[b"SET", b"key", &old]), "OK");
    // The replies fill the socket long before the value is replaced.
    let get = encode(&[b"GET", b"key"]);
    client.send(&get.repeat(20));
    assert_eq!(server.client().run_args(&[b"SET", b"key", &new]), "OK");
    client.send(&get);
    let mut seen_new = false;
    for _ in 0..20 {
        let reply = client.reply();
        seen_new |= reply.as_bytes()[1] == b'n';
        let expected = if seen_new { b'n' } else { b'o' };
        assert!(
            reply.len() == 3_000_002 && reply.bytes().skip(1).take(3_000_000).all(|byte| byte == expected)
        );
    }
    assert_eq!(client.reply().as_bytes()[1], b'n');
}

//! `MONITOR`: which commands have a line, and what is in it.

#[cfg(unix)]
use crate::harness::start_program;
use crate::harness::{TestClient, TestServer, encode};
use std::time::{Duration, Instant};

/// Returns a client that monitors.
fn monitor(server: &TestServer) -> TestClient {
    let mut monitor = server.client();
    assert_eq!(monitor.run("MONITOR"), "OK");
    monitor
}

/// Reads a line. Returns its arguments, and checks what is before them.
fn arguments(monitor: &mut TestClient) -> String {
    let line = monitor.reply();
    let (time, rest) = line.split_once(' ').unwrap();
    let (secs, micros) = time.split_once('.').unwrap();
    assert!(secs.parse::<u64>().unwrap() > 1_700_000_000 && micros.len() == 6, "{line}");
    let (addr, arguments) = rest.split_once("] ").unwrap();
    assert!(addr.starts_with("[0 127.0.0.1:"), "{line}");
    arguments.to_owned()
}

#[test]
fn each_command_has_a_line_with_its_arguments() {
    let server = TestServer::new();
    let (mut monitor, mut client) = (monitor(&server), server.client());
    client.run_args(&[b"SET", b"a b", b"\"\n\xff"]);
    client.run("get a");
    // A command that fails has a line. One that does not exist, or has a wrong number of arguments, has none.
    client.run("SET list 1");
    for command in ["INCR", "NOSUCH a", "LPUSH list 1", "PING"] {
        client.run(command);
    }
    assert_eq!(arguments(&mut monitor), r#""SET" "a b" "\"\n\xff""#);
    assert_eq!(arguments(&mut monitor), r#""get" "a""#);
    assert_eq!(arguments(&mut monitor), r#""SET" "list" "1""#);
    assert_eq!(arguments(&mut monitor), r#""LPUSH" "list" "1""#);
    assert_eq!(arguments(&mut monitor), r#""PING""#);
}

#[test]
fn a_line_has_the_database() {
    let server = TestServer::new();
    let (mut monitor, mut client) = (monitor(&server), server.client());
    client.run("SELECT 3");
    client.run("PING");
    assert!(monitor.reply().contains(" [3 127.0.0.1:"));
    assert!(monitor.reply().ends_with("] \"PING\""));
}

#[test]
fn passwords_and_commands_of_administrators_are_not_shown() {
    let server = TestServer::with("requirepass secret");
    let mut monitor = server.client();
    assert_eq!(monitor.run("AUTH secret"), "OK");
    assert_eq!(monitor.run("MONITOR"), "OK");
    let mut client = server.client();
    for command in ["AUTH wrong", "AUTH default secret", "HELLO 3 AUTH default secret SETNAME me"] {
        client.run(command);
    }
    for command in ["CONFIG SET requirepass secret", "DEBUG LOG secret", "SLOWLOG LEN", "PING"] {
        client.run(command);
    }
    assert_eq!(arguments(&mut monitor), r#""AUTH" "(redacted)""#);
    assert_eq!(arguments(&mut monitor), r#""AUTH" "(redacted)" "(redacted)""#);
    let hello = r#""HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me""#;
    assert_eq!(arguments(&mut monitor), hello);
    assert_eq!(arguments(&mut monitor), r#""PING""#);
}

#[test]
fn the_slow_log_has_no_passwords() {
    let server = TestServer::with("slowlog-log-slower-than 0");
    let mut client = server.client();
    client.run("CONFIG SET requirepass secret");
    client.run("AUTH secret");
    client.run("HELLO 2 AUTH default secret");
    let log = client.run("SLOWLOG GET");
    assert_eq!(log.matches("(redacted)").count(), 4, "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn the_commands_of_a_transaction_are_shown_when_they_run() {
    let server = TestServer::new();
    let (mut monitor, mut client) = (monitor(&server), server.client());
    for command in ["MULTI", "SET a 1", "EXEC", "MULTI", "SET a", "EXEC"] {
        client.run(command);
    }
    for shown in ["\"MULTI\"", "\"SET\" \"a\" \"1\"", "\"EXEC\"", "\"MULTI\"", "\"EXEC\""] {
        assert_eq!(arguments(&mut monitor), shown);
    }
    client.run("MULTI");
    client.run("MONITOR");
    assert_eq!(client.run("EXEC"), "[!ERR MONITOR isn't allowed for DENY BLOCKING client]");
}

#[test]
fn a_command_that_waits_has_one_line() {
    let server = TestServer::new();
    let (mut monitor, mut client, mut waiting) = (monitor(&server), server.client(), server.client());
    waiting.send(&encode(&[b"BLPOP", b"list", b"0"]));
    assert_eq!(arguments(&mut monitor), r#""BLPOP" "list" "0""#);
    client.run("RPUSH list 1");
    assert_eq!(waiting.reply(), "[\"list\", \"1\"]");
    client.run("PING");
    assert_eq!(arguments(&mut monitor), r#""RPUSH" "list" "1""#);
    assert_eq!(arguments(&mut monitor), r#""PING""#);
}

#[test]
fn a_monitor_has_a_flag_until_it_is_reset() {
    let server = TestServer::new();
    let (mut monitor, mut client) = (monitor(&server), server.client());
    assert!(client.run("CLIENT LIST").contains(" flags=O "));
    // A monitor may send commands, and sees them. The second MONITOR has no reply.
    monitor.send(b"MONITOR\r\nPING\r\nRESET\r\nPING\r\n");
    assert_eq!(monitor.reply(), "PONG");
    assert_eq!(arguments(&mut monitor), r#""PING""#);
    assert_eq!(monitor.reply(), "RESET");
    assert_eq!(monitor.reply(), "PONG");
    assert!(!client.run("CLIENT LIST").contains(" flags=O "));
    drop(monitor);
    assert_eq!(client.run("PING"), "PONG");
}

#[test]
fn a_monitor_that_reads_nothing_is_closed() {
    let server = TestServer::with("client-output-buffer-limit normal 1mb 0 0");
    let (_monitor, mut client) = (monitor(&server), server.client());
    let start = Instant::now();
    while client.run("CLIENT LIST").contains(" flags=O ") {
        client.run_args(&[b"ECHO", &[b'x'; 100_000]]);
        assert!(start.elapsed() < Duration::from_secs(20), "the monitor has no limit");
    }
    assert!(client.run("INFO stats").contains("client_output_buffer_limit_disconnections:1"));
}

#[cfg(unix)]
#[test]
fn a_socket_in_the_file_system_is_shown_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut client, _) = start_program(folder.path());
    let socket = std::os::unix::net::UnixStream::connect(folder.path().join("server.sock")).unwrap();
    let mut monitor = TestClient::over(socket);
    assert_eq!(monitor.run("MONITOR"), "OK");
    client.run("PING");
    assert!(monitor.reply().ends_with(" [0 unix:server.sock] \"PING\""));
    child.kill().unwrap();
    child.wait().unwrap();
}

//! Tests of the example `kv`. A session is a text of commands for its shell, each with the expected reply.

mod sessions;
#[path = "../../../examples/kv/shell/mod.rs"]
mod shell;

use keyspace::Keyspace;

/// The prefix of a line of a session that is a command.
const PROMPT: &str = "> ";

/// The time of the first command, in milliseconds. Each command takes a second.
const START: u64 = 1_000_000;

/// Executes the commands of a session, and returns the session with the actual replies.
fn replay(keyspace: &mut Keyspace, session: &str) -> String {
    let mut now = START;
    let mut replayed = String::new();
    for command in session.lines().filter_map(|line| line.strip_prefix(PROMPT)) {
        let mut output = Vec::new();
        shell::run(keyspace, command.as_bytes(), &mut output, "", || now).unwrap();
        keyspace.check();
        now += 1_000;
        replayed += &format!("{PROMPT}{command}\n{}", String::from_utf8(output).unwrap());
    }
    replayed
}

#[track_caller]
fn assert_session(session: &str) {
    assert_replays(&mut Keyspace::new(), session);
}

/// Executes the commands of a session, and compares the replies line by line.
#[track_caller]
fn assert_replays(keyspace: &mut Keyspace, session: &str) {
    let replayed = replay(keyspace, session);
    for (index, (found, expected)) in replayed.lines().zip(session.lines()).enumerate() {
        assert_eq!(found, expected, "in line {} of the session", index + 1);
    }
    assert_eq!(replayed, session);
}

/// Returns the output of the shell for lines that may hold any bytes.
fn output_of(lines: &[u8], prompt: &str) -> String {
    let mut output = Vec::new();
    shell::run(&mut Keyspace::new(), lines, &mut output, prompt, || START).unwrap();
    String::from_utf8(output).unwrap()
}

#[test]
fn a_session_of_errors_changes_nothing() {
    assert_session(
        r#"> set text abc
OK
> foo bar
(error) ERR unknown command 'foo'
> get
(error) ERR wrong number of arguments for 'get' command
> GET a b
(error) ERR wrong number of arguments for 'get' command
> hset hash field
(error) ERR wrong number of arguments for 'hset' command
> hset hash field value other
(error) ERR wrong number of arguments for 'hset' command
> hset text field value
(error) WRONGTYPE Operation against a key holding the wrong kind of value
> hlen text
(error) WRONGTYPE Operation against a key holding the wrong kind of value
> rpush text a
(error) WRONGTYPE Operation against a key holding the wrong kind of value
> zrange text 0 -1
(error) WRONGTYPE Operation against a key holding the wrong kind of value
> smembers text
(error) WRONGTYPE Operation against a key holding the wrong kind of value
> sadd set 1
(integer) 1
> get set
(error) WRONGTYPE Operation against a key holding the wrong kind of value
> set set 1 GET
(error) WRONGTYPE Operation against a key holding the wrong kind of value
> incr text
(error) ERR value is not an integer or out of range
> incrby number 1.5
(error) ERR value is not an integer or out of range
> incrby number 9223372036854775808
(error) ERR value is not an integer or out of range
> set number 9223372036854775807
OK
> incr number
(error) ERR increment or decrement would overflow
> set text x EX
(error) ERR syntax error
> set text x EX soon
(error) ERR value is not an integer or out of range
> set text x EX 0
(error) ERR invalid expire time
> set text x NX XX
(error) ERR syntax error
> set text x EX 1 KEEPTTL
(error) ERR syntax error
> getex text AT 1
(error) ERR syntax error
> expire text 9223372036854775807
(error) ERR invalid expire time
> expire text 10 NX GT
(error) ERR NX and XX, GT or LT options at the same time are not compatible
> expire text 10 SOON
(error) ERR Unsupported option SOON
> rename nothing text
(error) ERR no such key
> copy text other TWICE
(error) ERR syntax error
> scan first
(error) ERR invalid cursor
> scan 0 COUNT 0
(error) ERR syntax error
> scan 0 COUNT
(error) ERR syntax error
> scan 0 TYPE stream
(error) ERR unknown type name
> zadd board one a
(error) ERR value is not a valid float
> zadd board nan a
(error) ERR value is not a valid float
> zadd board NX XX 1 a
(error) ERR GT, LT, and/or NX options at the same time are not compatible
> zadd board INCR 1 a 2 b
(error) ERR INCR option supports a single increment-element pair
> zadd board 1 a 2
(error) ERR syntax error
> zadd board NX
(error) ERR wrong number of arguments for 'zadd' command
> zadd board NX XX INCR
(error) ERR syntax error
> zrange board 0 last
(error) ERR value is not an integer or out of range
> object encoding
(error) ERR unknown subcommand or wrong number of arguments for 'encoding'
> object size text
(error) ERR unknown subcommand or wrong number of arguments for 'size'
> memory everything
(error) ERR unknown subcommand or wrong number of arguments for 'everything'
> get "text
Invalid argument(s): the quote at offset 4 is never closed
> get 'text'abc
Invalid argument(s): a blank must follow the closing quote at offset 10
> get text
"abc"
> dbsize
(integer) 3
"#,
    );
}

#[test]
fn a_line_may_hold_any_bytes() {
    let lines = b"set \xff\xfe \"\xc3\xa9\"\nget \xff\xfe\n\xffoo\nexpire \xff\xfe 1 \xe9\nincrby a \xff\nzadd a \xff b\n";
    let expected = r#"OK
"\xc3\xa9"
(error) ERR unknown command '\xffoo'
(error) ERR Unsupported option \xe9
(error) ERR value is not an integer or out of range
(error) ERR value is not a valid float
"#;
    assert_eq!(output_of(lines, ""), expected);
}

#[test]
fn the_shell_reads_until_quit_or_the_end_and_skips_empty_lines() {
    assert_eq!(output_of(b"set a 1\r\n\r\n   \nGet a\nQUIT\nget a\n", ""), "OK\n\"1\"\nOK\n");
    assert_eq!(output_of(b"set a 1\nget a", ""), "OK\n\"1\"\n");
    let refused = "(error) ERR wrong number of arguments for 'quit' command\nOK\n";
    assert_eq!(output_of(b"quit now\nset a 1\n", ""), refused);
    assert_eq!(output_of(b"", ""), "");
    assert_eq!(output_of(b"set a 1\n\nget a\n", "kv> "), "kv> OK\nkv> kv> \"1\"\nkv> ");
}

#[test]
fn help_lists_each_command_once() {
    let help = output_of(b"help\n", "");
    let mut names: Vec<_> = help.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(help.contains("\nlrange key start stop\n") && help.ends_with("\nhelp\nquit\n"), "{help}");
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
#[cfg_attr(miri, ignore = "asks the system for memory use, which Miri does not support")]
fn memory_commands_print_the_report() {
    let mut keyspace = Keyspace::new();
    replay(&mut keyspace, "> set a 1\n> rpush list 1 2 3\n");
    let mut output_of = |command: &str| {
        let session = replay(&mut keyspace, &format!("> {command}\n"));
        session.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let usage = output_of("memory usage a");
    let stats = output_of("memory stats");
    let doctor = output_of("memory doctor");
    assert_eq!(usage, [format!("(integer) {}", keyspace.memory_usage("a", 0).unwrap())]);
    let value_of = |name: &str| {
        let at = stats.iter().position(|line| line.ends_with(&format!("\"{name}\"")));
        stats[at.unwrap() + 1].split_once(") ").unwrap().1.to_owned()
    };
    assert_eq!(value_of("keys.count"), "(integer) 2");
    let report = keyspace.memory_report();
    assert_eq!(value_of("dataset.bytes"), format!("(integer) {}", report.dataset_bytes));
    assert_eq!(value_of("mem_allocator"), format!("\"{}\"", zmalloc::ALLOCATOR));
    assert_eq!(doctor.len(), 1);
    assert!(doctor[0].starts_with("Small instance: "), "{doctor:?}");
}

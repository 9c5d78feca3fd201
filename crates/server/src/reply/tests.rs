//! Tests of [`Reply`]: what it writes in both protocols, and when it gives memory back.

use super::*;

fn written(write: impl Fn(&mut Reply), protocol: Protocol) -> String {
    let mut reply = Reply { protocol, ..Reply::default() };
    write(&mut reply);
    let mut out = Vec::new();
    reply.write_to(&mut out, usize::MAX).unwrap();
    assert!(reply.is_empty());
    assert_eq!(reply.len(), 0);
    String::from_utf8(out).unwrap()
}

#[test]
fn each_kind_of_reply_is_written_in_both_protocols() {
    use Protocol::{Resp2, Resp3};
    type Write = fn(&mut Reply);
    let cases: [(Write, &str, &str); 11] = [
        (|r| r.null(), "$-1\r\n", "_\r\n"),
        (|r| r.null_array(), "*-1\r\n", "_\r\n"),
        (|r| r.map(2), "*4\r\n", "%2\r\n"),
        (|r| r.set(2), "*2\r\n", "~2\r\n"),
        (|r| r.push(2), "*2\r\n", ">2\r\n"),
        (|r| r.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"),
        (|r| r.boolean(true), ":1\r\n", "#t\r\n"),
        (|r| r.verbatim(b"ab"), "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n"),
        (|r| r.error(b"ERR a\nb"), "-ERR a b\r\n", "-ERR a b\r\n"),
        (|r| r.pairs(3), "*6\r\n", "*3\r\n"),
        (|r| r.integer(-7), ":-7\r\n", ":-7\r\n"),
    ];
    for (write, resp2, resp3) in cases {
        assert_eq!((written(write, Resp2), written(write, Resp3)), (resp2.into(), resp3.into()));
    }
}

#[test]
fn a_length_is_written_when_it_is_known() {
    let write = |reply: &mut Reply| {
        reply.ok();
        let at = reply.defer();
        (0..3).for_each(|n| reply.integer(n));
        reply.end_array(at, 3);
    };
    assert_eq!(written(write, Protocol::Resp2), "+OK\r\n*3\r\n:0\r\n:1\r\n:2\r\n");
}

#[test]
fn large_strings_are_lent_and_arrive_in_their_places() {
    let mut keyspace = keyspace::Keyspace::new();
    let value = vec![b'x'; 100_000];
    keyspace.set("large", &value, 0).unwrap();
    let mut reply = Reply::default();
    let at = reply.defer();
    for _ in 0..40 {
        reply.string(keyspace.get_string("large", 0).unwrap().unwrap()).unwrap();
    }
    reply.end_array(at, 40);
    let mark = reply.mark();
    reply.string(keyspace.get_string("large", 0).unwrap().unwrap()).unwrap();
    reply.truncate(mark);
    let one = [&b"$100000\r\n"[..], &value, b"\r\n"].concat();
    let expected = [&b"*40\r\n"[..], &one.repeat(40)].concat();
    assert_eq!(reply.len(), expected.len());
    assert!(reply.allocation_size() < expected.len() + 100_000);

    /// Takes up to 70,000 bytes at once.
    struct Slow(Vec<u8>);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = bytes.len().min(70_000);
            self.0.extend_from_slice(&bytes[..len]);
            Ok(len)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut to = Slow(Vec::new());
    reply.write_to(&mut to, usize::MAX).unwrap();
    assert!(to.0 == expected && reply.is_empty());
}

#[test]
fn a_reply_that_is_never_empty_gives_back_what_was_sent() {
    struct Slow;
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() > 100_000 { Ok(50_000) } else { Err(io::ErrorKind::WouldBlock.into()) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut reply = Reply::default();
    for _ in 0..1_000 {
        reply.bulk(&[b'x'; 100_000]);
        reply.write_to(&mut Slow, usize::MAX).unwrap();
    }
    assert!(!reply.is_empty() && reply.allocation_size() < 1_000_000, "{}", reply.allocation_size());
}

#[test]
fn a_reply_above_its_limit_does_not_grow() {
    let mut reply = Reply::default();
    reply.set_limit(1_000);
    let mark = reply.mark();
    let at = reply.defer();
    for _ in 0..1_000_000 {
        reply.null();
        reply.bulk(b"text");
        reply.integer(7);
        reply.error(b"ERR text");
    }
    reply.end_array(at, 4_000_000);
    assert!(reply.is_over_limit() && reply.len() < 1_100 + CHUNK, "{}", reply.len());
    reply.truncate(mark);
    assert!(!reply.is_over_limit() && reply.is_empty());
    reply.bulk(&[b'x'; 900]);
    assert!(!reply.is_over_limit());
}

#[test]
fn a_turn_sends_no_more_than_about_its_limit() {
    let mut reply = Reply::default();
    (0..100).for_each(|_| reply.simple("OK"));
    let mut to = &mut [0; 100][..];
    assert_eq!(reply.write_to(&mut to, 10).unwrap(), 100);
    assert!(!reply.is_empty());
    assert_eq!(reply.write_to(&mut Vec::new(), usize::MAX).unwrap(), 400);
    assert!(reply.is_empty());
}

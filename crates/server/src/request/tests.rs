//! Tests of [`QueryBuffer`]: commands in pieces, wrong ones, and large ones.

use super::*;

const LIMITS: RequestLimits = RequestLimits { proto_max_bulk_len: 1 << 20, is_authenticated: true };

fn commands(mut input: &[u8], step: usize) -> Result<Vec<Vec<Vec<u8>>>, ProtocolError> {
    let mut buffer = QueryBuffer::default();
    let mut commands = Vec::new();
    while !input.is_empty() {
        let mut piece = &input[..step.min(input.len())];
        input = &input[piece.len()..];
        buffer.read_from(&mut piece).unwrap();
        while buffer.find(LIMITS)? {
            buffer.take();
            commands.push(buffer.args().iter().map(<[u8]>::to_vec).collect());
        }
        buffer.compact();
    }
    Ok(commands)
}

#[test]
fn commands_are_found_however_the_bytes_arrive() {
    let input = b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\nPING\r\n*0\r\n\r\nSET a \"b c\\x00\"\r\n*1\r\n$0\r\n\r\n";
    let expected: Vec<Vec<&[u8]>> =
        vec![vec![b"GET", b"key"], vec![b"PING"], vec![], vec![], vec![b"SET", b"a", b"b c\0"], vec![b""]];
    for step in 1..=input.len() {
        assert_eq!(commands(input, step).unwrap(), expected, "in steps of {step}");
    }
}

#[test]
fn commands_that_were_found_stay_until_they_are_taken() {
    let mut buffer = QueryBuffer::default();
    let mut input = b"PING 1\r\n".repeat(AHEAD);
    input.extend_from_slice(b"PING 2\r\n*2\r\n$4\r\nPING\r\n$2\r\n3");
    buffer.read_from(&mut &input[..]).unwrap();
    for taken in 0..=AHEAD {
        assert!(buffer.find(LIMITS).unwrap());
        assert_eq!(buffer.ahead().count(), if taken == AHEAD { 1 } else { AHEAD - taken });
        assert!(buffer.take());
        assert_eq!(buffer.args().at(1), if taken == AHEAD { b"2" } else { b"1" });
        buffer.compact();
    }
    assert!(!buffer.find(LIMITS).unwrap() && !buffer.take());
    assert_eq!(buffer.pending_args(), (1, 4));
    buffer.read_from(&mut &b"4\r\n"[..]).unwrap();
    assert!(buffer.find(LIMITS).unwrap() && buffer.take());
    assert_eq!(buffer.args().at(1), b"34");
    buffer.compact();
    assert_eq!(buffer.len(), 0);
}

#[test]
fn commands_in_front_of_an_error_are_found() {
    let mut buffer = QueryBuffer::default();
    buffer.read_from(&mut &b"PING\r\nPING\r\n*1\r\n:1\r\n"[..]).unwrap();
    assert_eq!(buffer.find(LIMITS), Ok(true));
    assert!(buffer.take() && buffer.take() && !buffer.take());
    for _ in 0..2 {
        assert_eq!(buffer.find(LIMITS), Err(ProtocolError::ExpectedDollar(b':')));
    }
}

#[test]
fn bytes_that_are_no_command_are_refused() {
    for (input, error) in [
        (&b"*a\r\n"[..], ProtocolError::MultibulkLength),
        (b"*3000000000\r\n", ProtocolError::MultibulkLength),
        (b"*1\r\n:1\r\n", ProtocolError::ExpectedDollar(b':')),
        (b"*1\r\n$-1\r\n", ProtocolError::BulkLength),
        (b"*1\r\n$1048577\r\n", ProtocolError::BulkLength),
        (b"SET \"a\r\n", ProtocolError::UnbalancedQuotes),
    ] {
        assert_eq!(commands(input, 3), Err(error));
    }
    let long = vec![b'1'; LINE_MAX + 1];
    assert_eq!(commands(&long, 4_096), Err(ProtocolError::TooBigInline));
    assert_eq!(commands(&[b"*", &long[..]].concat(), 4_096), Err(ProtocolError::TooBigMultibulkCount));
    assert_eq!(commands(&[b"*1\r\n$", &long[..]].concat(), 4_096), Err(ProtocolError::TooBigBulkCount));
}

#[test]
fn a_client_without_a_password_may_send_little() {
    let limits = RequestLimits { is_authenticated: false, ..LIMITS };
    let mut buffer = QueryBuffer::default();
    buffer.read_from(&mut &b"*11\r\n"[..]).unwrap();
    assert_eq!(buffer.find(limits), Err(ProtocolError::UnauthenticatedMultibulk));
    let mut buffer = QueryBuffer::default();
    buffer.read_from(&mut &b"*2\r\n$4\r\nAUTH\r\n$16385\r\n"[..]).unwrap();
    assert_eq!(buffer.find(limits), Err(ProtocolError::UnauthenticatedBulk));
}

#[test]
fn a_buffer_without_a_command_gives_its_memory_back() {
    let mut buffer = QueryBuffer::default();
    let mut input = &b"PING\r\n".repeat(READ_LEN)[..];
    while !input.is_empty() {
        buffer.read_from(&mut input).unwrap();
    }
    while buffer.find(LIMITS).unwrap() {
        while buffer.take() {}
        // What was taken is removed in large steps.
        buffer.compact();
        assert!(buffer.begin <= buffer.filled / 2 + 1);
    }
    assert_eq!(buffer.len(), 0);
    buffer.shrink(READ_LEN);
    assert_eq!(buffer.capacity(), READ_LEN);
}

#[test]
fn a_large_string_is_read_into_a_buffer_of_its_size() {
    let mut input = b"*2\r\n$3\r\nGET\r\n$1000000\r\n".to_vec();
    let head = input.len();
    input.resize(head + 1_000_000, b'x');
    input.extend_from_slice(b"\r\n");
    let mut buffer = QueryBuffer::default();
    let mut rest = &input[..];
    while !buffer.find(LIMITS).unwrap() {
        buffer.read_from(&mut rest).unwrap();
        let touched = buffer.bytes.len() - buffer.filled;
        assert!(touched <= BIG_READ_LEN, "{touched} bytes are touched and not read");
        buffer.shrink(0);
    }
    buffer.take();
    assert_eq!(buffer.args().at(1).len(), 1_000_000);
    assert!(buffer.capacity() < 1_000_000 + 3 * READ_LEN);
}

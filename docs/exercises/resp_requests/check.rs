//! Checks how requests are found in a buffer.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Limits, RequestError, find_request};

const LIMITS: Limits = Limits { args: 1_000, len: 100_000 };

fn written(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend(format!("${}\r\n", arg.len()).into_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend(b"\r\n");
    }
    bytes
}

const REQUESTS: [&[&[u8]]; 6] = [
    &[b"GET", b"greeting"],
    &[],
    &[b""],
    &[b"SET", b"a key", b"*1\r\n$4\r\nPING\r\n"],
    &[b"\r\n", b"\n\r", b"\0\xff", b"$", b"*"],
    &[&[b'x'; 10_000], b"y"],
];

#[test]
fn a_request_is_found_with_its_length() {
    for args in REQUESTS {
        let bytes = written(args);
        assert_eq!(find_request(&bytes, LIMITS), Ok(Some((args.to_vec(), bytes.len()))));
    }
}

#[test]
fn what_follows_a_request_is_not_looked_at() {
    for args in REQUESTS {
        let bytes = written(args);
        for tail in [&b"*1\r\n"[..], b"no request", b"\r\n", b"\0"] {
            let both = [&bytes, tail].concat();
            assert_eq!(find_request(&both, LIMITS), Ok(Some((args.to_vec(), bytes.len()))));
        }
    }
}

#[test]
fn nothing_is_found_before_the_last_byte() {
    for args in REQUESTS {
        let bytes = written(args);
        for cut in (0..bytes.len()).filter(|cut| cut % 97 == 0 || *cut < 100 || bytes.len() - cut < 100) {
            assert_eq!(find_request(&bytes[..cut], LIMITS), Ok(None), "{cut} bytes");
        }
    }
}

#[test]
fn a_number_may_begin_with_zeros() {
    assert_eq!(find_request(b"*01\r\n$002\r\nok\r\n", LIMITS), Ok(Some((vec![&b"ok"[..]], 15))));
}

#[test]
fn a_damaged_request_is_an_error_at_the_first_wrong_byte() {
    let cases: [(&[u8], usize); 16] = [
        (b"GET greeting\r\n", 0),
        (b"$3\r\nGET\r\n", 0),
        (b"*\r\n", 1),
        (b"*x\r\n", 1),
        (b"*-1\r\n", 1),
        (b"*+1\r\n", 1),
        (b"* 1\r\n", 1),
        (b"*1x\r\n", 2),
        (b"*1\n", 2),
        (b"*1\r\r\n", 3),
        (b"*1\r\n*1\r\n", 4),
        (b"*1\r\n$\r\n", 5),
        (b"*1\r\n$3,\r\n", 6),
        (b"*1\r\n$3\r\nGETS\r\n", 11),
        (b"*1\r\n$3\r\nGET\rx", 12),
        (b"*2\r\n$3\r\nGET\r\nkey\r\n", 13),
    ];
    for (bytes, offset) in cases {
        for len in 0..=bytes.len() {
            let expected = if len <= offset { Ok(None) } else { Err(RequestError::Unexpected { offset }) };
            let shown = bytes[..len].escape_ascii();
            assert_eq!(find_request(&bytes[..len], LIMITS), expected, "{shown}");
        }
    }
}

#[test]
fn a_number_above_its_limit_is_an_error_at_once() {
    let too_large = |offset| Err(RequestError::TooLarge { offset });
    let limits = Limits { args: 12, len: 250 };
    assert_eq!(find_request(b"*12", limits), Ok(None));
    assert_eq!(find_request(b"*13", limits), too_large(2));
    assert_eq!(find_request(b"*120", limits), too_large(3));
    assert_eq!(find_request(b"*1\r\n$250", limits), Ok(None));
    assert_eq!(find_request(b"*1\r\n$251", limits), too_large(7));
    assert_eq!(find_request(b"*1\r\n$2500", limits), too_large(8));
    assert_eq!(find_request(b"*0000012", limits), Ok(None));
    assert_eq!(find_request(b"*00000000000000000012", limits), Ok(None));
    assert_eq!(find_request(b"*000000000000000000012", limits), too_large(21));
    // The offset is that of the first digit which does not fit, whatever the limit is.
    let largest = Limits { args: usize::MAX, len: usize::MAX };
    let digits = usize::MAX.to_string();
    assert_eq!(find_request(format!("*{digits}").as_bytes(), largest), Ok(None));
    assert_eq!(find_request(format!("*{digits}0").as_bytes(), largest), too_large(digits.len() + 1));
    assert_eq!(find_request(format!("*1\r\n${digits}\r\nabc").as_bytes(), largest), Ok(None));
}

/// The result of a buffer follows from the shortest part of it that is a request or is damaged.
#[test]
fn more_bytes_change_neither_a_request_nor_an_error() {
    const BYTES: [u8; 8] = *b"*$012\r\nx";
    for case in 0..BYTES.len().pow(6) {
        let mut rest = case;
        let mut buffer = [0; 6];
        for byte in &mut buffer {
            *byte = BYTES[rest % BYTES.len()];
            rest /= BYTES.len();
        }
        let mut known = None;
        for len in 0..=buffer.len() {
            let result = find_request(&buffer[..len], LIMITS);
            match known {
                Some(ref known) => assert_eq!(&result, known, "{}", buffer[..len].escape_ascii()),
                None if result != Ok(None) => known = Some(result),
                None => {}
            }
        }
    }
}

//! Text formats: representation, arguments, templates, splitting, numbers.

use core::fmt;
use proptest::collection::vec;
use proptest::prelude::*;
use sds::{
    Args, FormatError, ReserveError, Sds, SplitArgsError, TemplateError, join, needs_repr, split, split_args,
    template,
};

use super::common;

fn repr(bytes: &[u8]) -> Sds {
    let mut s = Sds::new();
    s.push_repr(bytes);
    s
}

/// Splits a line byte by byte, following the rules in words. This is the oracle of `split_args`.
fn plain_split(line: &[u8]) -> Result<Vec<Vec<u8>>, SplitArgsError> {
    let blank = |byte: u8| b" \t\n\x0b\x0c\r".contains(&byte);
    let hex = |byte: u8| char::from(byte).is_ascii_hexdigit();
    let (mut args, mut at) = (vec![], 0);
    loop {
        while at < line.len() && blank(line[at]) {
            at += 1;
        }
        if at == line.len() {
            return Ok(args);
        }
        let mut arg = vec![];
        while at < line.len() && !blank(line[at]) {
            let (byte, start) = (line[at], at);
            at += 1;
            if byte != b'"' && byte != b'\'' {
                arg.push(byte);
                continue;
            }
            loop {
                match line.get(at).copied() {
                    None => return Err(SplitArgsError::UnbalancedQuotes { offset: start }),
                    Some(end) if end == byte => {
                        at += 1;
                        break;
                    }
                    Some(b'\\') if at + 1 < line.len() && (byte == b'"' || line[at + 1] == b'\'') => {
                        let next = line[at + 1];
                        if byte == b'"'
                            && next == b'x'
                            && at + 3 < line.len()
                            && hex(line[at + 2])
                            && hex(line[at + 3])
                        {
                            let digits = core::str::from_utf8(&line[at + 2..at + 4]).unwrap();
                            arg.push(u8::from_str_radix(digits, 16).unwrap());
                            at += 4;
                            continue;
                        }
                        let controls = [(b'n', b'\n'), (b'r', b'\r'), (b't', b'\t'), (b'a', 7), (b'b', 8)];
                        let control = controls.iter().find(|(letter, _)| byte == b'"' && *letter == next);
                        arg.push(control.map_or(next, |(_, value)| *value));
                        at += 2;
                    }
                    Some(other) => {
                        arg.push(other);
                        at += 1;
                    }
                }
            }
            if at < line.len() && !blank(line[at]) {
                return Err(SplitArgsError::TextAfterQuote { offset: at });
            }
        }
        args.push(arg);
    }
}

/// Generates lines in which bytes with a special meaning are frequent.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => proptest::sample::select(&b"\"'\\ "[..]),
        2 => proptest::sample::select(&b"nrtabx0fFg\n\t\x0b"[..]),
        1 => any::<u8>(),
    ];
    vec(byte, 0..24)
}

proptest! {
    #![proptest_config(testing::config(2000, 3))]

    #[test]
    fn what_repr_writes_split_args_reads(strings in vec(vec(any::<u8>(), 0..40), 0..5)) {
        let mut line = Sds::new();
        for string in &strings {
            line.push_repr(string);
            line.push(b' ');
        }
        prop_assert_eq!(split_args(&line).unwrap(), strings);
        prop_assert!(line.iter().all(|byte| matches!(byte, b' '..=b'~')));
    }

    #[test]
    fn what_needs_no_repr_reads_back_as_it_is(string in line()) {
        let reads_back = split_args(&string).is_ok_and(|args| args == [&string[..]]);
        // Unprintable bytes are read back too. They are quoted for the person who reads them.
        let printable = string.iter().all(|byte| matches!(byte, b' '..=b'~'));
        prop_assert!(needs_repr(&string) || reads_back);
        prop_assert!(!needs_repr(&string) || !reads_back || !printable || string.contains(&b'\\'));
    }

    #[test]
    fn every_line_splits_or_errs_as_the_rules_say(line in line()) {
        match (split_args(&line), plain_split(&line)) {
            (Ok(args), Ok(expected)) => prop_assert_eq!(args, expected),
            (Err(error), Err(expected)) => prop_assert_eq!(error, expected),
            (got, expected) => prop_assert!(false, "{:?} instead of {:?}", got, expected),
        }
    }

    #[test]
    fn display_loses_nothing(bytes in vec(any::<u8>(), 0..40)) {
        let s = Sds::from(bytes.clone());
        let shown = s.to_string();
        prop_assert_eq!(&shown, &format!("{s:?}"));
        prop_assert_eq!(repr(&bytes), shown.as_bytes());
        prop_assert_eq!(split_args(shown.as_bytes()).unwrap(), [bytes]);
    }

    #[test]
    fn join_undoes_split(bytes in vec(0..3u8, 0..30), separator in vec(0..3u8, 0..3)) {
        let pieces: Vec<_> = split(&bytes, &separator).collect();
        prop_assert_eq!(join(&pieces, &separator), bytes);
    }

    #[test]
    fn split_finds_what_a_plain_search_finds(bytes in vec(0..3u8, 0..30), separator in vec(0..3u8, 1..3)) {
        let (mut expected, mut start, mut at) = (vec![], 0, 0);
        while at < bytes.len() {
            if bytes[at..].starts_with(&separator) {
                expected.push(bytes[start..at].to_vec());
                at += separator.len();
                start = at;
            } else {
                at += 1;
            }
        }
        if !bytes.is_empty() {
            expected.push(bytes[start..].to_vec());
        }
        prop_assert_eq!(split(&bytes, &separator).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn doubles_read_back_to_the_bit(bits in any::<u64>(), whole in any::<i32>()) {
        for value in [f64::from_bits(bits), f64::from(whole), f64::from(whole) / 8.0] {
            let s = Sds::from_f64(value);
            let read: f64 = core::str::from_utf8(&s).unwrap().parse().unwrap();
            prop_assert!(read.to_bits() == value.to_bits() || (value.is_nan() && read.is_nan()), "{}", s);
        }
    }

    #[test]
    fn integers_are_written_as_std_writes_them(signed in any::<i64>(), unsigned in any::<u64>()) {
        let mut s = Sds::from_i64(signed);
        s.push(b' ');
        s.push_u64(unsigned);
        s.push(b' ');
        s.push_i64(signed);
        prop_assert_eq!(s, format!("{signed} {unsigned} {signed}"));
    }
}

#[test]
fn integers_of_every_length_are_written_as_std_writes_them() {
    for power in (0..20).step_by(if cfg!(miri) { 6 } else { 1 }) {
        let edge = 10_u64.pow(power);
        for value in [edge - 1, edge, edge + 1, u64::MAX / edge] {
            let signed = value as i64;
            let mut s = Sds::new();
            s.push_u64(value);
            common::check(&s, value.to_string().as_bytes());
            s.push_i64(signed);
            common::check(&s, format!("{value}{signed}").as_bytes());
            common::check(&Sds::from_i64(signed), signed.to_string().as_bytes());
        }
    }
}

#[test]
fn formatted_text_of_every_length_is_appended_in_pieces() {
    for start in [0, 1, 31, 32, 250, 256] {
        let step = if cfg!(miri) { 9 } else { 1 };
        for len in (0..70).step_by(step).chain([255, 256, 300]) {
            let (mut s, text) = (Sds::from(common::sample(start)), "x".repeat(len));
            std::fmt::Write::write_fmt(&mut s, format_args!("{text}-{text}")).unwrap();
            common::check(&s, &[&common::sample(start)[..], text.as_bytes(), b"-", text.as_bytes()].concat());
        }
    }
}

#[test]
fn what_panics_while_it_is_formatted_or_iterated_leaves_the_text_before_it() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("expected")
        }
    }
    let mut s = Sds::from("kept");
    let write = || std::fmt::Write::write_fmt(&mut s, format_args!(" {}{Panics}", "x".repeat(100)));
    assert!(catch_unwind(AssertUnwindSafe(write)).is_err());
    common::check(&s, format!("kept {}", "x".repeat(100)).as_bytes());

    let mut s = Sds::from("kept");
    let bytes = (0..200).map(|i| if i < 50 { i } else { panic!("expected") });
    assert!(catch_unwind(AssertUnwindSafe(|| s.extend(bytes))).is_err());
    common::check(&s, &[&b"kept"[..], &(0..50).collect::<Vec<u8>>()].concat());
}

#[test]
fn doubles_are_short() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1e15, "-1000000000000000"),
        (0.1, "0.1"),
        (2.5, "2.5"),
        (f64::NAN, "nan"),
        (f64::INFINITY, "inf"),
        (9_007_199_254_740_992.0, "9007199254740992"),
        (5e-324, "5e-324"),
    ];
    for (value, text) in cases {
        assert_eq!(Sds::from_f64(value), text);
        let mut s = Sds::from("x");
        s.push_f64(value);
        assert_eq!(s, format!("x{text}"));
    }
}

#[test]
fn quoting_errors_say_where() {
    use SplitArgsError::{TextAfterQuote, UnbalancedQuotes};
    let cases: [(&[u8], SplitArgsError); 8] = [
        (b"\"", UnbalancedQuotes { offset: 0 }),
        (b"a 'b", UnbalancedQuotes { offset: 2 }),
        (b"a \"b\\\"", UnbalancedQuotes { offset: 2 }),
        (b"\"ab\\", UnbalancedQuotes { offset: 0 }),
        (b"'it\\'", UnbalancedQuotes { offset: 0 }),
        (b"'a'b", TextAfterQuote { offset: 3 }),
        (b"\"a\"\"b\"", TextAfterQuote { offset: 3 }),
        (b"x'a'\0", TextAfterQuote { offset: 4 }),
    ];
    for (line, error) in cases {
        assert_eq!(split_args(line), Err(error), "{}", line.escape_ascii());
    }
    assert_eq!(
        SplitArgsError::UnbalancedQuotes { offset: 2 }.to_string(),
        "the quote at offset 2 is never closed"
    );
}

#[test]
fn there_are_no_arguments_after_an_error() {
    let mut args = Args::new(b"one 'two");
    assert_eq!(args.next(), Some(Ok(Sds::from("one"))));
    assert_eq!(args.next(), Some(Err(SplitArgsError::UnbalancedQuotes { offset: 4 })));
    assert_eq!(args.next(), None);
}

#[test]
fn arguments_of_redis_cli() {
    let cases: [(&str, &[&[u8]]); 7] = [
        ("", &[]),
        ("  \t\r\n ", &[]),
        ("set key value", &[b"set", b"key", b"value"]),
        (r#""" ''"#, &[b"", b""]),
        (r#"key="a b""#, &[b"key=a b"]),
        (r#""\x00\xFf\xzz\q\\""#, &[b"\x00\xffxzzq\\"]),
        (r"'\n\' \\x'", &[br"\n' \\x"]),
    ];
    for (line, expected) in cases {
        assert_eq!(split_args(line.as_bytes()).unwrap(), expected, "{line}");
    }
}

#[test]
fn template_errors_say_where() {
    let value_of = |name: &[u8]| (name != b"no").then(|| [b"<", name, b">"].concat());
    let cases: [(&[u8], Result<&str, TemplateError>); 9] = [
        (b"", Ok("")),
        (b"plain } text", Ok("plain } text")),
        (b"{a}{b c}", Ok("<a><b c>")),
        (b"{}", Ok("<>")),
        (b"{{a}", Ok("{a}")),
        (b"{{{a}}", Ok("{<a>}")),
        (b"ab{", Err(TemplateError::UnclosedBrace { offset: 2 })),
        (b"{a}{b", Err(TemplateError::UnclosedBrace { offset: 3 })),
        (b"{a} {no}", Err(TemplateError::UnknownName { offset: 4 })),
    ];
    for (text, expected) in cases {
        assert_eq!(template(text, value_of), expected.map(Sds::from), "{}", text.escape_ascii());
    }
}

#[test]
fn values_of_a_template_are_not_expanded_again() {
    assert_eq!(template(b"{x}", |_| Some("{x}")).unwrap(), "{x}");
}

#[test]
fn an_empty_string_has_no_pieces_and_an_empty_separator_none_between() {
    assert_eq!(split(b"", b",").count(), 0);
    assert_eq!(split(b"abc", b"").collect::<Vec<_>>(), [b"abc"]);
    assert_eq!(split(b",", b",").collect::<Vec<_>>(), [b"", b""]);
    assert_eq!(join::<&str>(&[], b","), "");
}

#[test]
fn a_value_that_cannot_be_shown_leaves_the_string_as_it_was() {
    struct Refuses;
    impl fmt::Display for Refuses {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            Err(fmt::Error)
        }
    }
    let mut s = Sds::from("kept");
    assert_eq!(s.try_push_fmt(format_args!("{Refuses}")), Err(FormatError::Display));
    common::check(&s, b"kept");
}

#[test]
fn lengths_that_no_string_can_have_are_errors() {
    let max = sds::layout::MAX_LEN;
    for additional in [usize::MAX, usize::MAX - 3, max - 2, isize::MAX as usize] {
        let mut s = Sds::from("abc");
        let error = ReserveError::TooLong { len: 3, additional };
        assert_eq!(s.try_make_room_for(additional), Err(error));
        assert_eq!(s.try_make_room_for_non_greedy(additional), Err(error));
        assert!(error.size() > max);
        common::check(&s, b"abc");
    }
    let mut s = Sds::from("abc");
    let error = ReserveError::TooLong { len: 3, additional: usize::MAX - 3 };
    assert_eq!(s.try_resize(usize::MAX), Err(error));
    assert_eq!(s.try_grow_zero(usize::MAX), Err(error));
    assert_eq!(Sds::try_zeroed(max + 1).unwrap_err(), ReserveError::TooLong { len: 0, additional: max + 1 });
    assert_eq!(Sds::try_with_capacity(usize::MAX).unwrap_err().size(), usize::MAX);
    common::check(&s, b"abc");
}

#[test]
#[cfg(not(miri))] // Miri ends the program where an allocator would refuse
fn what_the_allocator_refuses_is_an_error_with_the_size() {
    let mut s = Sds::from("abc");
    let room = isize::MAX as usize - 100;
    let header_len = sds::layout::HeaderType::for_len(room).header_len();
    let error = s.try_make_room_for_non_greedy(room).unwrap_err();
    assert_eq!(error, ReserveError::OutOfMemory { size: header_len + 3 + room + 1 });
    let greedy = s.try_make_room_for(room).map_err(|error| error.size());
    assert_eq!(greedy, Err(header_len + sds::layout::MAX_LEN + 1));
    common::check(&s, b"abc");
}

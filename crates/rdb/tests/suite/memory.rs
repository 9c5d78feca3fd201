//! Tests of the memory that reading a file takes: at most 128 times the length of the input, plus 1 MiB. This
//! holds for every input.
//!
//! One byte of LZF stands for at most 88 bytes. So a string that is decompressed and then copied would take
//! 176 times its compressed length. The bound is a budget of the thread that reads: allocations beyond it
//! fail. The counters of the process cannot be used, because they include the memory of other tests.

use crate::NOW;
use crate::damage::read_in_every_way;
use crate::fixtures::file;
use rdb::keyspace::Keyspace;
use rdb::keyspace::values::list::lzf;
use rdb::{LoadOptions, Loader, Reader};

/// Returns how many bytes may be in use while an input of this many bytes is read.
pub(crate) fn bound(input: usize) -> usize {
    128 * input + (1 << 20)
}

/// Runs `read` with a budget of memory. Returns its result, and how many allocations the budget refused.
pub(crate) fn failures_within<T>(budget: usize, read: impl FnOnce() -> T) -> (T, u64) {
    let plan = zmalloc::fault::fail_above(budget);
    let result = read();
    (result, plan.failures())
}

/// The files claim lengths of gigabytes, and are short.
#[test]
fn a_claimed_length_takes_at_most_a_mebibyte() {
    const HUGE: [&[u8]; 2] = [b"\x80\xFF\xFF\xFF\xFF", b"\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"];
    let mut bodies = Vec::new();
    for huge in HUGE {
        bodies.push([b"\xFB", huge, huge, b"\0\x01k\x01v"].concat()); // a resize hint
        bodies.push([b"\0", huge, b"key"].concat());
        bodies.push([b"\0\x01k", huge, b"value"].concat());
        bodies.push([b"\0\x01k\xC3", huge, huge, b"stream"].concat());
        bodies.push([b"\0\x01k\xC3\x05", huge, b"strea"].concat());
        for code in [1, 2, 3, 4, 5, 14, 18, 22, 24, 9, 10, 11, 12, 13, 16, 17, 20, 23, 25, 7, 15, 19, 21] {
            bodies.push([&[code][..], b"\x01k", huge, b"\x01a\x01b\x01c"].concat());
        }
    }
    for body in bodies {
        let file = file(12, &body);
        let (_, failures) = failures_within(1 << 20, || read_in_every_way(&file));
        assert_eq!(failures, 0, "{:02x?}", &body[..body.len().min(20)]);
    }
}

/// Returns bytes as a compressed string of the format.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0; bytes.len()];
    let len = lzf::compress(bytes, &mut stream).expect("the bytes repeat");
    let mut string = vec![0xC3];
    for len in [len, bytes.len()] {
        string.push(0x80);
        string.extend((len as u32).to_be_bytes());
    }
    string.extend(&stream[..len]);
    string
}

/// Returns an element of `len` bytes. All of them are `x`, except the first one.
fn element(first: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![b'x'; len];
    bytes[0] = first;
    bytes
}

/// Returns a text as a short string of the format.
fn short(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// Returns a listpack of strings.
fn listpack(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut list = listpack::ListPack::new();
    list.try_extend(elements.iter().map(|element| listpack::Value::raw(element))).unwrap();
    list.as_bytes().to_vec()
}

/// Returns a ziplist of strings.
fn ziplist(elements: &[Vec<u8>]) -> Vec<u8> {
    let (mut body, mut before, mut tail) = (Vec::new(), 0, 0);
    for element in elements {
        let start = body.len();
        tail = 10 + start;
        if before < 254 {
            body.push(before as u8);
        } else {
            body.push(254);
            body.extend((before as u32).to_le_bytes());
        }
        body.push(0x80);
        body.extend((element.len() as u32).to_be_bytes());
        body.extend(element);
        before = body.len() - start;
    }
    let mut bytes = ((10 + body.len() + 1) as u32).to_le_bytes().to_vec();
    bytes.extend((tail as u32).to_le_bytes());
    bytes.extend((elements.len().min(usize::from(u16::MAX)) as u16).to_le_bytes());
    bytes.extend(body);
    bytes.push(0xFF);
    bytes
}

/// Returns a zipmap of strings.
fn zipmap(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![(elements.len() / 2) as u8];
    for (n, element) in elements.iter().enumerate() {
        bytes.push(254);
        bytes.extend((element.len() as u32).to_le_bytes());
        bytes.extend((n % 2 == 1).then_some(0)); // free bytes of a value
        bytes.extend(element);
    }
    bytes.push(0xFF);
    bytes
}

/// The length of the longest element, in bytes. Its compressed form is about 88 times shorter. So two copies
/// of the element would exceed the bound.
const LEN: usize = 4 << 20;

const _: () = assert!(2 * LEN > 128 * (LEN / 87) + (1 << 20));

/// Checks that the value can be loaded within the bound, with a key in front of it and a key after it.
fn loads_within_the_bound(name: &str, version: u16, code: u8, value: &[u8]) {
    let short = b"\0\x01s\xC3\x05\x0A\x00a\xE0\x00\x00";
    let body = [&short[..], &[code, 1, b'k'], value, b"\0\x01t\x01v"].concat();
    holds_the_bound(name, &file(version, &body), 3);
}

fn holds_the_bound(name: &str, file: &[u8], keys: usize) {
    let mut keyspace = Keyspace::new();
    let (loaded, failures) = failures_within(bound(file.len()), || {
        let mut loader = Loader::new(file, LoadOptions::default())?;
        while !loader.load_some(&mut keyspace, 1, NOW)?.is_complete {}
        Ok::<_, rdb::Error>(())
    });
    assert!(failures == 0, "{name}: {} bytes of input", file.len());
    loaded.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(keyspace.len(), keys, "{name}");
    // The value is in the keyspace, and is not compressed.
    if keys == 3 {
        assert!(keyspace.allocation_size() > bound(file.len()) / 4, "{name}");
    }
    let (walked, failures) = failures_within(bound(file.len()), || {
        let mut reader = Reader::new(file)?;
        let mut items = 0_u64;
        while let Some(event) = reader.next_event()? {
            if matches!(event, rdb::Event::Key(_)) {
                reader.walk_value(|_| items += 1)?;
            }
        }
        Ok::<_, rdb::Error>(items)
    });
    assert!(walked.is_ok() && failures == 0, "{name}: walked over");
}

#[test]
fn a_long_string_lies_in_memory_once() {
    loads_within_the_bound("string", 11, 0, &compressed(&element(b'a', LEN)));
}

#[test]
fn long_elements_of_lists_and_sets_lie_in_memory_once() {
    let (one, a, b) = (element(b'a', LEN), element(b'a', LEN / 2), element(b'b', LEN / 2));
    for code in [1, 2] {
        loads_within_the_bound("one", 11, code, &[vec![1], compressed(&one)].concat());
        let two = [vec![2], compressed(&a), compressed(&b)].concat();
        loads_within_the_bound("two", 11, code, &two);
        let last = [vec![3], short("short"), short("7"), compressed(&one)].concat();
        loads_within_the_bound("last", 11, code, &last);
        let first = [vec![3], compressed(&one), short("short"), short("7")].concat();
        loads_within_the_bound("first", 11, code, &first);
    }
    loads_within_the_bound("plain node", 11, 18, &[vec![1, 1], compressed(&one)].concat());
    let plain = [vec![2, 1], compressed(&a), vec![1], compressed(&b)].concat();
    loads_within_the_bound("plain nodes", 11, 18, &plain);
}

#[test]
fn long_fields_values_and_members_lie_in_memory_once() {
    let (one, half) = (compressed(&element(b'a', LEN)), compressed(&element(b'b', LEN / 2)));
    let f = short("f");
    for (field, value) in [(&one, &f), (&f, &one), (&half, &half)] {
        let pair = [&field[..], value].concat();
        loads_within_the_bound("hash", 11, 4, &[&[1][..], &pair].concat());
        let more = [&[3][..], &short("g"), &f, &pair, &short("h"), &f].concat();
        loads_within_the_bound("hash of three", 11, 4, &more);
        let least = 9_u64.to_le_bytes();
        loads_within_the_bound("hash with times", 12, 24, &[&least[..], &[1, 0], &pair].concat());
        loads_within_the_bound("hash of Valkey", 80, 22, &[&[1][..], &pair, &[0xFF; 8]].concat());
    }
    let (text, eight) = (short("1.5"), 1.5_f64.to_le_bytes());
    loads_within_the_bound("sorted set", 11, 3, &[&[1][..], &one, &text].concat());
    loads_within_the_bound("sorted set", 11, 5, &[&[2][..], &f, &eight, &one, &eight].concat());
}

#[test]
fn a_packed_value_of_long_elements_lies_in_memory_once() {
    let (a, b) = (element(b'a', LEN / 2), element(b'b', LEN / 2));
    let (one, two) = (vec![element(b'a', LEN)], vec![a.clone(), b]);
    let mixed = vec![b"short".to_vec(), b"7".to_vec(), element(b'c', LEN), b"z".to_vec()];
    for elements in [&one, &mixed] {
        loads_within_the_bound("set", 11, 20, &compressed(&listpack(elements)));
        let node = compressed(&listpack(elements));
        loads_within_the_bound("node", 11, 18, &[&[1, 2][..], &node].concat());
        let node = compressed(&ziplist(elements));
        loads_within_the_bound("old node", 7, 14, &[&[1][..], &node].concat());
        loads_within_the_bound("old list", 7, 10, &node);
    }
    for elements in [&two, &mixed] {
        loads_within_the_bound("hash", 11, 16, &compressed(&listpack(elements)));
        loads_within_the_bound("old hash", 7, 13, &compressed(&ziplist(elements)));
        loads_within_the_bound("zipmap", 7, 9, &compressed(&zipmap(elements)));
        let mut triples = Vec::new();
        for pair in elements.chunks(2) {
            triples.extend([pair[0].clone(), pair[1].clone(), b"0".to_vec()]);
        }
        let mut list = listpack::ListPack::new();
        list.try_extend(triples.iter().map(|element| listpack::Value::from(&element[..]))).unwrap();
        let times = [&[0; 8][..], &compressed(list.as_bytes())].concat();
        loads_within_the_bound("hash with times", 12, 25, &times);
    }
    let scored = vec![b"a".to_vec(), b"1".to_vec(), element(b'c', LEN), b"2".to_vec()];
    loads_within_the_bound("sorted set", 11, 17, &compressed(&listpack(&scored)));
    loads_within_the_bound("old sorted set", 7, 12, &compressed(&ziplist(&scored)));
}

/// The node has hundreds of thousands of elements, and exceeds the limits.
#[test]
fn a_large_node_of_short_elements_lies_in_memory_once() {
    let elements = vec![b"element".to_vec(); LEN / 9];
    loads_within_the_bound("node", 11, 18, &[&[1, 2][..], &compressed(&listpack(&elements))].concat());
    let node = compressed(&ziplist(&elements[..LEN / 16]));
    loads_within_the_bound("old node", 7, 14, &[&[1][..], &node].concat());
}

/// The memory for one key must be free before the next key is decompressed.
#[test]
fn what_was_decompressed_for_one_key_is_given_back_before_the_next_one() {
    let (value, key) = (element(b'v', LEN), element(b'k', LEN / 4));
    let hash = compressed(&listpack(&[b"f".to_vec(), value.clone()]));
    let aux = [&[0xFA][..], &compressed(&value), &compressed(&value)].concat();
    let function = [&[0xF5][..], &compressed(&value)].concat();
    let body = [
        aux,
        function,
        [b"\x10\x01h", &hash[..]].concat(),
        [&[0][..], &compressed(&key), b"\x01v"].concat(),
        [b"\0\x01s", &compressed(&value)[..]].concat(),
        [b"\x01\x01l\x01", &compressed(&value)[..]].concat(),
    ];
    holds_the_bound("all", &file(11, &body.concat()), 4);
}

/// A key is copied into its entry. So it takes at most twice its length.
#[test]
fn a_long_key_lies_in_memory_at_most_twice() {
    let key = compressed(&element(b'k', LEN));
    let file = file(11, &[&[0][..], &key, b"\x01v"].concat());
    let (loaded, failures) = failures_within(2 * LEN + (1 << 20), || {
        let mut keyspace = Keyspace::new();
        Loader::new(&file[..], LoadOptions::default())?.load(&mut keyspace, NOW)?;
        Ok::<_, rdb::Error>(keyspace.len())
    });
    assert_eq!((loaded.unwrap(), failures), (1, 0));
}

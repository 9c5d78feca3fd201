//! Tests with files that are written out byte by byte: every type and encoding that is read, and every one
//! that is written.

use crate::NOW;
use crate::model::{Content, content, model};
use rdb::keyspace::values::{Encoding, EncodingLimits, Hash, List, ObjectType, Set, ZSet};
use rdb::keyspace::{Keyspace, MaxmemoryPolicy, Options};
use rdb::{
    Error, Event, Fault, Item, LoadOptions, LoadStats, Loader, Reader, UnsupportedValue, ValueType,
    WriteOptions, WriteVersion, Writer,
};

/// Returns a file of this version, without a checksum.
pub(crate) fn file(version: u16, body: &[u8]) -> Vec<u8> {
    let magic = if version < 80 { format!("REDIS{version:04}") } else { format!("VALKEY{version:03}") };
    let mut file = magic.into_bytes();
    file.extend(body);
    file.push(0xFF);
    if version >= 5 {
        file.extend([0; 8]);
    }
    file
}

pub(crate) fn load(file: &[u8]) -> Result<(Keyspace, LoadStats), Error> {
    let mut options = LoadOptions::default();
    options.unsupported = UnsupportedValue::Skip;
    let mut keyspace = Keyspace::new();
    let stats = Loader::new(file, options)?.load(&mut keyspace, NOW)?;
    Ok((keyspace, stats))
}

fn strings(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|one| one.as_bytes().to_vec()).collect()
}

fn list(all: &[&str]) -> Content {
    Content::List(strings(all))
}

fn set(all: &[&str]) -> Content {
    Content::Set(strings(all).into_iter().collect())
}

fn hash(all: &[(&str, &str)]) -> Content {
    Content::Hash(all.iter().map(|(f, v)| (f.as_bytes().to_vec(), v.as_bytes().to_vec())).collect())
}

fn zset(all: &[(&str, f64)]) -> Content {
    Content::ZSet(all.iter().map(|(m, s)| (m.as_bytes().to_vec(), s.to_bits())).collect())
}

/// Returns a packed value as a string of the format.
fn blob(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8], bytes].concat()
}

/// Returns a listpack of these entries. Each entry includes its backlen.
fn listpack(entries: &[&[u8]]) -> Vec<u8> {
    let body = entries.concat();
    let mut bytes = ((7 + body.len()) as u32).to_le_bytes().to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    bytes.extend(body);
    bytes.push(0xFF);
    bytes
}

/// Returns a listpack of a, 1, b, 2.
fn pairs() -> Vec<u8> {
    listpack(&[b"\x81a\x02", b"\x01\x01", b"\x81b\x02", b"\x02\x01"])
}

/// Returns a ziplist of a, 1, b, 2.
fn ziplist() -> Vec<u8> {
    let body = b"\0\x01a\x03\xF2\x02\x01b\x03\xF3";
    let mut bytes = 21_u32.to_le_bytes().to_vec();
    bytes.extend(18_u32.to_le_bytes());
    bytes.extend(4_u16.to_le_bytes());
    bytes.extend(body);
    bytes.push(0xFF);
    bytes
}

struct Case {
    version: u16,
    /// The number of the type in the file.
    code: u8,
    value: Vec<u8>,
    value_type: ValueType,
    encoding: Encoding,
    content: Content,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |version, code, value: Vec<u8>, value_type, encoding, content| {
        cases.push(Case { version, code, value, value_type, encoding, content });
    };
    use {Encoding as E, ValueType as T};
    let string = |text: &str| Content::String(text.into());
    let (pack, zip) = (blob(&pairs()), blob(&ziplist()));
    // Strings: lengths of 6, 14, 32 and 64 bits, integers of 8, 16 and 32 bits, and LZF.
    add(2, 0, b"\x05hello".to_vec(), T::String, E::EmbStr, string("hello"));
    add(2, 0, b"\x40\x02hi".to_vec(), T::String, E::EmbStr, string("hi"));
    add(2, 0, b"\x80\0\0\0\x02hi".to_vec(), T::String, E::EmbStr, string("hi"));
    add(8, 0, b"\x81\0\0\0\0\0\0\0\x02hi".to_vec(), T::String, E::EmbStr, string("hi"));
    add(2, 0, b"\xC0\xFF".to_vec(), T::String, E::Int, string("-1"));
    add(2, 0, b"\xC1\0\x80".to_vec(), T::String, E::Int, string("-32768"));
    add(2, 0, b"\xC2\xFF\xFF\xFF\x7F".to_vec(), T::String, E::Int, string("2147483647"));
    add(2, 0, b"\xC3\x05\x0A\x00a\xE0\x00\x00".to_vec(), T::String, E::EmbStr, string("aaaaaaaaaa"));
    // Lists.
    add(2, 1, b"\x02\x01a\xC0\x07".to_vec(), T::List, E::ListPack, list(&["a", "7"]));
    add(2, 10, zip.clone(), T::ListZiplist, E::ListPack, list(&["a", "1", "b", "2"]));
    let quick = [&[1][..], &zip].concat();
    add(7, 14, quick, T::ListQuicklist, E::ListPack, list(&["a", "1", "b", "2"]));
    let quick = [&[2][..], &zip, &zip].concat();
    let twice = list(&["a", "1", "b", "2", "a", "1", "b", "2"]);
    add(7, 14, quick, T::ListQuicklist, E::QuickList, twice);
    let quick = [&[1, 2][..], &pack].concat();
    add(10, 18, quick, T::ListQuicklist2, E::ListPack, list(&["a", "1", "b", "2"]));
    // A plain node whose element is not large becomes an element of a listpack.
    let quick = [&[2, 2][..], &pack, b"\x01\x05plain"].concat();
    add(10, 18, quick, T::ListQuicklist2, E::ListPack, list(&["a", "1", "b", "2", "plain"]));
    let quick = [&[2, 2][..], &pack, &[2], &pack].concat();
    let twice = list(&["a", "1", "b", "2", "a", "1", "b", "2"]);
    add(10, 18, quick, T::ListQuicklist2, E::QuickList, twice);
    // Sets.
    add(2, 2, b"\x02\x01a\x01b".to_vec(), T::Set, E::ListPack, set(&["a", "b"]));
    add(2, 2, b"\x02\xC0\x07\x018".to_vec(), T::Set, E::IntSet, set(&["7", "8"]));
    let ints = blob(b"\x02\0\0\0\x02\0\0\0\xFE\xFF\x07\0");
    add(2, 11, ints, T::SetIntset, E::IntSet, set(&["-2", "7"]));
    let members = blob(&listpack(&[b"\x81a\x02", b"\x01\x01"]));
    add(11, 20, members, T::SetListpack, E::ListPack, set(&["a", "1"]));
    // Hashes.
    let one = hash(&[("f", "v")]);
    let two = hash(&[("a", "1"), ("b", "2")]);
    add(2, 4, b"\x01\x01f\x01v".to_vec(), T::Hash, E::ListPack, one.clone());
    add(2, 9, blob(b"\x01\x01f\x01\x02v..\xFF"), T::HashZipmap, E::ListPack, one);
    add(4, 13, zip.clone(), T::HashZiplist, E::ListPack, two.clone());
    add(10, 16, pack.clone(), T::HashListpack, E::ListPack, two.clone());
    // Hashes whose fields can expire. The first field has an expiry, and the second one has none.
    let triples =
        blob(&listpack(&[b"\x81a\x02", b"\x01\x01", b"\x09\x01", b"\x81b\x02", b"\x02\x01", b"\0\x01"]));
    add(12, 22, b"\x02\x09\x01a\x011\0\x01b\x012".to_vec(), T::HashMetadataPreGa, E::ListPack, two.clone());
    add(12, 23, triples.clone(), T::HashListpackExPreGa, E::ListPack, two.clone());
    let least = 9_u64.to_le_bytes();
    let relative = [&least[..], b"\x02\x01\x01a\x011\0\x01b\x012"].concat();
    add(12, 24, relative, T::HashMetadata, E::ListPack, two.clone());
    add(12, 25, [&least[..], &triples].concat(), T::HashListpackEx, E::ListPack, two.clone());
    let behind = [b"\x02\x01a\x011", &least[..], b"\x01b\x012", &[0xFF; 8][..]].concat();
    add(80, 22, behind, T::Hash2, E::ListPack, two);
    // Sorted sets.
    let scored = zset(&[("a", 1.0), ("b", 2.0)]);
    add(2, 3, b"\x02\x01a\x011\x01b\x032.0".to_vec(), T::ZSet, E::ListPack, scored.clone());
    let ends = zset(&[("a", f64::NEG_INFINITY), ("b", f64::INFINITY)]);
    add(2, 3, b"\x02\x01b\xFE\x01a\xFF".to_vec(), T::ZSet, E::ListPack, ends);
    let eight = [b"\x02\x01b", &2_f64.to_le_bytes()[..], b"\x01a", &1_f64.to_le_bytes()].concat();
    add(8, 5, eight, T::ZSet2, E::ListPack, scored.clone());
    add(2, 12, zip, T::ZSetZiplist, E::ListPack, scored.clone());
    add(10, 17, pack, T::ZSetListpack, E::ListPack, scored);
    let pi = blob(&listpack(&[b"\x81a\x02", b"\x8A2.51327412\x0B"]));
    add(10, 17, pi, T::ZSetListpack, E::ListPack, zset(&[("a", 2.513_274_12)]));
    cases
}

/// Returns a file with one key for each type and encoding.
pub(crate) fn files_of_all_types() -> Vec<Vec<u8>> {
    let file = |case: Case| file(case.version, &[&[case.code][..], b"\x03key", &case.value].concat());
    cases().into_iter().map(file).collect()
}

#[test]
fn every_type_is_read_into_its_encoding() {
    for Case { version, code, value, value_type, encoding, content: expected } in cases() {
        let file = file(version, &[&[code][..], b"\x03key", &value].concat());
        let context = format!("{value_type:?}");
        let (mut keyspace, mut options) = (Keyspace::new(), LoadOptions::default());
        options.drops_expired = false; // also fields
        let loaded = Loader::new(&file[..], options).and_then(|mut loader| loader.load(&mut keyspace, NOW));
        let stats = loaded.unwrap_or_else(|error| panic!("{context}: {error}"));
        let key = keyspace.get("key", 0).expect(&context);
        assert_eq!(content(key), expected, "{context}");
        assert_eq!(keyspace.encoding("key", 0), Some(encoding), "{context}");
        assert_eq!((stats.keys, stats.bytes), (1, file.len() as u64), "{context}");
        let may_expire = context.contains("Ex") || context.contains("Metadata") || context == "Hash2";
        assert_eq!(stats.field_expiries, u64::from(may_expire), "{context}");
        keyspace.check();
    }
}

#[test]
fn a_reader_names_the_type_and_walks_over_builds_or_skips_the_value() {
    for Case { version, code, value, value_type, content: expected, .. } in cases() {
        let body = [&[code][..], b"\x03key", &value, b"\0\x04next\x01v"].concat();
        let file = file(version, &body);
        for way in 0..3 {
            let mut reader = Reader::new(&file[..]).unwrap();
            let Some(Event::Key(header)) = reader.next_event().unwrap() else { panic!("a key") };
            assert_eq!((header.key, header.value_type), (&b"key"[..], value_type));
            match way {
                0 => {
                    let built = reader.read_value(&EncodingLimits::DEFAULT).unwrap();
                    let mut keyspace = Keyspace::new();
                    keyspace.insert("key", built, None, 0).unwrap();
                    assert_eq!(content(keyspace.get("key", 0).unwrap()), expected, "{value_type:?}");
                }
                1 => assert_eq!(walked(&mut reader), expected, "{value_type:?}"),
                _ => reader.skip_value().unwrap(),
            }
            let next = reader.next_event().unwrap();
            assert!(matches!(next, Some(Event::Key(header)) if header.key == b"next"), "{value_type:?}");
            assert!(reader.next_event().unwrap().is_none());
            assert_eq!(reader.offset(), file.len() as u64);
        }
    }
}

/// Returns the value that a walk over its items gives.
fn walked(reader: &mut Reader<&[u8]>) -> Content {
    use crate::model::bytes;
    let mut parts = Vec::new();
    let (mut pairs, mut scores) = (Vec::new(), Vec::new());
    let mut object_type = ObjectType::String;
    let mut each = |item: Item<'_>| match item {
        Item::String(part) => parts.push(bytes(part)),
        Item::Element(part) => {
            object_type = ObjectType::List;
            parts.push(bytes(part));
        }
        Item::Member(part) => {
            object_type = ObjectType::Set;
            parts.push(bytes(part));
        }
        Item::Field(field, value, expiry) => {
            object_type = ObjectType::Hash;
            assert!(expiry.is_none_or(|expiry| expiry == 9 && bytes(field) == b"a"), "{expiry:?}");
            pairs.push((bytes(field), bytes(value)));
        }
        Item::Scored(member, score) => {
            object_type = ObjectType::ZSet;
            scores.push((bytes(member), score.to_bits()));
        }
        other => panic!("{other:?}"),
    };
    reader.walk_value(&mut each).unwrap();
    match object_type {
        ObjectType::String => Content::String(parts.concat()),
        ObjectType::List => Content::List(parts),
        ObjectType::Set => Content::Set(parts.into_iter().collect()),
        ObjectType::Hash => Content::Hash(pairs.into_iter().collect()),
        ObjectType::ZSet => Content::ZSet(scores.into_iter().collect()),
    }
}

/// Each case is a body, the offset of the fault, and the fault. The header has 9 bytes. An offset of 0 stands
/// for any offset.
#[test]
fn damaged_values_are_refused_with_their_offset() {
    let pack = |entries: &[&[u8]]| blob(&listpack(entries));
    let twice = pack(&[b"\x81a\x02", b"\x01\x01", b"\x81a\x02", b"\x01\x01"]);
    let odd = pack(&[b"\x81a\x02", b"\x01\x01", b"\x81b\x02"]);
    let disordered = pack(&[b"\x81a\x02", b"\x02\x01", b"\x81b\x02", b"\x01\x01"]);
    let no_score = pack(&[b"\x81a\x02", b"\x81x\x02"]);
    let nan = pack(&[b"\x81a\x02", b"\x83nan\x04"]);
    let double = pack(&[b"\x81a\x02", b"\xF5\0\0\0\0\0\0\0\0\x09"]);
    let trailing = [blob(&[&pairs()[..], b"x"].concat())].concat();
    let key = |code: u8, value: &[u8]| [&[code][..], b"\x01k", value].concat();
    let cases: Vec<(Vec<u8>, u64, Fault)> = vec![
        (key(2, b"\x02\x01a\x01a"), 15, Fault::Duplicate),
        (key(4, b"\x02\x01a\x01b\x01a\x01c"), 17, Fault::Duplicate),
        (key(3, b"\x02\x01a\x011\x01a\x012"), 17, Fault::Duplicate),
        (key(3, b"\x01\x01a\xFD"), 15, Fault::Score),
        (key(3, b"\x01\x01a\x01x"), 15, Fault::Score),
        (key(5, &[b"\x01\x01a", &f64::NAN.to_le_bytes()[..]].concat()), 15, Fault::Score),
        (key(11, &blob(b"\x02\0\0\0\x02\0\0\0\x07\0\x07\0")), 23, Fault::Intset),
        (key(11, &blob(b"\x03\0\0\0\0\0\0\0")), 13, Fault::Intset),
        (key(20, &twice), 24, Fault::Listpack),
        (key(16, &twice), 24, Fault::Listpack),
        (key(16, &odd), 27, Fault::Listpack),
        (key(17, &disordered), 24, Fault::Listpack),
        (key(17, &no_score), 22, Fault::Listpack),
        (key(17, &nan), 22, Fault::Listpack),
        (key(16, &double), 22, Fault::Listpack),
        (key(16, &trailing), 13, Fault::Listpack),
        (key(18, b"\x01\x03\x01a"), 13, Fault::Number),
        (key(13, b"\x02\0\0"), 13, Fault::Ziplist),
        (key(9, b"\x02\x01\xFF"), 13, Fault::Zipmap),
        (key(25, &[&[0; 8][..], &odd[..]].concat()).clone(), 0, Fault::Number),
        (key(0, b"\xC4"), 12, Fault::StringEncoding),
        (key(0, b"\x82"), 12, Fault::Length),
        (key(0, b"\xC3\x01\x40\x59a"), 12, Fault::Lzf), // one byte cannot stand for 89
        (key(0, b"\xC3\x02\x05\0a"), 12, Fault::Lzf),
        (key(7, b"\x01\x06"), 13, Fault::ModuleOpcode),
        (vec![8], 9, Fault::Opcode),
        (vec![200], 9, Fault::Opcode),
    ];
    for (body, offset, expected) in cases {
        let error = load(&file(12, &body)).err().unwrap_or_else(|| panic!("{expected:?}, {body:?}"));
        match error {
            Error::Malformed { offset: at, fault } => {
                assert_eq!(fault, expected, "{body:02x?}");
                assert!(offset == 0 || offset == at, "{expected:?}: at {at}, not at {offset}: {body:02x?}");
            }
            other => panic!("{other} for {expected:?}"),
        }
    }
}

#[test]
fn what_is_not_a_file_is_refused_at_once() {
    let magic = |bytes: &[u8]| Reader::new(bytes).err().unwrap().to_string();
    let malformed = |offset, fault| Error::Malformed { offset, fault }.to_string();
    assert_eq!(magic(b""), malformed(0, Fault::Truncated));
    assert_eq!(magic(b"REDIS001"), malformed(8, Fault::Truncated));
    assert_eq!(magic(b"REDIX0011"), malformed(0, Fault::Magic));
    assert_eq!(magic(b"REDIS+011"), malformed(0, Fault::Magic));
    for (number, bytes) in
        [(1, b"REDIS0001"), (16, b"REDIS0016"), (80, b"REDIS0080"), (11, b"VALKEY011"), (82, b"VALKEY082")]
    {
        assert_eq!(magic(bytes), Error::Version { offset: 5, version: number }.to_string());
    }
}

/// The file has everything that may be between keys.
#[test]
fn all_opcodes_are_read() {
    let body = [
        &b"\xFA\x03ver\x037.2"[..],
        b"\xFE\x02\xFB\x02\x01",
        b"\xF4\x07\x02\x01",
        b"\xF5\x04code",
        b"\xF7\x81\0\0\0\0\0\0\0\x01\x02\x01\x01\x07\x02\x08\x03abcd\x04abcdefgh\x05\x01s\0",
        b"\xFC\x01\0\0\0\0\0\0\0\xF8\x40\x64\0\x01a\x01v",
        b"\xFD\x01\0\0\0\xF9\x09\0\x01b\x01v",
    ]
    .concat();
    let file = file(12, &body);
    let mut reader = Reader::new(&file[..]).unwrap();
    let mut seen = Vec::new();
    while let Some(event) = reader.next_event().unwrap() {
        seen.push(match event {
            Event::Aux { name, value } => format!("{} {}", name.escape_ascii(), value.escape_ascii()),
            Event::Function(code) => code.escape_ascii().to_string(),
            Event::Key(key) => format!("{:?} {:?} {:?}", key.expiry, key.idle_time, key.freq),
            other => format!("{other:?}"),
        });
    }
    let expected = [
        "ver 7.2",
        "Database(2)",
        "Resize { keys: 2, expires: 1 }",
        "Slot { slot: 7, keys: 2, expires: 1 }",
        "code",
        "Skipped { opcode: 247 }",
        "Some(1) Some(100) None",
        "Some(1000) None Some(9)",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn access_clocks_are_kept_as_the_policy_allows() {
    let file = file(11, b"\xF8\x0A\0\x04idle\x01v\xF9\x63\0\x04freq\x01v\0\x04none\x01v");
    let policies = [MaxmemoryPolicy::AllkeysLru, MaxmemoryPolicy::AllkeysLfu, MaxmemoryPolicy::AllkeysS3fifo];
    let keys = ["idle", "freq", "none"];
    let loaded = policies.map(|policy| {
        let mut keyspace = Keyspace::with_options(Options::new().maxmemory_policy(policy));
        Loader::new(&file[..], LoadOptions::default()).unwrap().load(&mut keyspace, NOW).unwrap();
        keyspace
    });
    let [lru, lfu, s3] = loaded;
    assert_eq!(keys.map(|key| lru.idle_time(key, NOW)), [Some(10), Some(0), Some(0)]);
    assert_eq!(keys.map(|key| lfu.freq(key, NOW)), [Some(5), Some(99), Some(5)]);
    assert_eq!(keys.map(|key| s3.freq(key, NOW)), [Some(0); 3]);

    // The idle time and the counter are written only if the options ask for it.
    let mut options = WriteOptions::default();
    for clock in [false, true] {
        options.access_clock = clock;
        let (idle, freq) = (b"\xF8\x0A\0\x04idle", b"\xF9\x63\0\x04freq");
        let written = [&lru, &lfu].map(|keyspace| rdb::save(keyspace, Vec::new(), &options, NOW).unwrap());
        assert_eq!(written[0].windows(8).any(|window| window == idle), clock);
        assert_eq!(written[1].windows(8).any(|window| window == freq), clock);
    }
}

/// Each case is a keyspace with one key, and the bytes that it is written as.
#[test]
fn every_encoding_is_written_as_the_type_of_its_version() {
    let limits = EncodingLimits::DEFAULT;
    let write = |version, keyspace: &Keyspace| {
        let mut options = WriteOptions::default();
        (options.version, options.compression) = (version, false);
        let mut writer = Writer::new(Vec::new(), &options).unwrap();
        for record in keyspace.records(0) {
            writer.write_record(&record).unwrap();
        }
        let file = writer.finish().unwrap();
        file[9..file.len() - 9].to_vec()
    };
    let all = |keyspace: &Keyspace, expected: &[u8]| {
        for version in [WriteVersion::V10, WriteVersion::V11, WriteVersion::V12] {
            let written = write(version, keyspace);
            assert_eq!(written.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
    };
    let string = |value: &[u8], expected: &[u8]| {
        let mut keyspace = Keyspace::new();
        keyspace.set("k", value, 0).unwrap();
        all(&keyspace, &[b"\0\x01k", expected].concat());
    };
    string(b"hello", b"\x05hello");
    string(b"-128", b"\xC0\x80");
    string(b"128", b"\xC1\x80\0");
    string(b"-32769", b"\xC2\xFF\x7F\xFF\xFF");
    string(b"2147483648", b"\x0A2147483648");
    string(b"007", b"\x03007");
    string(b"", b"\0");
    string(&[b'x'; 64], &[&b"\x40\x40"[..], &[b'x'; 64]].concat());
    string(&[b'x'; 20_000], &[&b"\x80\0\0\x4E\x20"[..], &[b'x'; 20_000]].concat());

    let mut keyspace = Keyspace::new();
    keyspace.set("12", "v", 0).unwrap();
    keyspace.expire("12", rdb::keyspace::Expiry::AtMillis(258), Default::default(), 0).unwrap();
    all(&keyspace, b"\xFC\x02\x01\0\0\0\0\0\0\0\xC0\x0C\x01v");

    fn with(value: impl Into<rdb::keyspace::Value>) -> Keyspace {
        let mut keyspace = Keyspace::new();
        keyspace.insert("k", value, None, 0).unwrap();
        keyspace
    }
    let mut hash = Hash::new();
    hash.insert("a", 1, &limits);
    hash.insert("b", 2, &limits);
    all(&with(hash), &[b"\x10\x01k", &blob(&pairs())[..]].concat());
    let mut hash = Hash::new();
    hash.insert("f", &[b'v'; 65], &limits);
    all(&with(hash), &[b"\x04\x01k\x01\x01f\x40\x41", &[b'v'; 65][..]].concat());

    let mut list = List::new();
    for element in ["a", "1", "b", "2"] {
        list.push_back(element, &limits);
    }
    all(&with(list), &[b"\x12\x01k\x01\x02", &blob(&pairs())[..]].concat());
    let mut list = List::new();
    list.push_back(&[b'x'; 9_000], &limits);
    all(&with(list), &[b"\x12\x01k\x01\x01\x63\x28", &[b'x'; 9_000][..]].concat());

    let mut set = Set::new();
    set.insert(7, &limits);
    set.insert(-2, &limits);
    all(&with(set), &[b"\x0B\x01k", &blob(b"\x02\0\0\0\x02\0\0\0\xFE\xFF\x07\0")[..]].concat());
    let mut set = Set::new();
    set.insert("a", &limits);
    set.insert(1, &limits);
    let keyspace = with(set);
    let packed = [b"\x14\x01k", &blob(&listpack(&[b"\x81a\x02", b"\x01\x01"]))[..]].concat();
    assert_eq!(write(WriteVersion::V11, &keyspace), packed);
    assert_eq!(write(WriteVersion::V12, &keyspace), packed);
    assert_eq!(write(WriteVersion::V10, &keyspace), b"\x02\x01k\x02\x01a\xC0\x01");
    let mut set = Set::new();
    set.insert(&[b'm'; 65], &limits);
    all(&with(set), &[b"\x02\x01k\x01\x40\x41", &[b'm'; 65][..]].concat());

    let mut zset = ZSet::new();
    zset.insert("a", 1.0, &limits).unwrap();
    zset.insert("b", 2.0, &limits).unwrap();
    all(&with(zset), &[b"\x11\x01k", &blob(&pairs())[..]].concat());
    // A score that is a double in memory is text in a file.
    let mut zset = ZSet::new();
    zset.insert("a", 0.1 + 0.2, &limits).unwrap();
    let text = listpack(&[b"\x81a\x02", b"\x930.30000000000000004\x14"]);
    all(&with(zset), &[b"\x11\x01k", &blob(&text)[..]].concat());
    let mut zset = ZSet::new();
    zset.insert(&[b'm'; 65], 1.0, &limits).unwrap();
    zset.insert("z", 2.0, &limits).unwrap();
    let high_first =
        [b"\x05\x01k\x02\x01z", &2_f64.to_le_bytes()[..], b"\x40\x41", &[b'm'; 65], &1_f64.to_le_bytes()];
    all(&with(zset), &high_first.concat());
}

#[test]
fn an_empty_keyspace_is_a_file_of_fields() {
    let file = rdb::save(&Keyspace::new(), Vec::new(), &WriteOptions::default(), NOW).unwrap();
    let bits = [usize::BITS as u8];
    let fields =
        [&b"REDIS0011\xFA\x09redis-ver\x057.2.0\xFA\x0Aredis-bits\xC0"[..], &bits, b"\xFA\x05ctime\xC2"];
    assert!(file.starts_with(&fields.concat()));
    let (keyspace, stats) = load(&file).unwrap();
    assert_eq!((model(&keyspace).len(), stats.bytes), (0, file.len() as u64));
}

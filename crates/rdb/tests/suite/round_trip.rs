//! Tests that keyspaces are equal after they are written and read, in all versions.

use crate::NOW;
use crate::model::{Content, Model, content, model};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use rdb::keyspace::values::{Hash, List, Set, ZSet};
use rdb::keyspace::{Keyspace, Options, Value};
use rdb::{DumpOptions, LoadOptions, Loader, WriteOptions, WriteVersion, dump, restore};

pub(crate) const VERSIONS: [WriteVersion; 3] = [WriteVersion::V10, WriteVersion::V11, WriteVersion::V12];

/// Returns options with limits that short collections exceed.
pub(crate) fn options() -> Options {
    Options::new()
        .hash_max_listpack_entries(8)
        .set_max_intset_entries(8)
        .set_max_listpack_entries(8)
        .zset_max_listpack_entries(8)
        .list_max_listpack_size(4)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-c]{0,3}".prop_map(String::into_bytes),
        2 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        2 => (-200..200_i64).prop_map(|number| number.to_string().into_bytes()),
        2 => vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 20..3_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn score() -> impl Strategy<Value = u64> {
    prop_oneof![
        (-100..100_i32).prop_map(f64::from),
        any::<f64>().prop_filter("a number", |score| !score.is_nan()),
        Just(f64::INFINITY),
        Just(-0.0),
    ]
    .prop_map(f64::to_bits)
}

fn some_content() -> impl Strategy<Value = Content> {
    let ints = (0..20_i64).prop_map(|number| number.to_string().into_bytes());
    prop_oneof![
        bytes().prop_map(Content::String),
        vec(bytes(), 1..20).prop_map(Content::List),
        btree_set(bytes(), 1..20).prop_map(Content::Set),
        btree_set(ints, 1..16).prop_map(Content::Set),
        btree_map(bytes(), bytes(), 1..20).prop_map(Content::Hash),
        btree_map(bytes(), score(), 1..20).prop_map(Content::ZSet),
    ]
}

pub(crate) fn some_model() -> impl Strategy<Value = Model> {
    btree_map(bytes(), (proptest::option::of(NOW + 1..u64::MAX / 4), some_content()), 0..12)
}

pub(crate) fn value(content: &Content, options: &Options) -> Value {
    let limits = options.encoding_limits();
    match content {
        Content::String(string) => {
            let element = rdb::keyspace::values::Element::from(string);
            Value::String(element.try_into().unwrap())
        }
        Content::List(list) => {
            let mut value = List::new();
            list.iter().for_each(|element| value.push_back(element, limits));
            value.into()
        }
        Content::Set(set) => {
            let mut value = Set::new();
            set.iter().for_each(|member| assert!(value.insert(member, limits)));
            value.into()
        }
        Content::Hash(hash) => {
            let mut new = Hash::new();
            hash.iter().for_each(|(field, value)| assert!(new.insert(field, value, limits)));
            new.into()
        }
        Content::ZSet(zset) => {
            let mut value = ZSet::new();
            for (member, score) in zset {
                assert!(value.insert(member, f64::from_bits(*score), limits).unwrap());
            }
            value.into()
        }
    }
}

pub(crate) fn keyspace(model: &Model, options: &Options) -> Keyspace {
    let mut keyspace = Keyspace::with_options(*options);
    for (key, (expiry, content)) in model {
        keyspace.insert(key, value(content, options), *expiry, NOW).unwrap();
    }
    keyspace
}

fn encodings(keyspace: &Keyspace) -> Vec<(Vec<u8>, Option<rdb::keyspace::values::Encoding>)> {
    let mut all: Vec<_> =
        keyspace.iter(NOW).map(|(key, _)| (key.to_vec(), keyspace.encoding(&key.text(), NOW))).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

proptest! {
    #![proptest_config(testing::config(256, 1))]

    #[test]
    fn a_keyspace_comes_back_with_its_encodings(
        expected in some_model(),
        version in proptest::sample::select(&VERSIONS),
        compression: bool,
        depth in 0..3_u16,
        keys in 1..5_usize,
    ) {
        let settings = options().list_compress_depth(depth);
        let before = keyspace(&expected, &settings);
        let mut write = WriteOptions::default();
        (write.version, write.compression) = (version, compression);
        let file = rdb::save(&before, Vec::new(), &write, NOW).unwrap();

        let mut after = Keyspace::with_options(settings);
        let mut loader = Loader::new(&file[..], LoadOptions::default()).unwrap();
        while !loader.load_some(&mut after, keys, NOW).unwrap().is_complete {}
        prop_assert_eq!(model(&after), expected);
        prop_assert_eq!(encodings(&after), encodings(&before));
        prop_assert_eq!(loader.stats().keys, after.len() as u64);
        prop_assert_eq!(loader.stats().bytes, file.len() as u64);
    }

    #[test]
    fn a_value_comes_back_from_its_payload(
        expected in some_content(),
        version in proptest::sample::select(&VERSIONS),
        compression: bool,
    ) {
        let settings = options();
        let mut keyspace = Keyspace::with_options(settings);
        keyspace.insert("key", value(&expected, &settings), None, 0).unwrap();
        let mut write = DumpOptions::default();
        (write.version, write.compression) = (version, compression);
        let payload = dump(keyspace.get("key", 0).unwrap(), write).unwrap();
        let restored = restore(&payload, settings.encoding_limits()).unwrap();
        keyspace.insert("copy", restored.value, None, 0).unwrap();
        prop_assert_eq!(content(keyspace.get("copy", 0).unwrap()), expected);
        prop_assert_eq!(keyspace.encoding("copy", 0), keyspace.encoding("key", 0));
        prop_assert_eq!(restored.version.number(), version.number());
    }
}

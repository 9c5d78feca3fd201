//! Tests with real files of versions 2 to 12 and 80. They come from the projects librdb and HDT3213/rdb, and
//! are not part of this repository.

use crate::NOW;
use crate::model::{Content, Model, model};
use jiff::Timestamp;
use rdb::keyspace::Keyspace;
use rdb::{Error, Fault, LoadOptions, LoadStats, Loader, UnsupportedValue};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Returns the paths of the files of a project, or nothing if they are missing.
pub(crate) fn files(project: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/rdb").join(project);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: there are no sample files in {}", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rdb"));
    files.sort();
    assert!(files.len() > 30, "{} has its files", folder.display());
    files
}

fn load(path: &Path, options: LoadOptions) -> Result<(Vec<Keyspace>, LoadStats), Error> {
    let mut databases: Vec<Keyspace> = (0..16).map(|_| Keyspace::new()).collect();
    let stats = Loader::open(path, options)?.load(&mut databases, NOW)?;
    Ok((databases, stats))
}

fn lenient_options() -> LoadOptions {
    let mut options = LoadOptions::default();
    options.drops_expired = false;
    options.unsupported = UnsupportedValue::Skip;
    options
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A database as in the JSON files. Bytes that are not valid UTF-8 are replacement characters.
type Json = BTreeMap<String, (Option<u64>, Value)>;

fn as_json(model: Model) -> Json {
    let strings = |all: &mut dyn Iterator<Item = Vec<u8>>| all.map(|one| Value::from(text(&one))).collect();
    let of = |content| match content {
        Content::String(string) => Value::from(text(&string)),
        Content::List(list) => Value::Array(strings(&mut list.into_iter())),
        Content::Set(set) => Value::Array(strings(&mut set.into_iter())),
        Content::Hash(hash) => {
            Value::Object(hash.into_iter().map(|(f, v)| (text(&f), Value::from(text(&v)))).collect())
        }
        Content::ZSet(zset) => Value::Object(
            zset.into_iter().map(|(member, bits)| (text(&member), f64::from_bits(bits).into())).collect(),
        ),
    };
    model.into_iter().map(|(key, (expiry, content))| (text(&key), (expiry, of(content)))).collect()
}

/// Returns the databases of a JSON file, and how many streams it has.
fn expected(json: &Path) -> (BTreeMap<u64, Json>, u64) {
    let all: Vec<Value> = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let (mut databases, mut streams) = (BTreeMap::<u64, Json>::new(), 0);
    for mut object in all {
        let string = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
        let (key, expiry) = (string("key"), object.get("expiration").map(|_| string("expiration")));
        let value = match &*string("type") {
            "string" => object["value"].take(),
            "list" => object["values"].take(),
            "set" => {
                let mut members = object["members"].take();
                members.as_array_mut().unwrap().sort_by_key(|member| member.as_str().unwrap().to_owned());
                members
            }
            "hash" => object["hash"].take(),
            "zset" => Value::Object(
                object["entries"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|entry| {
                        let score = entry["score"].as_f64().unwrap();
                        (entry["member"].as_str().unwrap().to_owned(), score.into())
                    })
                    .collect(),
            ),
            "stream" => {
                streams += 1;
                continue;
            }
            "aux" | "functions" => continue,
            other => panic!("a type of its own: {other}"),
        };
        let expiry = expiry.map(|time| time.parse::<Timestamp>().unwrap().as_millisecond() as u64);
        let database = object["db"].as_u64().unwrap();
        databases.entry(database).or_default().insert(key, (expiry, value));
    }
    (databases, streams)
}

#[test]
fn every_sample_file_holds_what_its_json_says() {
    let mut compared = 0;
    for path in files("hdt3213") {
        let (databases, stats) =
            load(&path, lenient_options()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(stats.bytes, std::fs::metadata(&path).unwrap().len(), "{}", path.display());
        let json = path.with_extension("json");
        if !json.exists() {
            continue;
        }
        let (mut expected, streams) = expected(&json);
        assert_eq!(stats.unsupported, streams, "{}", path.display());
        for (number, keyspace) in databases.iter().enumerate() {
            let expected = expected.remove(&(number as u64)).unwrap_or_default();
            assert_eq!(as_json(model(keyspace)), expected, "{}, database {number}", path.display());
        }
        assert!(expected.is_empty());
        compared += 1;
    }
    assert!(compared == 0 || compared > 30, "{compared}");
}

#[test]
fn fields_with_an_expiry_are_kept_without_it_and_counted() {
    for path in files("hdt3213") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let fields = match name {
            "hash_as_listpack_with_hfe" | "valkey_hash2_with_hfe" => 2,
            "hash_with_hfe" => 3,
            _ => 0,
        };
        let (_, stats) = load(&path, lenient_options()).unwrap();
        assert_eq!(stats.field_expiries, fields, "{name}");
    }
}

/// The names of these files say what is in them.
#[test]
fn every_file_of_librdb_is_read_or_refused_for_its_reason() {
    for path in files("librdb") {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let result = load(&path, lenient_options());
        match &*name {
            "future_v19" => {
                assert!(matches!(result, Err(Error::Version { offset: 5, version: 99 })), "{name}")
            }
            "invalid_chksum_v8" => {
                assert!(matches!(result, Err(Error::Checksum { offset: 201, .. })), "{name}");
                let mut options = lenient_options();
                options.checks_checksum = false;
                assert!(load(&path, options).unwrap().1.is_complete);
            }
            "redis_ent_opcode_ram_lru" => {
                let opcode = Error::Malformed { offset: 280, fault: Fault::Opcode };
                assert_eq!(result.unwrap_err().to_string(), opcode.to_string());
            }
            _ => {
                let (databases, stats) = result.unwrap_or_else(|error| panic!("{name}: {error}"));
                let keys: usize = databases.iter().map(Keyspace::len).sum();
                assert_eq!((stats.is_complete, stats.keys), (true, keys as u64), "{name}");
                assert_eq!(stats.bytes, std::fs::metadata(&path).unwrap().len(), "{name}");
                let has_unsupported =
                    name.contains("stream") || matches!(&*name, "module" | "module_aux_v12");
                assert_eq!(stats.unsupported > 0, has_unsupported, "{name}");
                assert_eq!(stats.functions > 0, name.starts_with("function"), "{name}");
                databases.iter().for_each(Keyspace::check);
            }
        }
    }
}

#[test]
fn streams_and_modules_are_refused_unless_they_may_be_skipped() {
    for path in files("librdb") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if matches!(name, "stream_v11" | "misc_with_stream" | "module") {
            let mut options = lenient_options();
            options.unsupported = UnsupportedValue::Refuse;
            let error = load(&path, options).err().unwrap();
            assert!(matches!(error, Error::Unsupported { .. }), "{name}: {error}");
        }
    }
}

#[test]
fn keys_that_have_expired_are_passed_over_if_asked() {
    for path in files("hdt3213") {
        if path.file_stem().unwrap() == "keys_with_expiry" {
            let (databases, stats) = load(&path, LoadOptions::default()).unwrap();
            assert_eq!((databases[0].len(), stats.keys, stats.expired), (0, 0, 1));
        }
    }
}

#[test]
fn a_database_without_a_keyspace_is_passed_over_and_counted() {
    for path in files("librdb") {
        if path.file_stem().unwrap() == "multiple_dbs" {
            let (databases, all) = load(&path, lenient_options()).unwrap();
            let mut first = Keyspace::new();
            let stats = Loader::open(&path, lenient_options()).unwrap().load(&mut first, NOW).unwrap();
            assert_eq!(model(&first), model(&databases[0]));
            assert_eq!((stats.keys + stats.other_databases, stats.keys), (all.keys, first.len() as u64));
        }
    }
}

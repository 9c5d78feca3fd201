//! Tests with damaged files: files that are truncated at every byte, and files with changed bytes. Each is
//! read or refused, in bounded memory.

use crate::NOW;
use crate::round_trip::{VERSIONS, options};
use crate::samples::files;
use rdb::keyspace::Keyspace;
use rdb::keyspace::values::{Hash, List, Set, ZSet};
use rdb::{
    DumpOptions, Error, Fault, LoadOptions, Loader, Reader, UnsupportedValue, WriteOptions, dump, restore,
};

/// Returns a keyspace with a small value of every type in every encoding.
pub(crate) fn one_of_every_encoding() -> Keyspace {
    let mut keyspace = Keyspace::with_options(options());
    let limits = *keyspace.options().encoding_limits();
    for (n, value) in
        ["text", "-5", "70000", "", "9223372036854775807", "0123456789012345678901234567890123456789"]
            .into_iter()
            .enumerate()
    {
        keyspace.set(&format!("string:{n}"), value, NOW).unwrap();
    }
    keyspace.set("string:compressed", &[b'x'; 2_000], NOW).unwrap();
    for len in [4, 12] {
        let (mut list, mut set, mut ints, mut hash, mut zset) =
            (List::new(), Set::new(), Set::new(), Hash::new(), ZSet::new());
        for n in 0..len {
            let text = format!("element {n}");
            list.push_back(&text, &limits);
            set.insert(&text, &limits);
            ints.insert(n * 1_000, &limits);
            hash.insert(&text, n, &limits);
            zset.insert(&text, n as f64 / 3.0, &limits).unwrap();
        }
        keyspace.insert(&format!("list:{len}"), list, None, NOW).unwrap();
        keyspace.insert(&format!("set:{len}"), set, Some(NOW + 5), NOW).unwrap();
        keyspace.insert(&format!("ints:{len}"), ints, None, NOW).unwrap();
        keyspace.insert(&format!("hash:{len}"), hash, None, NOW).unwrap();
        keyspace.insert(&format!("zset:{len}"), zset, None, NOW).unwrap();
    }
    let mut list = List::new();
    list.push_back(&[b'y'; 9_000], &limits);
    list.push_back("short", &limits);
    keyspace.insert("list:plain", list, None, NOW).unwrap();
    keyspace
}

pub(crate) fn own_files() -> Vec<Vec<u8>> {
    let keyspace = one_of_every_encoding();
    let mut files = Vec::new();
    for version in VERSIONS {
        for compression in [false, true] {
            let mut options = WriteOptions::default();
            (options.version, options.compression) = (version, compression);
            files.push(rdb::save(&keyspace, Vec::new(), &options, NOW).unwrap());
        }
    }
    files
}

/// Reads bytes in every way that there is, without comparing the checksum. A damaged file may hold anything,
/// but reading it must not panic. Callers that check memory run this function under a budget: see `memory`.
pub(crate) fn read_in_every_way(bytes: &[u8]) -> Result<u64, Error> {
    let mut options = LoadOptions::default();
    options.checks_checksum = false;
    options.drops_expired = false;
    options.unsupported = UnsupportedValue::Skip;
    options.input_bytes = Some(bytes.len() as u64);
    let mut keyspace = Keyspace::with_options(crate::round_trip::options());
    let loaded = Loader::new(bytes, options).and_then(|mut loader| loader.load(&mut keyspace, NOW));
    keyspace.check();

    let skipped = (|| {
        let mut reader = Reader::new(bytes)?.check_checksum(false);
        while reader.next_event()?.is_some() {}
        Ok::<_, Error>(())
    })();
    let stats = loaded?;
    // A file that can be loaded can also be skipped.
    skipped?;
    Ok(stats.keys)
}

/// Returns offsets in a file of `len` bytes. For a short file, these are all offsets. For a longer file, they
/// are so few that about `budget` bytes are read in all.
fn places(len: usize, budget: usize) -> impl Iterator<Item = usize> {
    let all = len as u64 * len as u64;
    (0..len).step_by((all / budget as u64).max(1) as usize)
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let mut all = own_files();
    all.truncate(4);
    all.extend(files("librdb").into_iter().chain(files("hdt3213")).map(|path| std::fs::read(path).unwrap()));
    for bytes in all {
        if read_in_every_way(&bytes).is_err() {
            continue; // broken on purpose
        }
        for len in places(bytes.len(), 2_000_000) {
            match read_in_every_way(&bytes[..len]) {
                Err(Error::Malformed { fault: Fault::Truncated | Fault::Magic, offset }) => {
                    assert!(offset <= len as u64)
                }
                other => panic!("{len} of {} bytes: {other:?}", bytes.len()),
            }
        }
    }
}

#[test]
fn a_changed_byte_anywhere_makes_another_file_or_none() {
    let mut all = own_files();
    all.extend(files("librdb").into_iter().chain(files("hdt3213")).map(|path| std::fs::read(path).unwrap()));
    let (mut read, mut refused) = (0, 0);
    for mut bytes in all {
        for at in places(bytes.len(), 400_000) {
            for change in [0x01, 0x80, 0xFF] {
                bytes[at] ^= change;
                match read_in_every_way(&bytes) {
                    Ok(_) => read += 1,
                    Err(error) => {
                        assert!(error.offset() <= bytes.len() as u64, "{error}");
                        refused += 1;
                    }
                }
                bytes[at] ^= change;
            }
        }
    }
    assert!(read > 1_000 && refused > 1_000, "{read} read, {refused} refused");
}

/// The checksum reveals every change.
#[test]
fn a_changed_byte_anywhere_is_noticed_by_the_checksum() {
    let mut bytes = own_files().remove(1);
    // The loop leaves out the magic and the version.
    for at in (9..bytes.len()).step_by(5) {
        for change in [0x01, 0x80] {
            bytes[at] ^= change;
            let mut keyspace = Keyspace::new();
            let loaded = Loader::new(&bytes[..], LoadOptions::default())
                .and_then(|mut loader| loader.load(&mut keyspace, NOW));
            assert!(loaded.is_err(), "byte {at}");
            bytes[at] ^= change;
        }
    }
}

#[test]
fn a_changed_payload_is_refused() {
    let keyspace = one_of_every_encoding();
    let limits = *keyspace.options().encoding_limits();
    for (_, value) in keyspace.iter(NOW) {
        let mut payload = dump(value, DumpOptions::default()).unwrap();
        for at in (0..payload.len()).step_by((payload.len() / 100).max(1)) {
            assert!(restore(&payload[..at], &limits).is_err());
            payload[at] ^= 0x10;
            assert!(restore(&payload, &limits).is_err(), "byte {at}");
            payload[at] ^= 0x10;
        }
    }
}

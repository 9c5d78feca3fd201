//! Damaged files: cut off at every byte, and with changed bytes. Each is read or refused, in bounded memory.

use crate::NOW;
use crate::fixtures::file;
use crate::round_trip::{VERSIONS, options};
use crate::samples::files;
use rdb::keyspace::Keyspace;
use rdb::keyspace::values::{Hash, List, Set, ZSet};
use rdb::{
    DumpOptions, Error, Fault, LoadOptions, Loader, Reader, UnsupportedValue, WriteOptions, dump, restore,
};
use std::sync::{Mutex, MutexGuard};

/// Every type at every encoding, small.
pub(crate) fn some_of_everything() -> Keyspace {
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

pub(crate) fn files_of_our_own() -> Vec<Vec<u8>> {
    let keyspace = some_of_everything();
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

/// One thread at a time counts memory: the counters are those of the process.
static COUNTING: Mutex<()> = Mutex::new(());

fn counting() -> MutexGuard<'static, ()> {
    COUNTING.lock().unwrap_or_else(|error| error.into_inner())
}

/// Loads bytes without comparing the checksum, and by every way of reading. A damaged file may say anything,
/// but not panic, hang or take much memory.
pub(crate) fn judge(bytes: &[u8]) -> Result<u64, Error> {
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
    let loading = loaded?;
    // What is loaded can be skipped.
    skipped?;
    Ok(loading.keys)
}

/// Places in a file of `len` bytes: all of a short one. Of a longer one so many that about `budget` bytes are
/// read in all.
fn places(len: usize, budget: usize) -> impl Iterator<Item = usize> {
    let all = len as u64 * len as u64;
    (0..len).step_by((all / budget as u64).max(1) as usize)
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let mut all = files_of_our_own();
    all.truncate(4);
    all.extend(files("librdb").into_iter().chain(files("hdt3213")).map(|path| std::fs::read(path).unwrap()));
    for bytes in all {
        if judge(&bytes).is_err() {
            continue; // broken on purpose
        }
        for len in places(bytes.len(), 2_000_000) {
            match judge(&bytes[..len]) {
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
    let mut all = files_of_our_own();
    all.extend(files("librdb").into_iter().chain(files("hdt3213")).map(|path| std::fs::read(path).unwrap()));
    let (mut read, mut refused) = (0, 0);
    for mut bytes in all {
        for at in places(bytes.len(), 400_000) {
            for change in [0x01, 0x80, 0xFF] {
                bytes[at] ^= change;
                match judge(&bytes) {
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

/// With the checksum, no change goes unnoticed.
#[test]
fn a_changed_byte_anywhere_is_noticed_by_the_checksum() {
    let mut bytes = files_of_our_own().remove(1);
    // The version, and the checksum: 0 there says that none was computed.
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
    let keyspace = some_of_everything();
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

/// Sizes that a file claims and does not have.
#[test]
fn a_claimed_length_reserves_no_memory() {
    const HUGE: [&[u8]; 2] = [b"\x80\xFF\xFF\xFF\xFF", b"\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"];
    let _counting = counting();
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
        let before = zmalloc::used_memory();
        zmalloc::reset_peak_memory();
        let _ = judge(&file);
        let peak = zmalloc::peak_memory() - before;
        assert!(peak <= 1 << 20, "{peak} bytes for {:02x?}", &body[..body.len().min(20)]);
    }
}

/// Zeros, compressed as far as LZF goes: a string, an element, and a listpack of equal elements.
#[test]
fn what_lzf_makes_large_lies_in_memory_once() {
    let _counting = counting();
    let mut keyspace = Keyspace::new();
    keyspace.set("zeros", &vec![0; 60 << 20], NOW).unwrap();
    let file = rdb::save(&keyspace, Vec::new(), &WriteOptions::default(), NOW).unwrap();
    drop(keyspace);
    assert!(file.len() < 800_000, "{}", file.len());
    let before = zmalloc::used_memory();
    zmalloc::reset_peak_memory();
    assert_eq!(judge(&file).unwrap(), 1);
    let peak = zmalloc::peak_memory() - before;
    assert!(peak <= 128 * file.len() + (1 << 20), "{peak} bytes for a file of {}", file.len());
}

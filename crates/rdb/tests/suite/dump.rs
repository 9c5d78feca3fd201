//! Tests of the payloads of `DUMP` and `RESTORE`.

use rdb::keyspace::Keyspace;
use rdb::keyspace::values::EncodingLimits;
use rdb::{DumpOptions, Error, Fault, WriteVersion, dump, restore};

/// Returns a payload with this body, the version and the correct checksum.
fn payload(body: &[u8], version: u16) -> Vec<u8> {
    let mut payload = [body, &version.to_le_bytes()].concat();
    let crc = payload.iter().fold(0_u64, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0x95AC_9329_AC4B_C9B5 } else { crc >> 1 }
        })
    });
    payload.extend(crc.to_le_bytes());
    payload
}

fn error(payload: &[u8]) -> Error {
    restore(payload, &EncodingLimits::DEFAULT).expect_err("refused")
}

/// The expected bytes are those that `DUMP` of Redis returns.
#[test]
fn a_payload_is_that_of_redis() {
    let mut keyspace = Keyspace::new();
    keyspace.set("int", 10, 0).unwrap();
    let mut options = DumpOptions::default();
    options.version = WriteVersion::V10;
    let bytes = dump(keyspace.get("int", 0).unwrap(), options).unwrap();
    assert_eq!(bytes, payload(b"\0\xC0\x0A", 10));
    // The example in the documentation of the command DUMP. It has version 9.
    let example = b"\0\xC0\n\t\0\xBEm\x06\x89Z(\0\n";
    assert_eq!(payload(b"\0\xC0\x0A", 9), example);
    assert!(restore(example, &EncodingLimits::DEFAULT).is_ok());
}

#[test]
fn every_version_that_can_be_read_is_accepted() {
    for version in (0..200).chain([1_000, u16::MAX]) {
        let accepted = restore(&payload(b"\0\x01v", version), &EncodingLimits::DEFAULT);
        match accepted {
            Ok(restored) => assert_eq!(restored.version.number(), version),
            Err(Error::Version { version: found, .. }) => assert_eq!(found, version),
            Err(error) => panic!("{error}"),
        }
        let is_known = (2..=15).contains(&version) || version == 80 || version == 81;
        assert_eq!(restore(&payload(b"\0\x01v", version), &EncodingLimits::DEFAULT).is_ok(), is_known);
    }
}

/// In Valkey, type 22 is a hash of fields, values and times. In a release candidate of Redis, it is a hash of
/// times, fields and values.
#[test]
fn type_22_is_told_apart_by_the_version() {
    let redis = payload(b"\x16\x01\x09\x01f\x01v", 12);
    let valkey = payload(b"\x16\x01\x01f\x01v\x09\0\0\0\0\0\0\0", 80);
    for bytes in [&redis, &valkey] {
        let restored = restore(bytes, &EncodingLimits::DEFAULT).unwrap();
        assert_eq!(restored.field_expiries, 1);
        let mut keyspace = Keyspace::new();
        keyspace.insert("key", restored.value, None, 0).unwrap();
        assert_eq!(keyspace.hget("key", "f", 0).unwrap(), Some("v".into()));
    }
}

#[test]
fn a_payload_is_refused_for_its_reason() {
    let is = |bytes: &[u8], fault: Fault, offset: u64| {
        let found = error(bytes);
        assert!(
            matches!(found, Error::Malformed { fault: f, offset: o } if (f, o) == (fault, offset)),
            "{found}, not {fault}"
        );
    };
    is(b"", Fault::Truncated, 0);
    is(&[0; 9], Fault::Truncated, 9);
    is(&payload(b"", 11), Fault::Truncated, 0);
    is(&payload(b"\0\x02v", 11), Fault::Truncated, 3);
    is(&payload(b"\0\x01v!", 11), Fault::TrailingBytes, 3);
    is(&payload(b"\x02\0", 11), Fault::Empty, 2);
    is(&payload(b"\xFA\x01v", 11), Fault::Opcode, 0);
    is(&payload(b"\x02\x02\x01a\x01a", 11), Fault::Duplicate, 4);
    let mut wrong = payload(b"\0\x01v", 11);
    wrong[2] ^= 1;
    assert!(matches!(error(&wrong), Error::Checksum { offset: 5, .. }));
    for code in [6, 7, 15, 19, 21] {
        let found = error(&payload(&[code, 1, 0, 0, 0, 0, 0], 12));
        assert!(matches!(found, Error::Unsupported { code: c, offset: 0, .. } if c == code), "{found}");
    }
    assert!(matches!(error(&payload(b"\x1C\x01", 14)), Error::Unsupported { code: 28, .. }));
    assert!(matches!(error(&payload(b"\x17\x01", 81)), Error::Unsupported { code: 23, .. }));
}

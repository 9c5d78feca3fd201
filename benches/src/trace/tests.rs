//! Tests with valid and invalid files of every format, compressed and uncompressed.

use super::text::PLAIN_VALUE_BYTES;
use super::{Request, Trace, TraceError};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Returns a file in the format oracleGeneral. Each record has a time, an id, a size and the number of the
/// next request for the same id.
fn oracle(records: &[(u32, u64, u32, i64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (time, id, size, next) in records {
        bytes.extend_from_slice(&time.to_le_bytes());
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&next.to_le_bytes());
    }
    bytes
}

fn good_oracle() -> Vec<u8> {
    oracle(&[(100, 7, 512, 2), (100, 8, 4096, -1), (101, 7, 512, i64::MAX)])
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn read(name: &str, bytes: &[u8]) -> Result<Trace, TraceError> {
    Trace::read(name, bytes)
}

fn error(name: &str, bytes: &[u8]) -> TraceError {
    match read(name, bytes) {
        Ok(trace) => panic!("{name} was read: {} requests", trace.requests().len()),
        Err(err) => err,
    }
}

/// Returns the requests with their keys as text.
fn requests(trace: &Trace) -> Vec<(String, u32)> {
    let text = |r: &Request| (String::from_utf8_lossy(trace.key(r.key)).into_owned(), r.size);
    trace.requests().iter().map(text).collect()
}

fn expected(requests: &[(&str, u32)]) -> Vec<(String, u32)> {
    requests.iter().map(|&(key, size)| (key.to_owned(), size)).collect()
}

#[test]
fn oracle_general_gives_ids_in_decimal_and_sizes() {
    let trace = read("t.oraclegeneral.bin", &good_oracle()).unwrap();
    assert_eq!(requests(&trace), expected(&[("7", 512), ("8", 4096), ("7", 512)]));
    assert_eq!(trace.distinct_keys(), 2);
}

#[test]
fn csv_is_read_with_and_without_a_header() {
    let lines = "1,user:1,10\n2.5,\"a,b\",20\r\n3,user:1,30";
    let want = expected(&[("user:1", 10), ("a,b", 20), ("user:1", 30)]);
    assert_eq!(requests(&read("t.csv", lines.as_bytes()).unwrap()), want);
    let with_header = format!("time,key,size\n{lines}");
    assert_eq!(requests(&read("t.csv", with_header.as_bytes()).unwrap()), want);
}

#[test]
fn plain_keys_are_lines_of_any_bytes() {
    let trace = read("t.txt", b"one\r\n\ntwo words\none\n\xff\xfe").unwrap();
    let size = PLAIN_VALUE_BYTES;
    let want = expected(&[("one", size), ("two words", size), ("one", size), ("\u{fffd}\u{fffd}", size)]);
    assert_eq!(requests(&trace), want);
    assert_eq!(trace.distinct_keys(), 3);
}

#[test]
fn the_content_tells_the_format_where_the_name_does_not() {
    assert_eq!(read("trace", &good_oracle()).unwrap().distinct_keys(), 2);
    assert_eq!(requests(&read("trace", b"5,k,9\n").unwrap()), expected(&[("k", 9)]));
    assert_eq!(requests(&read("trace", b"5-k-9\n").unwrap()), expected(&[("5-k-9", PLAIN_VALUE_BYTES)]));
}

#[test]
fn zstd_of_each_format_reads_as_the_format_does() {
    let files: [(&str, Vec<u8>); 3] = [
        ("t.oraclegeneral.bin", good_oracle()),
        ("t.csv", b"1,a,10\n2,b,20\n".to_vec()),
        ("t.txt", b"a\nb\n".to_vec()),
    ];
    for (name, bytes) in files {
        let want = requests(&read(name, &bytes).unwrap());
        assert_eq!(requests(&read(&format!("{name}.zst"), &pack(&bytes)).unwrap()), want, "{name}.zst");
        assert_eq!(requests(&read("unnamed", &pack(&bytes)).unwrap()), want, "{name} without its name");
    }
}

#[test]
fn several_and_skippable_zstd_frames_are_one_trace() {
    let mut bytes = pack(b"a\nb\n");
    bytes.extend_from_slice(&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]); // skippable, 3 bytes
    bytes.extend(pack(b"c\n"));
    let trace = read("t.txt.zst", &bytes).unwrap();
    assert_eq!(trace.distinct_keys(), 3);
}

#[test]
fn a_record_cut_short_is_named_by_its_offset() {
    let bytes = good_oracle();
    let cut = &bytes[..60];
    for (name, bytes) in [("t.bin", cut.to_vec()), ("t.bin.zst", pack(cut))] {
        let err = error(name, &bytes);
        assert!(matches!(err, TraceError::Truncated { offset: 48, found: 12, expected: 24 }), "{err}");
        assert_eq!(err.to_string(), "truncated: the record at byte offset 48 has 12 of 24 bytes");
    }
}

#[test]
fn text_given_as_binary_is_refused_at_its_first_record() {
    let text = b"this is a text file that was named .bin by mistake";
    let err = error("t.bin", text);
    assert!(matches!(err, TraceError::BadRecord { offset: 0, .. }), "{err}");
}

#[test]
fn a_next_access_that_is_not_ahead_is_refused() {
    let err = error("t.bin", &oracle(&[(1, 1, 1, 1), (2, 1, 1, 1)]));
    assert!(matches!(err, TraceError::BadRecord { offset: 24, .. }), "{err}");
    assert!(err.to_string().contains("next access of 1"), "{err}");
}

#[test]
fn binary_given_as_text_is_refused_at_its_first_nul() {
    let err = error("t.txt", &good_oracle());
    assert!(matches!(err, TraceError::BadLine { line: 1, offset: 1, .. }), "{err}");
}

#[test]
fn empty_files_hold_no_request() {
    for name in ["t.bin", "t.csv", "t.txt", "t", "t.zst"] {
        assert!(matches!(error(name, b""), TraceError::Empty), "{name}");
        assert!(matches!(error(name, &pack(b"")), TraceError::Empty), "{name}, packed");
    }
    assert!(matches!(error("t.csv", b"time,key,size\n"), TraceError::Empty));
    assert!(matches!(error("t.txt", b"\n\n\n"), TraceError::Empty));
}

#[test]
fn bad_csv_names_line_and_offset() {
    let cases: [(&[u8], u64, u64, &str); 6] = [
        (b"1,a,10\n2,b,many\n", 2, 7, "size 'many'"),
        (b"1,a,10\nnoon,b,1\n", 2, 7, "time 'noon'"),
        (b"1,a,10\n2,b\n", 2, 7, "found 2"),
        (b"1,a,10\n2,,1\n", 2, 7, "key of 0 bytes"),
        (b"1,a,-1\n", 1, 0, "size '-1'"),
        (b"1,a,4294967296\n", 1, 0, "below 2^32"),
    ];
    for (bytes, line, offset, part) in cases {
        for (name, bytes) in [("t.csv", bytes.to_vec()), ("t.csv.zst", pack(bytes))] {
            let err = error(name, &bytes);
            let TraceError::BadLine { line: l, offset: o, .. } = err else { panic!("{err}") };
            assert_eq!((l, o), (line, offset), "{err}");
            assert!(err.to_string().contains(part), "{err}");
        }
    }
}

#[test]
fn a_damaged_or_cut_zstd_file_says_so() {
    let keys: Vec<u8> =
        (0..20_000).flat_map(|i| format!("key-{}\n", i * 7919 % 10_007).into_bytes()).collect();
    let good = pack(&keys);
    assert!(read("t.txt.zst", &good).is_ok());
    for cut in [1, 4, 9, good.len() / 2, good.len() - 1] {
        let err = error("t.txt.zst", &good[..cut]);
        let TraceError::Zstd { offset, .. } = err else { panic!("cut at {cut}: {err}") };
        assert_eq!(offset, cut as u64, "all there was has been read");
    }
    let err = error("t.txt.zst", b"not compressed at all\n");
    assert!(matches!(err, TraceError::Zstd { offset: 4, .. }), "{err}");
}

#[test]
fn a_line_without_end_is_refused() {
    let err = error("t.txt", &vec![b'x'; 200_000]);
    assert!(matches!(err, TraceError::BadLine { line: 1, offset: 0, .. }), "{err}");
    assert!(read("t.txt", &vec![b'x'; 65_536]).is_ok());
}

#[test]
fn every_message_is_one_line() {
    let files: [(&str, Vec<u8>); 6] = [
        ("t.bin", good_oracle()[..30].to_vec()),
        ("t.bin", b"some\ntext\nthat is long enough".to_vec()),
        ("t.csv", b"1,\"two\nlines\",\"x\ny\"\n".to_vec()),
        ("t.txt", b"\0".to_vec()),
        ("t.zst", b"\x28\xB5\x2F\xFDgarbage".to_vec()),
        ("t.csv", Vec::new()),
    ];
    for (name, bytes) in files {
        let text = error(name, &bytes).to_string();
        assert!(!text.contains('\n') && !text.is_empty(), "{text:?}");
    }
    let missing = Trace::open(std::path::Path::new("/no/such/file")).err().expect("it is not there");
    assert!(matches!(missing, TraceError::Io { offset: 0, .. }), "{missing}");
}

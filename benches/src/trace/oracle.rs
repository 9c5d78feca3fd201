//! The *oracleGeneral* format of libCacheSim: a sequence of packed little-endian records, without a header.
//!
//! ```text
//!  byte 0        4                    12         16                  24
//!       | time_s | object id          | size     | next access       |
//!       | u32    | u64                | u32      | i64               |
//! ```
//!
//! `next access` is the number of the next request for the same object. It is -1 (in some traces 2^63 - 1) if
//! there is none. The field is only used to recognize files of another format: in record `i`, it must be
//! greater than `i`, and less than `MAX_NEXT_ACCESS`.
//!
//! The key of an object is its id in decimal digits.

use super::error::TraceError;
use super::requests::Builder;
use std::io::Read;

/// The size of a record.
pub const RECORD_BYTES: usize = 24;

/// No trace has this many requests. If eight bytes of text are read as a number, the number is greater.
const MAX_NEXT_ACCESS: i64 = 1 << 48;

/// Reads all records of `input`.
pub fn read(mut input: impl Read, builder: &mut Builder) -> Result<(), TraceError> {
    let mut digits = itoa::Buffer::new();
    for index in 0.. {
        let offset = index * RECORD_BYTES as u64;
        let mut record = [0; RECORD_BYTES];
        match fill(&mut input, &mut record)
            .map_err(|(found, err)| TraceError::reading(offset + found as u64, err))?
        {
            0 => break,
            RECORD_BYTES => {}
            found => return Err(TraceError::Truncated { offset, found, expected: RECORD_BYTES }),
        }
        let (id, size, next) = split(&record);
        let plausible = next == -1 || next == i64::MAX || (next > index as i64 && next < MAX_NEXT_ACCESS);
        if !plausible {
            let what = format!("a next access of {next} in request {index}");
            return Err(TraceError::BadRecord { offset, what });
        }
        builder.push(digits.format(id).as_bytes(), size)?;
    }
    Ok(())
}

fn split(record: &[u8; RECORD_BYTES]) -> (u64, u32, i64) {
    let (_time_s, rest) = record.split_first_chunk::<4>().expect("4 of 24 bytes");
    let (id, rest) = rest.split_first_chunk::<8>().expect("8 of 20 bytes");
    let (size, next) = rest.split_first_chunk::<4>().expect("4 of 12 bytes");
    let next = next.first_chunk::<8>().expect("8 of 8 bytes");
    (u64::from_le_bytes(*id), u32::from_le_bytes(*size), i64::from_le_bytes(*next))
}

/// Reads until `record` is full or the input ends. Returns how many bytes were read, also with an error.
fn fill(input: &mut impl Read, record: &mut [u8]) -> Result<usize, (usize, std::io::Error)> {
    let mut found = 0;
    while found < record.len() {
        match input.read(&mut record[found..]) {
            Ok(0) => break,
            Ok(count) => found += count,
            Err(err) if err.kind() == std::io::ErrorKind::Interrupted => {}
            Err(err) => return Err((found, err)),
        }
    }
    Ok(found)
}

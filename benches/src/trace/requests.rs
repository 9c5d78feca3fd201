//! A trace in memory, and the builder of a trace.

use super::error::TraceError;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// The numbers of requests and of distinct keys have 32 bits.
const MAX_REQUESTS: usize = u32::MAX as usize;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The number of the key, which is an index for [`Trace::key`].
    pub key: u32,
    /// The size of the value, in bytes.
    pub size: u32,
}

/// A trace in memory.
#[derive(Default)]
pub struct Trace {
    requests: Vec<Request>,
    /// The distinct keys one after the other, and the end of each key.
    key_bytes: Vec<u8>,
    key_ends: Vec<usize>,
}

impl Trace {
    /// Returns all requests in their order.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Returns the bytes of a key.
    #[inline]
    pub fn key(&self, key: u32) -> &[u8] {
        let key = key as usize;
        let start = if key == 0 { 0 } else { self.key_ends[key - 1] };
        &self.key_bytes[start..self.key_ends[key]]
    }

    /// Returns how many distinct keys there are.
    pub fn distinct_keys(&self) -> usize {
        self.key_ends.len()
    }
}

/// Builds a trace, and numbers its keys, while it is read.
#[derive(Default)]
pub struct Builder {
    trace: Trace,
    index: HashTable<u32>,
    hasher: FixedState,
}

impl Builder {
    /// Adds a request.
    pub fn push(&mut self, key: &[u8], size: u32) -> Result<(), TraceError> {
        if self.trace.requests.len() == MAX_REQUESTS {
            return Err(TraceError::TooLong { limit: MAX_REQUESTS as u64 });
        }
        let Self { trace, index, hasher } = self;
        let hash = hasher.hash_one(key);
        let known = index.find(hash, |&number| trace.key(number) == key).copied();
        let number = known.unwrap_or_else(|| {
            let number = trace.key_ends.len() as u32;
            trace.key_bytes.extend_from_slice(key);
            trace.key_ends.push(trace.key_bytes.len());
            index.insert_unique(hash, number, |&other| hasher.hash_one(trace.key(other)));
            number
        });
        trace.requests.push(Request { key: number, size });
        Ok(())
    }

    /// Returns the trace. Returns an error if it has no requests.
    pub(super) fn finish(self) -> Result<Trace, TraceError> {
        if self.trace.requests.is_empty() { Err(TraceError::Empty) } else { Ok(self.trace) }
    }
}

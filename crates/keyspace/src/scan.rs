//! Methods that iterate over keys: `SCAN`, `KEYS`, `RANDOMKEY`.

use crate::entry::{Entry, KeyRef};
use crate::glob::Glob;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::sweep::BATCH;
use crate::value::ValueRef;
use common::Cursor;
use core::hash::BuildHasher;
use core::iter::Fuse;
use core::mem;
use core::ptr;
use dict::prefetch::prefetch;
use values::ObjectType;

/// The options of `SCAN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanOptions<'a> {
    /// Only keys that match this pattern ([`Glob`]). In C: `MATCH`.
    pub pattern: Option<&'a [u8]>,
    /// Only values of this type. In C: `TYPE`.
    pub object_type: Option<ObjectType>,
    /// Approximately how many keys a call looks at, whether they match or not. 10 by default, and at least 1.
    /// In C: `COUNT`.
    pub count: usize,
}

impl Default for ScanOptions<'_> {
    fn default() -> Self {
        Self { pattern: None, object_type: None, count: 10 }
    }
}

/// Calls `step` until it has looked at `count` entries or has come to the end, and returns the next cursor.
fn scan_steps(mut cursor: Cursor, count: usize, mut step: impl FnMut(Cursor) -> (Cursor, usize)) -> Cursor {
    /// The most steps of the table's scan for each key of `count`. A table that has lost most of its keys has
    /// empty chunks, so a step may find no key.
    const STEPS_PER_KEY: usize = 10;
    let (mut seen, mut steps) = (0, 0);
    loop {
        let (next, of_step) = step(cursor);
        (cursor, seen, steps) = (next, seen + of_step, steps + 1);
        if cursor.is_start() || seen >= count || steps >= count.saturating_mul(STEPS_PER_KEY) {
            return cursor;
        }
    }
}

impl<S: BuildHasher> Keyspace<S> {
    /// Calls `each` with some keys and their values, and returns the next cursor, which is [`Cursor::START`]
    /// at the end. In C: `SCAN`.
    ///
    /// A key that is present from the first call to the last is returned at least once, whatever is added or
    /// removed in between. It may be returned twice if keys are removed. Expired keys are not returned. A
    /// call looks at `count` keys, and at those that share a chunk of the table with the last of them. It
    /// looks at fewer if the table is nearly empty.
    ///
    /// ```
    /// use keyspace::{Cursor, Keyspace, ScanOptions};
    /// let mut keyspace = Keyspace::new();
    /// for n in 0..100 {
    ///     keyspace.set(format!("user:{n}").as_bytes(), n, 0)?;
    /// }
    /// let options = ScanOptions { pattern: Some(b"user:?"), ..ScanOptions::default() };
    /// let (mut cursor, mut found) = (Cursor::START, 0);
    /// loop {
    ///     cursor = keyspace.scan(cursor, &options, 0, |_key, _value| found += 1);
    ///     if cursor.is_start() {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(found, 10);
    /// # Ok::<(), keyspace::Error>(())
    /// ```
    pub fn scan<'a>(
        &'a self,
        cursor: Cursor,
        options: &ScanOptions<'_>,
        now: u64,
        mut each: impl FnMut(&[u8], ValueRef<'a>),
    ) -> Cursor {
        let each = &mut each;
        scan_steps(cursor, options.count, |at| self.scan_step(at, options, now, &mut *each, |_expired| {}))
    }

    /// Like [`scan`](Self::scan), but also removes the expired keys that it would return if they had not
    /// expired. Each removal is reported as [`Event::Expired`](crate::Event::Expired). If a chunk of the
    /// table has more than 64 such keys, a later call removes the rest. In C: `SCAN`, which removes the
    /// expired keys that match its options.
    pub fn scan_removing_expired(
        &mut self,
        cursor: Cursor,
        options: &ScanOptions<'_>,
        now: u64,
        mut each: impl FnMut(&[u8], ValueRef<'_>),
    ) -> Cursor {
        if self.expires() == 0 {
            return self.scan(cursor, options, now, each);
        }
        let each = &mut each;
        scan_steps(cursor, options.count, |at| {
            let (mut due, mut found) = ([(0, ptr::null()); BATCH], 0);
            let step = self.scan_step(
                at,
                options,
                now,
                |key, value| each(key, value),
                |entry| {
                    if let Some(place) = due.get_mut(found) {
                        *place = (entry.key_hash(&self.hasher, &self.reading.tables), entry.address());
                    }
                    found += 1;
                },
            );
            self.remove_due(due.iter().take(found));
            step
        })
    }

    /// Scans one step of the table. Calls `each` with the keys that the options select, or `expired` with the
    /// entry of such a key if it has expired. Returns the next cursor, and how many entries were looked at.
    fn scan_step<'a>(
        &'a self,
        cursor: Cursor,
        options: &ScanOptions<'_>,
        now: u64,
        mut each: impl FnMut(&[u8], ValueRef<'a>),
        mut expired: impl FnMut(&Entry),
    ) -> (Cursor, usize) {
        let glob = options.pattern.map(Glob::new);
        let mut seen = 0;
        let next = self.table.scan(cursor, |entry| {
            seen += 1;
            if options.object_type.is_some_and(|wanted| wanted != entry.object_type()) {
                return;
            }
            let key = entry.key(&self.reading.tables).text();
            if !glob.is_none_or(|glob| glob.is_match(&key)) {
                return;
            }
            if entry.is_expired(now) {
                expired(entry);
            } else {
                each(&key, ValueRef::of(entry.view(), &self.reading));
            }
        });
        (next, seen)
    }

    /// Returns an iterator over the keys that match a pattern, in no particular order. Expired keys are
    /// skipped. O(n), or one look-up if the pattern has no special characters. In C: `KEYS`.
    pub fn keys(&self, pattern: &[u8], now: u64) -> impl Iterator<Item = KeyRef<'_>> {
        let tables = &self.reading.tables;
        let glob = Glob::new(pattern);
        let one = glob.literal().map(|key| self.peek(&Key::new(key), now));
        let all = one
            .is_none()
            .then(|| self.live(now).filter(move |entry| glob.is_match(&entry.key(tables).text())));
        one.flatten().into_iter().chain(all.into_iter().flatten()).map(|entry| entry.key(tables))
    }

    /// Returns an iterator over all keys and values, in no particular order. Expired keys are skipped. O(n).
    pub fn iter(&self, now: u64) -> impl Iterator<Item = (KeyRef<'_>, ValueRef<'_>)> {
        self.live(now)
            .map(|entry| (entry.key(&self.reading.tables), ValueRef::of(entry.view(), &self.reading)))
    }

    pub(crate) fn live(&self, now: u64) -> impl Iterator<Item = &Entry> {
        Prefetched::new(self.table.iter()).filter(move |entry| !entry.is_expired(now))
    }

    /// Returns a random key. Each key has the same probability. Returns `None` if there are no keys. `rng` is
    /// a source of uniform 64-bit numbers, such as [`random_source`](crate::random_source). O(1) on average.
    /// If nearly all keys have expired, 90 attempts may find only expired keys. Then an iteration finds the
    /// first key that has not expired, in O(n). In C: `RANDOMKEY`.
    pub fn random_key(&self, now: u64, mut rng: impl FnMut() -> u64) -> Option<KeyRef<'_>> {
        /// If one key in ten has not expired, this many attempts all fail once in 10,000 calls.
        const PICKS: usize = 90;
        let picks = (0..PICKS).map_while(|_| self.table.fair_random(&mut rng));
        let mut live = picks.chain(self.table.iter()).filter(|entry| !entry.is_expired(now));
        live.next().map(|entry| entry.key(&self.reading.tables))
    }
}

/// How many entries an iteration prefetches ahead. A core can have about as many cache misses in flight.
const AHEAD: usize = 16;

/// An iterator over entries that prefetches the block of each entry while the caller looks at the entries
/// before it.
struct Prefetched<'a, I> {
    entries: Fuse<I>,
    /// The next entries, in a ring buffer that begins at `at`.
    ring: [Option<&'a Entry>; AHEAD],
    at: usize,
}

impl<'a, I: Iterator<Item = &'a Entry>> Prefetched<'a, I> {
    fn new(entries: I) -> Self {
        let mut ahead = Self { entries: entries.fuse(), ring: [None; AHEAD], at: 0 };
        (0..AHEAD).for_each(|i| ahead.ring[i] = ahead.fetch());
        ahead
    }

    #[inline]
    fn fetch(&mut self) -> Option<&'a Entry> {
        self.entries.next().inspect(|entry| prefetch(entry.address()))
    }
}

impl<'a, I: Iterator<Item = &'a Entry>> Iterator for Prefetched<'a, I> {
    type Item = &'a Entry;

    #[inline]
    fn next(&mut self) -> Option<&'a Entry> {
        let fetched = self.fetch();
        let next = mem::replace(&mut self.ring[self.at], fetched);
        self.at = (self.at + 1) % AHEAD;
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ahead = self.ring.iter().flatten().count();
        let (least, most) = self.entries.size_hint();
        (least + ahead, most.map(|most| most + ahead))
    }
}

//! [`Snapshot`]: it knows which entries are saved, and has the hooks by which writes save the others.
//!
//! Invariants:
//!
//! - While no snapshot is running or being cleared up, all entries of the table are saved.
//! - At most one value is half saved. It lies in the table of the walk, or among the removed values.
//! - If a table was cleared, it is the table of the walk, and all entries of the keyspace's own table are
//!   saved.
//! - Removed values are large. The bit of a removed entry says whether it is saved.

use super::{Portion, SnapshotEnd, SnapshotError, SnapshotSink, Snapshotted};
use crate::access::MINUTE;
use crate::entry::{Entry, SnapshotBit};
use crate::options::ClockKind;
use crate::reading::{Reading, Tables};
use crate::restore::Record;
use allocator_api2::boxed::Box;
use allocator_api2::unsize_box;
use allocator_api2::vec::Vec;
use common::Cursor;
use core::mem;
use dict::Table;
use values::{LRU_CLOCK_MAX, Lfu, LfuParams, ReserveError};
use zmalloc::{Zmalloc, box_size, try_box, vec_size};

/// The longest snapshot, in seconds, whose access clocks are exact. If a key is used during the snapshot, its
/// clock is later than the start. It is then reported as just used.
///
/// Clocks are cyclic: the period of LRU's clock is 194 days, and that of LFU's is 45 days. A key is therefore
/// also reported as just used if its true idle time is shorter than one period by at most this duration.
const DURATION_MAX: u32 = 24 * 60 * 60;

/// The state of a keyspace's snapshots.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// The bit of saved entries.
    bit: SnapshotBit,
    /// How the last snapshot has ended.
    end: Option<SnapshotEnd>,
    /// The number of keys that were saved before the end, and are not reported yet.
    unreported: usize,
    pub(super) running: Option<Box<Running, Zmalloc>>,
    /// The count of the strings that sinks hold, and the symbol tables of coded strings and keys. Records
    /// need both.
    pub(crate) reading: Reading,
}

/// A snapshot that is running or being cleared up.
pub(super) struct Running {
    pub(super) saver: Saver,
    /// Whether the walk also saves large values. The first pass skips them.
    pub(super) is_second_pass: bool,
    /// The position of the walk.
    pub(super) cursor: Cursor,
    /// Whether the walk may have entries left to save.
    pub(super) has_walk_left: bool,
    pub(super) has_skipped_large: bool,
    pub(super) half_saved: Option<HalfSaved>,
    pub(super) removed: Vec<Removed, Zmalloc>,
    /// The bytes that the removed entries add to `used_memory`.
    removed_bytes: usize,
    pub(super) cleared: Option<Cleared>,
    keys_total: usize,
}

/// Where a half-saved value is.
#[derive(Clone, Copy)]
pub(super) enum HalfSaved {
    /// In the table of the walk, under this hash and at this address.
    InTable { hash: u64, address: usize },
    /// Among the removed values, at this index.
    Removed(usize),
}

/// An entry that was removed and must be saved, and the bytes that it adds to `used_memory`.
pub(super) struct Removed {
    pub(super) entry: Entry,
    pub(super) size: usize,
}

/// A table that was cleared, and the bytes that its entries add to `used_memory`.
pub(super) struct Cleared {
    pub(super) table: Table<Entry>,
    pub(super) entry_bytes: usize,
}

/// Saves one entry at a time.
pub(super) struct Saver {
    /// `None` while the snapshot is being cleared up.
    pub(super) sink: Option<Box<dyn SnapshotSink, Zmalloc>>,
    /// When the snapshot began, in milliseconds.
    now: u64,
    kind: ClockKind,
    params: LfuParams,
    bit: SnapshotBit,
    /// How the snapshot has ended; `None` while it runs.
    end: Option<SnapshotEnd>,
    keys: usize,
    /// The number of keys that were reported.
    reported: usize,
}

impl Saver {
    /// Saves a portion of an entry. Returns whether no work is left for the entry. Without a sink, no work is
    /// left for any entry.
    pub(super) fn save(&mut self, entry: &Entry, portion: Portion, reading: &Reading) -> bool {
        let is_slice = matches!(portion, Portion::Elements(_));
        if !entry.is_expired(self.now)
            && let Some(mut sink) = self.sink.take()
        {
            // If the sink panics, it is dropped, and the snapshot has failed.
            self.end = Some(SnapshotEnd::Failed);
            let result = sink.save(&self.record(entry, reading), portion);
            if matches!(result, Ok(true)) || is_slice && result.is_ok() {
                (self.sink, self.end) = (Some(sink), None);
            }
            match result {
                Ok(false) if is_slice => return false,
                Ok(is_complete) => self.keys += usize::from(is_complete),
                Err(_) => {}
            }
        }
        entry.set_snapshot_bit(self.bit);
        true
    }

    fn record<'a>(&self, entry: &'a Entry, reading: &'a Reading) -> Record<'a> {
        let mut record = Record::of(entry, reading, self.kind, &self.params, self.now);
        // If a key was used since the start, its clock is ahead of the start.
        if let Some(idle) = &mut record.idle_time
            && *idle > LRU_CLOCK_MAX - DURATION_MAX
        {
            *idle = 0;
        }
        if let Some(freq) = &mut record.freq {
            let lfu = Lfu::from_bits(entry.view().clock());
            if lfu.minutes_since(self.now / MINUTE) > u16::MAX - (DURATION_MAX / 60) as u16 {
                *freq = lfu.counter();
            }
        }
        record
    }

    fn fail(&mut self) {
        (self.sink, self.end) = (None, Some(SnapshotEnd::Failed));
    }

    /// Returns whether an entry is saved in slices.
    pub(super) fn is_sliced(&self, entry: &Entry) -> bool {
        self.sink.is_some() && entry.is_large() && !entry.is_expired(self.now)
    }

    fn sink_bytes(&self) -> usize {
        self.sink.as_ref().map_or(0, box_size)
    }
}

/// Returns the entry at an address. If the table does not have the entry under `hash`, looks for it at the
/// cursor of the walk, and then in the whole table, because the table may have changed its size.
fn find_at(table: &Table<Entry>, hash: u64, cursor: Cursor, address: usize) -> Option<&Entry> {
    let is_it = |entry: &&Entry| entry.address().addr() == address;
    let at_cursor = || {
        let mut found = None;
        table.scan(cursor, |entry| found = found.or(Some(entry).filter(is_it)));
        found
    };
    table.find(hash, |entry| is_it(&entry)).or_else(at_cursor).or_else(|| table.iter().find(is_it))
}

impl Running {
    /// Saves the rest of the half-saved value. `table` is the keyspace's table.
    fn finish_half_saved(&mut self, table: Option<&Table<Entry>>, reading: &Reading) {
        while self.save_slice(table, Portion::RestBeforeWrite, reading) {}
    }

    /// Saves a portion of the half-saved value. Returns whether there is a half-saved value.
    pub(super) fn save_slice(
        &mut self,
        table: Option<&Table<Entry>>,
        portion: Portion,
        reading: &Reading,
    ) -> bool {
        let Some(place) = self.half_saved else { return false };
        let entry = match place {
            HalfSaved::Removed(index) => self.removed.get(index).map(|removed| &removed.entry),
            HalfSaved::InTable { hash, address } => {
                let table = self.cleared.as_ref().map(|cleared| &cleared.table).or(table);
                table.and_then(|table| find_at(table, hash, self.cursor, address))
            }
        };
        debug_assert!(entry.is_some(), "what is half saved stays where it is");
        let is_saved = match entry {
            Some(entry) => self.saver.save(entry, portion, reading),
            None => {
                self.saver.fail(); // Not reached. No snapshot is better than a damaged one.
                true
            }
        };
        if is_saved {
            self.half_saved = None;
        }
        true
    }

    /// Returns whether this entry of the keyspace's table is half saved.
    fn is_half_saved(&self, entry: &Entry) -> bool {
        let address = entry.address().addr();
        self.cleared.is_none()
            && matches!(self.half_saved, Some(HalfSaved::InTable { address: at, .. }) if at == address)
    }

    /// Saves an entry of the keyspace's table completely.
    fn save_at_once(&mut self, entry: &Entry, table: Option<&Table<Entry>>, reading: &Reading) {
        if self.is_half_saved(entry) {
            self.half_saved = None;
        } else {
            self.finish_half_saved(table, reading);
        }
        self.saver.save(entry, Portion::RestBeforeWrite, reading);
    }

    /// Removes and returns the last one of the removed entries.
    pub(super) fn pop_removed(&mut self) -> Option<Removed> {
        let removed = self.removed.pop()?;
        self.removed_bytes -= removed.size;
        Some(removed)
    }

    fn allocation_size(&self) -> usize {
        let cleared = |cleared: &Cleared| cleared.table.allocation_size() + cleared.entry_bytes;
        self.saver.sink_bytes()
            + vec_size(&self.removed)
            + self.removed_bytes
            + self.cleared.as_ref().map_or(0, cleared)
    }
}

/// Beginning and ending.
impl Snapshot {
    /// Returns an error unless a snapshot can begin.
    pub(super) fn check_idle(&self) -> Result<(), SnapshotError> {
        match &self.running {
            None => Ok(()),
            Some(running) if running.saver.sink.is_some() => Err(SnapshotError::InProgress),
            Some(_) => Err(SnapshotError::ClearingUp),
        }
    }

    pub(super) fn begin<K: SnapshotSink + 'static>(
        &mut self,
        sink: K,
        now: u64,
        kind: ClockKind,
        params: LfuParams,
        keys_total: usize,
    ) -> Result<(), SnapshotError> {
        self.check_idle()?;
        let no_memory = ReserveError::OutOfMemory { size: size_of::<K>() };
        let sink: Box<dyn SnapshotSink, Zmalloc> =
            unsize_box!(Box::try_new_in(sink, Zmalloc).map_err(|_| no_memory)?);
        let bit = self.bit.flipped();
        let saver = Saver { sink: Some(sink), now, kind, params, bit, end: None, keys: 0, reported: 0 };
        self.running = Some(try_box(Running {
            saver,
            is_second_pass: false,
            cursor: Cursor::START,
            has_walk_left: true,
            has_skipped_large: false,
            half_saved: None,
            removed: Vec::new_in(Zmalloc),
            removed_bytes: 0,
            cleared: None,
            keys_total,
        })?);
        (self.bit, self.unreported) = (bit, 0);
        Ok(())
    }

    /// Undoes [`begin`](Self::begin). Since then, nothing may have been written or saved.
    pub(super) fn undo_begin(&mut self) {
        if self.running.take().is_some() {
            self.bit = self.bit.flipped();
        }
    }

    pub(super) fn abandon(&mut self) -> bool {
        let Some(running) = &mut self.running else { return false };
        let was_running = running.saver.sink.take().is_some();
        if was_running {
            running.saver.end = Some(SnapshotEnd::Abandoned);
        }
        was_running
    }

    /// Ends the snapshot. All of its entries must be saved. Returns the table that was cleared.
    pub(super) fn end(&mut self) -> Option<Cleared> {
        let mut running = self.running.take()?;
        self.end = Some(SnapshotEnd::Failed); // if the sink panics
        if let Some(sink) = &mut running.saver.sink {
            let finished = sink.finish();
            running.saver.end = Some(finished.map_or(SnapshotEnd::Failed, |()| SnapshotEnd::Saved));
        }
        self.unreported = running.saver.keys - running.saver.reported;
        self.end = running.saver.end;
        running.cleared.take()
    }

    /// Returns what was done since the last report.
    pub(super) fn report(&mut self) -> Snapshotted {
        let keys = match &mut self.running {
            Some(running) => {
                let saver = &mut running.saver;
                saver.keys - mem::replace(&mut saver.reported, saver.keys)
            }
            None => mem::take(&mut self.unreported),
        };
        Snapshotted { keys, is_complete: self.running.is_none(), end: self.newest_end() }
    }
}

/// Figures.
impl Snapshot {
    pub(super) fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.saver.sink.is_some())
    }

    /// Returns whether the snapshot has taken over a cleared table or removed values. Their keys and strings
    /// may be coded, and no pass over the keyspace visits them.
    pub(crate) fn needs_tables(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.cleared.is_some() || !running.removed.is_empty())
    }

    pub(crate) fn is_clearing_up(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.saver.sink.is_none())
    }

    /// Returns how the newest snapshot has ended, or `None` if it has not.
    pub(super) fn newest_end(&self) -> Option<SnapshotEnd> {
        self.running.as_ref().map_or(self.end, |running| running.saver.end)
    }

    /// Returns how the last finished snapshot ended.
    pub(super) fn last_end(&self) -> Option<SnapshotEnd> {
        self.newest_end().or(self.end)
    }

    fn active(&self) -> Option<&Running> {
        self.running.as_deref().filter(|running| running.saver.sink.is_some())
    }

    pub(super) fn keys_processed(&self) -> usize {
        self.active().map_or(0, |running| running.saver.keys)
    }

    pub(super) fn keys_total(&self) -> usize {
        self.active().map_or(0, |running| running.keys_total)
    }

    pub(crate) fn lent_bytes(&self) -> usize {
        self.reading.lent.bytes()
    }

    /// Returns the bytes that the snapshot adds to `used_memory`.
    #[inline]
    pub(crate) fn allocation_size(&self) -> usize {
        self.running.as_ref().map_or(0, |running| box_size(running) + running.allocation_size())
    }

    /// Returns the address of the half-saved entry, or 0. Neither that entry nor its value may move.
    pub(crate) fn pinned(&self) -> usize {
        match self.running.as_ref().and_then(|running| running.half_saved) {
            Some(HalfSaved::InTable { address, .. }) => address,
            _ => 0,
        }
    }

    /// Notes that access clocks have another meaning from now on. The clocks of the start are lost.
    pub(crate) fn note_clock(&mut self, kind: ClockKind) {
        if let Some(running) = &mut self.running
            && running.saver.kind != kind
        {
            running.saver.kind = ClockKind::S3fifo; // A record has no field for this kind of clock.
        }
    }

    /// Panics if an entry of the table is unsaved but should be saved.
    pub(crate) fn check_entry(&self, entry: &Entry) {
        let may_be_unsaved = match self.running.as_deref() {
            None => false,
            Some(running) if running.cleared.is_some() => false,
            Some(running) => {
                !running.is_second_pass || running.saver.sink.is_none() || running.saver.is_sliced(entry)
            }
        };
        assert!(may_be_unsaved || self.is_saved(entry), "an entry is saved");
    }

    /// Panics unless the sums are right. O(n).
    pub(crate) fn check(&self) {
        let Some(running) = self.running.as_deref() else { return };
        let size = |removed: &Removed| {
            assert_eq!(removed.size, removed.entry.allocation_size(), "a removed value stays as it is");
            removed.size
        };
        let bytes: usize = running.removed.iter().map(size).sum();
        assert_eq!(bytes, running.removed_bytes, "the bytes of removed values are the sum");
        if let Some(Cleared { table, entry_bytes }) = &running.cleared {
            let bytes: usize = table.iter().map(Entry::allocation_size).sum();
            assert_eq!(bytes, *entry_bytes, "the bytes of a cleared table are the sum");
        }
    }
}

/// The hooks of writes.
impl Snapshot {
    /// Returns the bit of saved entries.
    #[inline]
    pub(crate) fn bit(&self) -> SnapshotBit {
        self.bit
    }

    /// Returns whether the entry is saved. Always `true` while there is no snapshot.
    #[inline]
    pub(crate) fn is_saved(&self, entry: &Entry) -> bool {
        entry.has_snapshot_bit(self.bit)
    }

    /// Marks a new entry.
    #[inline]
    pub(crate) fn mark_saved(&self, entry: &Entry) {
        entry.set_snapshot_bit(self.bit);
    }

    /// Saves an entry completely, because it is about to change. The entry lies in `table`.
    #[cold]
    pub(crate) fn save_at_once(&mut self, entry: &Entry, table: &Table<Entry>) {
        if let Some(running) = &mut self.running {
            running.save_at_once(entry, Some(table), &self.reading);
        }
    }

    /// Prepares the removal of an entry. Reserves room for a large one in the list of removed values. Saves
    /// it at once if it is small, or if there is no memory for the list.
    #[cold]
    pub(crate) fn save_or_reserve(&mut self, entry: &Entry, table: Option<&Table<Entry>>) {
        let Some(running) = &mut self.running else { return };
        if running.saver.is_sliced(entry) && running.removed.try_reserve(1).is_ok() {
            return;
        }
        running.save_at_once(entry, table, &self.reading);
    }

    /// Takes over an unsaved entry, for which [`save_or_reserve`](Self::save_or_reserve) has reserved room.
    /// The keyspace's sums must no longer include the entry.
    #[cold]
    pub(crate) fn take_over(&mut self, entry: Entry, size: usize) -> Option<(&Entry, &Tables)> {
        let Self { running, reading, .. } = self;
        let running = running.as_mut()?;
        if running.is_half_saved(&entry) {
            running.half_saved = Some(HalfSaved::Removed(running.removed.len()));
        }
        running.removed.push(Removed { entry, size });
        running.removed_bytes += size;
        running.removed.last().map(|removed| (&removed.entry, &reading.tables))
    }

    /// Takes over a table that is cleared. `entry_bytes` is what its entries add to `used_memory`. Returns a
    /// table that the snapshot does not need: an empty one, or `table` itself.
    pub(crate) fn take_over_table(
        &mut self,
        table: Table<Entry>,
        entry_bytes: usize,
    ) -> (Table<Entry>, usize) {
        match &mut self.running {
            Some(running) if running.cleared.is_none() && running.has_walk_left => {
                if running.saver.sink.is_none() {
                    // The snapshot is being cleared up, so it saves nothing.
                    (running.has_walk_left, running.half_saved) = (false, None);
                    return (table, entry_bytes);
                }
                running.cleared = Some(Cleared { table, entry_bytes });
                (Table::new(), 0)
            }
            _ => (table, entry_bytes),
        }
    }

    /// Saves the rest of the half-saved value. `table` is the keyspace's table.
    pub(crate) fn finish_half_saved(&mut self, table: &Table<Entry>) {
        if let Some(running) = &mut self.running {
            running.finish_half_saved(Some(table), &self.reading);
        }
    }

    /// Saves the entry at an address completely, unless it is already saved.
    pub(crate) fn save_at(&mut self, table: &Table<Entry>, hash: u64, address: usize) {
        if self.running.is_some()
            && let Some(entry) = find_at(table, hash, Cursor::START, address)
            && !self.is_saved(entry)
        {
            self.save_at_once(entry, table);
        }
    }
}

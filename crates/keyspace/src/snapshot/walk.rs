//! The steps of a snapshot. A step saves one place of the table, or some elements of a large value.
//!
//! The walk is a scan of the table. It visits every entry that stays in the table, even while the table grows
//! and shrinks. If it visits an entry twice, the entry is already saved the second time. A place that has too
//! many bytes for one step is scanned again, and the bits say which of its entries are left.

use super::Portion;
use super::state::{Cleared, HalfSaved, Removed, Running, Snapshot};
use crate::entry::{Entry, SnapshotBit};
use crate::keyspace::Keyspace;
use crate::lazyfree::Pace;
use crate::reading::Reading;
use core::hash::BuildHasher;
use dict::Table;
use dict::prefetch::prefetch;

/// A step saves small values until they have this many bytes. The last value may exceed it.
const BYTES_PER_STEP: usize = 32 << 10;

/// The number of elements of a large value, or of nodes of a list, that a step saves.
const ELEMENTS_PER_STEP: Portion = Portion::Elements(16);

/// The parts of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pass {
    /// All values except large ones.
    #[default]
    Small,
    /// Large values, and the end of the snapshot.
    Large,
}

impl Running {
    /// Scans the next place of the walk. `table` is the keyspace's table, and `bit` is the bit of saved
    /// entries.
    fn walk(&mut self, table: &Table<Entry>, hasher: &impl BuildHasher, bit: SnapshotBit, reading: &Reading) {
        let Self { saver, cursor, cleared, half_saved, has_skipped_large, is_second_pass, .. } = self;
        let table = cleared.as_ref().map_or(table, |cleared| &cleared.table);
        table.scan(*cursor, |entry| prefetch(entry.address()));
        let (mut bytes_left, mut is_cut) = (BYTES_PER_STEP, false);
        let next = table.scan(*cursor, |entry| {
            if is_cut || entry.has_snapshot_bit(bit) {
                return;
            }
            if bytes_left == 0 {
                is_cut = true;
            } else if !saver.is_sliced(entry) {
                bytes_left = bytes_left.saturating_sub(entry.allocation_size());
                saver.save(entry, Portion::Rest, reading);
            } else if *is_second_pass {
                let hash = entry.key_hash(hasher, &reading.tables);
                *half_saved = Some(HalfSaved::InTable { hash, address: entry.address().addr() });
                is_cut = true;
            } else {
                *has_skipped_large = true;
            }
        });
        if is_cut {
            return;
        }
        *cursor = next;
        if next.is_start() {
            // The second pass skips no value.
            self.has_walk_left = self.has_skipped_large;
            (self.is_second_pass, self.has_skipped_large) = (true, false);
        }
    }

    /// Does one step of the work up to the end of the pass `until`.
    fn step(
        &mut self,
        until: Pass,
        table: &Table<Entry>,
        hasher: &impl BuildHasher,
        bit: SnapshotBit,
        reading: &Reading,
    ) -> StepResult {
        let is_saving = self.saver.sink.is_some();
        if is_saving {
            if until == Pass::Small && self.is_second_pass {
                return StepResult::EndOfPass;
            }
            if self.save_slice(Some(table), ELEMENTS_PER_STEP, reading) {
                return StepResult::MoreWork;
            }
        } else {
            // The half-saved value, the removed values and a cleared table are no longer needed.
            self.half_saved = None;
            self.has_walk_left &= self.cleared.is_none();
        }
        if (self.is_second_pass || !is_saving)
            && let Some(last) = self.removed.last()
        {
            if is_saving && !last.entry.has_snapshot_bit(bit) {
                self.half_saved = Some(HalfSaved::Removed(self.removed.len() - 1));
                return StepResult::MoreWork;
            }
            return self.pop_removed().map_or(StepResult::MoreWork, StepResult::Garbage);
        }
        if self.has_walk_left {
            self.walk(table, hasher, bit, reading);
            return StepResult::MoreWork;
        }
        StepResult::End
    }
}

/// The result of a step.
enum StepResult {
    /// Work is left.
    MoreWork,
    /// Work is left. This value is saved, or no longer needed.
    Garbage(Removed),
    /// No work is left up to the end of the pass.
    EndOfPass,
    /// No work is left in the snapshot.
    End,
}

impl<S: BuildHasher> Keyspace<S> {
    /// Does one step of the snapshot, if there is a snapshot. Returns whether work is left up to the end of
    /// the pass `until`.
    pub(super) fn snapshot_step(&mut self, until: Pass) -> bool {
        let Self { table, hasher, totals, .. } = self;
        let bit = totals.snapshot.bit();
        let Snapshot { running: Some(running), reading, .. } = &mut totals.snapshot else { return false };
        let is_work_left = match running.step(until, table, hasher, bit, reading) {
            StepResult::MoreWork => return true,
            StepResult::EndOfPass => return false,
            StepResult::Garbage(Removed { entry, size }) => {
                // The bytes were already in use. So no older garbage has to be freed to make room for them.
                let pace = Pace { live_bytes: usize::MAX, list_bytes: totals.list_bytes(), is_write: false };
                totals.lazyfree.push(entry, size, pace);
                true
            }
            StepResult::End => {
                if let Some(Cleared { table, entry_bytes }) = totals.snapshot.end() {
                    let list_bytes = totals.list_bytes();
                    totals.lazyfree.push_table(table, entry_bytes, list_bytes);
                }
                false
            }
        };
        // The bytes that the snapshot held count towards `maxmemory` from now on.
        self.update_limit();
        is_work_left
    }
}

//! Coding existing strings and keys, in steps.
//!
//! A new symbol table codes new strings and keys at once. Existing ones are coded by a *pass* over all
//! entries, which [`Keyspace::maintain`] does between requests:
//!
//! ```text
//!  stored as            becomes, with a new table          without a table
//!  plain                coded, if it is smaller            plain
//!  coded, old table     coded, if it is smaller; or plain  plain
//! ```
//!
//! Invariant: while there is no pass, each string and each key is coded with the current table, or plain. A
//! pass visits all entries that stay in the keyspace. Another pass follows if `RENAME` or `MOVE` meanwhile
//! adds a string that is coded with the old table. Another pass also follows if there is no memory for the
//! new form of a string or a key that is coded with it. After the last pass, the old table is dropped.
//!
//! The caller may set the least gain of a pass ([`Keyspace::set_symbols_min_gain`]). If the plain strings and
//! keys that the pass has tried gain less, the rest of the pass leaves plain ones as they are. It still gives
//! a new form to those that are coded with the old table, because otherwise the table would stay.
//!
//! A snapshot may need the old table for entries that were cleared, or for the keys of large values that were
//! removed. The table then stays until the snapshot has saved them. An entry whose value is half saved keeps
//! its form. If its key is coded with the old table, another pass follows.

use crate::coded::{CODED_LENS, Coder};
use crate::entry::{CODED_KEY_LENS, Content, Entry, EntryString, KeyLayout, Slot, StoredKey};
use crate::keyspace::Keyspace;
use crate::reading::Tables;
use common::Cursor;
use core::mem;
use core::time::Duration;
use values::{Element, ObjectType, ReserveError};

/// A step gives entries their new forms until their blocks or their texts have about this many bytes. This
/// takes some tens of microseconds. The clock is read between two steps.
const BYTES_PER_STEP: usize = 8 << 10;

/// The gain of a pass is compared with the least gain each time that it has tried this many plain entries.
const GAIN_ENTRIES: u32 = 4_096;

/// What [`Keyspace::recode_for`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recoded {
    /// How many keys were given another form, or have a string that was.
    pub keys: usize,
    /// By how many bytes the entries of these keys have become smaller. It is negative if they have become
    /// larger.
    pub bytes_saved: i64,
    /// Whether all keys have been visited. If there is no memory for the new form of a string or a key, it
    /// keeps the old one. If it is coded with an old table, the next call tries again.
    pub is_complete: bool,
}

impl Recoded {
    /// Adds the result of a later call.
    pub(crate) fn add(&mut self, later: Self) {
        self.keys += later.keys;
        self.bytes_saved += later.bytes_saved;
        self.is_complete = later.is_complete;
    }
}

/// The state of a pass over all keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RecodePass {
    Running {
        cursor: Cursor,
        /// How many entries at the cursor were visited, and still have a form that a pass changes. The next
        /// step skips them.
        visited: usize,
        /// Whether a string or a key with the old table was missed, so that another pass follows.
        has_missed: bool,
        gain: Gain,
    },
    /// All strings and keys have their new form. A snapshot may still need the old table.
    Waiting,
}

impl RecodePass {
    /// The first pass after a table was set or removed.
    pub(crate) const START: Self = Self::start(false);

    /// Returns the start of a pass. If `is_too_small` is set, the pass leaves plain strings and keys as they
    /// are.
    const fn start(is_too_small: bool) -> Self {
        let gain = Gain { is_too_small, ..Gain::NONE };
        Self::Running { cursor: Cursor::START, visited: 0, has_missed: false, gain }
    }
}

/// What a pass has gained by coding plain strings and keys, since it was last compared with the least gain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gain {
    /// The number of entries that were tried.
    tried: u32,
    /// The bytes of these entries ([`gain_size`]), before and after.
    before: u64,
    after: u64,
    /// Whether the gain was too small, so that the pass leaves plain strings and keys as they are.
    is_too_small: bool,
}

impl Gain {
    const NONE: Self = Self { tried: 0, before: 0, after: 0, is_too_small: false };

    /// Adds an entry. After [`GAIN_ENTRIES`] entries, compares the gain with `min_gain`, in percent.
    fn add(&mut self, before: usize, after: usize, min_gain: u8) {
        self.tried += 1;
        self.before += before as u64;
        self.after += after as u64;
        if self.tried == GAIN_ENTRIES {
            let saved = self.before.saturating_sub(self.after);
            *self = Self { is_too_small: saved * 100 < self.before * u64::from(min_gain), ..Self::NONE };
        }
    }
}

/// The form of a string or of a key that a pass may change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// Plain. It is coded if that makes the block smaller.
    Plain,
    /// Coded with the old table. It gets another form in any case.
    Old,
}

impl Coder {
    /// Returns the form of a string, or `None` if a pass does not change it.
    fn string_form(&self, string: EntryString<'_>) -> Option<Form> {
        match string {
            EntryString::Coded(coded) => (self.current() != Some(coded.slot())).then_some(Form::Old),
            EntryString::Int(_) => None,
            EntryString::Bytes(_) | EntryString::Object(_) => {
                (self.current().is_some() && CODED_LENS.contains(&string.len())).then_some(Form::Plain)
            }
        }
    }

    /// Returns the form of a key, or `None` if a pass does not change it.
    fn key_form(&self, key: KeyLayout) -> Option<Form> {
        match key.slot() {
            Some(slot) => (self.current() != Some(slot)).then_some(Form::Old),
            None => (self.current().is_some() && CODED_KEY_LENS.contains(&key.len())).then_some(Form::Plain),
        }
    }

    /// Returns the form of an entry: `Old` if its key or its string has this form, and otherwise `Plain` if
    /// one of them has that form.
    fn form(&self, entry: &Entry) -> Option<Form> {
        let string = entry.string().ok().and_then(|string| self.string_form(string));
        string.max(self.key_form(entry.key_layout()))
    }

    /// Notes that another pass must follow.
    fn note_missed(&mut self) {
        self.pass = Some(match self.pass {
            Some(RecodePass::Running { cursor, visited, gain, .. }) => {
                RecodePass::Running { cursor, visited, has_missed: true, gain }
            }
            _ => RecodePass::START,
        });
    }

    /// Notes that a string was added. If it is coded with the old table, the pass may miss it, and another
    /// one follows.
    #[inline]
    pub(crate) fn note_added(&mut self, string: EntryString<'_>) {
        if self.string_form(string) == Some(Form::Old) {
            self.note_missed();
        }
    }

    /// Gives the string and the key of an entry their new forms. Plain ones keep their form if `skips_plain`
    /// is set. Returns whether a form has changed, and whether there was no memory for one of the two. For
    /// `total_bytes`, see [`Entry::try_set`].
    fn recode(
        &mut self,
        entry: &mut Entry,
        skips_plain: bool,
        tables: &Tables,
        total_bytes: &mut usize,
    ) -> (bool, Result<(), ReserveError>) {
        let mut buffers = [&mut self.text, &mut self.codes].map(mem::take);
        let is_wanted = |form: &Form| *form == Form::Old || !skips_plain;
        let form = entry.string().ok().and_then(|string| self.string_form(string));
        let string = match form.filter(is_wanted) {
            Some(form) => self.recode_string(entry, form, tables, &mut buffers, total_bytes),
            None => Ok(false),
        };
        let key = match self.key_form(entry.key_layout()).filter(is_wanted) {
            Some(form) => self.recode_key(entry, form, tables, &mut buffers, total_bytes),
            None => Ok(false),
        };
        [self.text, self.codes] = buffers;
        (string == Ok(true) || key == Ok(true), string.and(key).map(drop))
    }

    /// The part of [`recode`](Self::recode) for the string, which has this form.
    fn recode_string(
        &self,
        entry: &mut Entry,
        form: Form,
        tables: &Tables,
        [text, codes]: &mut [Vec<u8>; 2],
        total_bytes: &mut usize,
    ) -> Result<bool, ReserveError> {
        let Ok(string) = entry.string() else { return Ok(false) };
        text.clear();
        tables.append(string, text)?;
        let content = match self.encode_if_smaller(tables, entry.key_layout(), entry.expires(), text, codes) {
            Some(coded) => Content::Coded(coded),
            None if form == Form::Plain => return Ok(false),
            None => Content::try_string(Element::Bytes(text))?,
        };
        entry.try_set(entry.expiry(), content, total_bytes)?;
        Ok(true)
    }

    /// The part of [`recode`](Self::recode) for the key, which has this form.
    fn recode_key(
        &self,
        entry: &mut Entry,
        form: Form,
        tables: &Tables,
        [text, codes]: &mut [Vec<u8>; 2],
        total_bytes: &mut usize,
    ) -> Result<bool, ReserveError> {
        text.clear();
        tables.append(EntryString::Bytes(&entry.key(tables).text()), text)?;
        let size_with = |layout| entry.block_size_with(layout);
        let key = match self.encode_key_if_smaller(tables, text, codes, size_with) {
            Some(coded) => coded,
            None if form == Form::Plain => return Ok(false),
            None => StoredKey::plain(text),
        };
        entry.try_set_key_form(key, total_bytes)?;
        Ok(true)
    }
}

/// Returns the bytes of an entry that count for the gain of a pass: all of them, or those of the key if the
/// value is a collection.
fn gain_size(entry: &Entry) -> usize {
    match entry.object_type() {
        ObjectType::String => entry.allocation_size(),
        _ => entry.key_layout().total_len(),
    }
}

impl<S> Keyspace<S> {
    /// Codes existing strings and keys with the table of [`set_symbols`](Self::set_symbols), or decodes them
    /// if there is no table. Stops when `budget` has passed. `clock` returns the time since some fixed
    /// moment. The call may take longer than `budget`, by the time for some keys.
    /// [`maintain`](Self::maintain) calls this method.
    pub fn recode_for(&mut self, budget: Duration, mut clock: impl FnMut() -> Duration) -> Recoded {
        let (start, mut all) = (clock(), Recoded::default());
        loop {
            all.add(self.recode_step());
            if all.is_complete || clock().saturating_sub(start) >= budget {
                return all;
            }
        }
    }

    /// Returns whether the pass has work.
    #[inline]
    pub(crate) fn has_recode_work(&self) -> bool {
        match self.coder.pass {
            None => false,
            Some(RecodePass::Running { .. }) => true,
            Some(RecodePass::Waiting) => !self.totals.snapshot.needs_tables(),
        }
    }

    /// Does one step of the pass.
    fn recode_step(&mut self) -> Recoded {
        let mut done = Recoded { is_complete: true, ..Recoded::default() };
        let Some(RecodePass::Running { cursor, visited, mut has_missed, mut gain }) = self.coder.pass else {
            if self.has_recode_work() {
                self.end_pass();
            }
            return done;
        };
        let Self { table, totals, reading, coder, .. } = self;
        let (before, pinned) = (totals.entry_bytes, totals.snapshot.pinned());
        let total_bytes = &mut totals.entry_bytes;
        // `kept` counts the entries at the cursor that have a form that a pass changes. The first `visited`
        // of them are skipped, because earlier steps have visited them. `cut_at` is set when `bytes_left` is
        // used up. The next step then begins at the same cursor.
        let (mut bytes_left, mut kept, mut cut_at) = (BYTES_PER_STEP, 0, None);
        let next = table.relocate(cursor, &mut |_block, _size| false, |entry| {
            let (Some(form), None) = (coder.form(entry), cut_at) else { return };
            // The walk of a snapshot knows a half-saved value by the address of its entry.
            if kept < visited || entry.address().addr() == pinned {
                kept += 1;
                has_missed |= form == Form::Old;
                return;
            }
            if bytes_left == 0 {
                cut_at = Some(kept);
                return;
            }
            if form == Form::Plain && gain.is_too_small {
                kept += 1;
                return;
            }
            // A change of the key copies the whole block.
            let text_len = entry.string().map_or(0, EntryString::len);
            bytes_left = bytes_left.saturating_sub(entry.byte_len().max(text_len));
            let size = gain_size(entry);
            let (is_changed, result) = coder.recode(entry, gain.is_too_small, &reading.tables, total_bytes);
            done.keys += usize::from(is_changed);
            match result {
                Ok(()) if form == Form::Plain => gain.add(size, gain_size(entry), coder.min_gain),
                Ok(()) => {}
                Err(_) => has_missed |= form == Form::Old,
            }
            kept += usize::from(coder.form(entry).is_some());
        });
        let after = *total_bytes;
        done.bytes_saved = before as i64 - after as i64;
        self.coder.pass = match cut_at {
            Some(visited) => Some(RecodePass::Running { cursor, visited, has_missed, gain }),
            None if !next.is_start() => {
                Some(RecodePass::Running { cursor: next, visited: 0, has_missed, gain })
            }
            None if has_missed => Some(RecodePass::start(gain.is_too_small)),
            None => Some(RecodePass::Waiting),
        };
        done.is_complete = cut_at.is_none() && next.is_start();
        if matches!(self.coder.pass, Some(RecodePass::Waiting)) && self.has_recode_work() {
            self.end_pass();
        }
        if after > before {
            self.update_limit();
        }
        done
    }

    /// Ends the pass, and drops the old table, which nothing needs any more.
    fn end_pass(&mut self) {
        self.coder.end_pass();
        for slot in [Slot::First, Slot::Second] {
            if self.coder.current() != Some(slot) {
                self.set_table(slot, None);
            }
        }
    }
}

//! Coded strings and keys: which ones are coded with a symbol table, and when.
//!
//! A keyspace has up to two tables (`Tables`). New strings and keys are coded with the *current* one. A
//! string or a key is coded if its block then has a smaller size class. Otherwise it is *plain*: stored as it
//! is. A coded string is decoded when its text is read, and before it is edited. The result of an edit may be
//! coded again.
//!
//! ```text
//!  SET      text --encode--> codes    if their block is smaller
//!  GET      codes --decode--> the caller's buffer
//!  SETBIT   codes --decode--> text, edited in its block or object --encode--> codes
//! ```
//!
//! After an edit, a string is coded again if it was coded before. There are two exceptions, because decoding
//! and coding a string takes time at each edit:
//!
//! - A string that has grown, as by `APPEND`, is likely to grow again.
//! - A string of more than 1,024 bytes would take too long.
//!
//! Such strings stay plain until the next table.
//!
//! The key of a new entry is coded after its value, whatever the type of the value. A look-up compares the
//! codes of a key with the wanted text, symbol by symbol, and decodes nothing. A key keeps its form until the
//! next table, even if its value changes.
//!
//! Existing strings and keys are coded in steps (module `recode`).
//!
//! Coding takes time. The coding of strings pauses if fewer than one in 32 of the strings that were tried
//! have become smaller ([`Keyspace::symbols_paused`]). The coding of keys pauses in the same way, but keys
//! are counted separately ([`Keyspace::symbols_paused_for_keys`]).

use crate::entry::{CODED_KEY_LENS, CodedString, Content, Entry, EntryString, KeyLayout, Slot, StoredKey};
use crate::error::Error;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::reading::Tables;
use crate::recode::RecodePass;
use crate::sharded::Sharded;
use crate::strings::string_len;
use crate::totals::Totals;
use core::hash::BuildHasher;
use core::mem;
use core::ops::RangeInclusive;
use dict::table::VacantEntry;
use std::sync::Arc;
use symbols::SymbolTable;
use values::{Element, ReserveError};

/// The lengths of strings that may be coded, in bytes. For shorter strings, coding saves nothing, because a
/// coded string also stores the length of its codes. Longer strings would take more than some microseconds to
/// decode.
pub(crate) const CODED_LENS: RangeInclusive<usize> = 8..=16 * 1024;

/// The longest string that is coded again after an edit, in bytes. Coding it takes some microseconds.
const EDITED_LEN_MAX: usize = 1024;

/// After this many tries, the keyspace decides whether coding pauses.
const TRIES_PER_DECISION: u32 = 4_096;

/// Coding pauses if fewer than this many of the tried texts have become smaller.
const SMALLER_MIN: u32 = TRIES_PER_DECISION / 32;

/// The largest buffer that is kept after a write, in bytes.
const KEPT_MAX: usize = 4 << 10;

/// The state for coding strings and keys: the current table, the pass over the existing ones, and buffers.
#[derive(Default)]
pub(crate) struct Coder {
    /// The slot of the table for new strings and keys. `None` if they are not coded.
    current: Option<Slot>,
    /// How often the coding of strings, and that of keys, was tried.
    strings: Tries,
    keys: Tries,
    /// If a pass gains less than this, in percent, it leaves the other plain strings and keys as they are.
    /// See [`Keyspace::set_symbols_min_gain`].
    pub(crate) min_gain: u8,
    /// The pass that codes or decodes existing strings and keys, if there is one.
    pub(crate) pass: Option<RecodePass>,
    /// Buffers for codes that are to be written into a block, and for a text that gets another form. They are
    /// kept, so that a write does not allocate.
    pub(crate) codes: Vec<u8>,
    pub(crate) text: Vec<u8>,
    /// A buffer for the codes of a key, which is kept for the same reason.
    pub(crate) key_codes: Vec<u8>,
}

/// How often coding was tried, and how often it has succeeded. The numbers decide whether coding pauses.
#[derive(Default)]
struct Tries {
    /// Whether coding has paused, because too few texts become smaller.
    is_paused: bool,
    /// How many texts were tried since the last decision on a pause, and how many of them have become
    /// smaller.
    tried: u32,
    smaller: u32,
}

impl Tries {
    /// Counts a text that was tried. After [`TRIES_PER_DECISION`] texts, decides whether coding pauses.
    fn count(&mut self, is_smaller: bool) {
        self.tried += 1;
        self.smaller += u32::from(is_smaller);
        if self.tried == TRIES_PER_DECISION {
            *self = Self { is_paused: self.smaller < SMALLER_MIN, ..Self::default() };
        }
    }
}

impl Coder {
    /// Returns whether new strings are coded.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.current.is_some() && !self.strings.is_paused
    }

    /// Returns whether a key of `len` bytes may be coded.
    #[inline]
    fn is_on_for_key(&self, len: usize) -> bool {
        self.current.is_some() && !self.keys.is_paused && CODED_KEY_LENS.contains(&len)
    }

    /// Returns the slot of the table for new strings and keys.
    pub(crate) fn current(&self) -> Option<Slot> {
        self.current
    }

    /// Returns the coded form of a string if the entry takes fewer bytes with it. `text` is the string, and
    /// `key` is the layout of the entry's key. The codes are in the buffer `codes`.
    pub(crate) fn encode_if_smaller<'c>(
        &self,
        tables: &Tables,
        key: KeyLayout,
        expires: bool,
        text: &[u8],
        codes: &'c mut Vec<u8>,
    ) -> Option<CodedString<'c>> {
        if !is_codable(text) {
            return None;
        }
        let slot = self.current?;
        // Without memory for the codes, the string stays plain.
        let codes = tables.get(slot)?.encode(text, codes).ok()?;
        let coded = CodedString { slot, len: text.len() as u32, codes };
        let plain_size = Entry::size_of_len(key, expires, text.len(), false);
        (Entry::size_of_coded(key, expires, &coded) < plain_size).then_some(coded)
    }

    /// Does the same as [`encode_if_smaller`](Self::encode_if_smaller), and counts whether the string became
    /// smaller. Coding pauses if too few strings do.
    fn try_code<'c>(
        &mut self,
        tables: &Tables,
        key: KeyLayout,
        expires: bool,
        text: &[u8],
        codes: &'c mut Vec<u8>,
    ) -> Option<CodedString<'c>> {
        let coded = self.encode_if_smaller(tables, key, expires, text, codes);
        if is_codable(text) {
            self.strings.count(coded.is_some());
        }
        coded
    }

    /// Returns the coded form of an entry's key if the block of the entry is smaller with it than with the
    /// plain key. `key` is the text of the key. `size_with` returns the size of the block for a layout of the
    /// key.
    pub(crate) fn encode_key_if_smaller<'c>(
        &self,
        tables: &Tables,
        key: &[u8],
        codes: &'c mut Vec<u8>,
        size_with: impl Fn(KeyLayout) -> usize,
    ) -> Option<StoredKey<'c>> {
        let slot = self.current.filter(|_| CODED_KEY_LENS.contains(&key.len()))?;
        // Without memory for the codes, the key stays plain.
        let codes = tables.get(slot)?.encode(key, codes).ok()?;
        let coded = StoredKey::coded(slot, codes, key.len())?;
        (size_with(coded.layout()) < size_with(KeyLayout::plain(key.len()))).then_some(coded)
    }

    /// Returns the form in which the key of a new entry is stored, and counts whether it became smaller.
    /// `size_with` returns the size of the block for a layout of the key.
    #[inline]
    fn new_key<'c>(
        &mut self,
        tables: &Tables,
        key: &'c [u8],
        codes: &'c mut Vec<u8>,
        size_with: impl Fn(KeyLayout) -> usize,
    ) -> StoredKey<'c> {
        if !self.is_on_for_key(key.len()) {
            return StoredKey::plain(key);
        }
        let coded = self.encode_key_if_smaller(tables, key, codes, size_with);
        self.keys.count(coded.is_some());
        coded.unwrap_or(StoredKey::plain(key))
    }

    /// Keeps the buffers for the next string. Large buffers are freed, unless there is a pass, which needs
    /// them again soon.
    fn put_back(&mut self, [text, codes]: [Vec<u8>; 2]) {
        let kept_max = if self.pass.is_some() { usize::MAX } else { KEPT_MAX };
        let kept = |buffer: Vec<u8>| if buffer.capacity() <= kept_max { buffer } else { Vec::new() };
        (self.text, self.codes) = (kept(text), kept(codes));
    }

    /// Ends the pass, and frees the buffers.
    pub(crate) fn end_pass(&mut self) {
        (self.pass, self.text, self.codes, self.key_codes) = (None, Vec::new(), Vec::new(), Vec::new());
    }

    /// Ends a pause, and starts counting anew.
    fn resume(&mut self) {
        (self.strings, self.keys) = Default::default();
    }
}

impl<S> Keyspace<S> {
    /// Codes strings and keys with this table from now on, if their blocks become smaller. New ones are coded
    /// when they are written. [`maintain`](Self::maintain) or [`recode_for`](Self::recode_for) codes the
    /// existing ones. Keys of 17 to 255 bytes are coded, and strings of 8 bytes to 16 KiB that are not
    /// integers. Keyspaces can share a table. Its memory is not part of
    /// [`allocation_size`](Self::allocation_size). O(1).
    ///
    /// If `table` is already the current one, the existing plain strings and keys are tried once more. If the
    /// work for an earlier call has not ended, it continues instead.
    ///
    /// With `None`, existing strings and keys are decoded in the same way. The keyspace may then take more
    /// than `maxmemory`. This may also happen if the new table is worse than the old one. The next write then
    /// evicts keys, if the policy allows it.
    ///
    /// # Errors
    /// [`Error::SymbolsInUse`] if a string or a key may still be coded with a table before the current one.
    /// [`maintain`](Self::maintain) or [`recode_for`](Self::recode_for) gives it another form. A snapshot may
    /// also need the older table until it ends, if all keys were [cleared](Self::clear) or large values were
    /// removed while it ran.
    pub fn set_symbols(&mut self, table: Option<Arc<SymbolTable>>) -> Result<(), Error> {
        let current = match table {
            None if self.coder.current.is_none() => return Ok(()),
            None => None,
            Some(table) => {
                if self.symbols().is_some_and(|current| Arc::ptr_eq(current, &table)) {
                    self.coder.resume();
                    self.coder.pass.get_or_insert(RecodePass::START);
                    return Ok(());
                }
                let slot = self.free_slot().ok_or(Error::SymbolsInUse)?;
                self.set_table(slot, Some(table));
                Some(slot)
            }
        };
        self.coder.resume();
        (self.coder.current, self.coder.pass) = (current, Some(RecodePass::START));
        Ok(())
    }

    /// Returns a slot without a table, if there is one.
    pub(crate) fn free_slot(&self) -> Option<Slot> {
        [Slot::First, Slot::Second].into_iter().find(|slot| self.reading.tables.get(*slot).is_none())
    }

    /// Sets the table of a slot, or removes it, for this keyspace and for its snapshot.
    pub(crate) fn set_table(&mut self, slot: Slot, table: Option<Arc<SymbolTable>>) {
        self.reading.tables.set(slot, table.clone());
        self.totals.snapshot.reading.tables.set(slot, table);
    }

    /// Returns the table that new strings and keys are coded with, if there is one.
    pub fn symbols(&self) -> Option<&Arc<SymbolTable>> {
        self.reading.tables.get(self.coder.current?)
    }

    /// Returns whether the coding of strings has paused, because fewer than one in 32 of the last 4,096
    /// strings that were tried have become smaller. [`set_symbols`](Self::set_symbols) and
    /// [`train_symbols`](Self::train_symbols) start it again.
    pub fn symbols_paused(&self) -> bool {
        self.coder.strings.is_paused
    }

    /// Returns whether the coding of keys has paused. The reason is the same as for
    /// [strings](Self::symbols_paused), but strings and keys are counted separately.
    pub fn symbols_paused_for_keys(&self) -> bool {
        self.coder.keys.is_paused
    }

    /// Sets the least gain for which plain strings and keys that already exist are coded, in percent of the
    /// bytes of their entries. If the value is a collection, only the bytes of the key count.
    ///
    /// Each time that [`maintain`](Self::maintain) or [`recode_for`](Self::recode_for) has tried 4,096
    /// entries with a plain string or a plain key, it compares what they have gained with `percent`. If they
    /// have gained less, all other plain strings and keys stay as they are until the next table is set.
    /// Strings and keys that are coded with an old table get another form in any case. New strings and keys
    /// are coded as before. The default is 0, so that all are tried. Above 100, no gain is large enough.
    pub fn set_symbols_min_gain(&mut self, percent: u8) {
        self.coder.min_gain = percent;
    }

    /// Calls `f` with the codes of a string that is about to be written, or with `None` if the string stays
    /// plain.
    pub(crate) fn with_codes<T>(
        &mut self,
        (key, hash): (&Key<'_>, u64),
        expires: bool,
        string: Element<'_>,
        f: impl FnOnce(&mut Self, Option<Content<'_>>) -> T,
    ) -> T {
        let Element::Bytes(bytes) = string else { return f(self, None) };
        if !self.coder.is_on() {
            return f(self, None);
        }
        let layout = self.layout_in_entry(key, hash);
        let [text, mut codes] = [&mut self.coder.text, &mut self.coder.codes].map(mem::take);
        let coded = self.coder.try_code(&self.reading.tables, layout, expires, bytes, &mut codes);
        let result = f(self, coded.map(Content::Coded));
        self.coder.put_back([text, codes]);
        result
    }

    /// Returns the layout of a key in its entry, or the layout of the plain key if there is no entry.
    fn layout_in_entry(&self, key: &Key<'_>, hash: u64) -> KeyLayout {
        let Self { table, reading, .. } = self;
        if !CODED_KEY_LENS.contains(&key.bytes().len()) {
            return key.plain_layout();
        }
        let entry = table.find(hash, |entry| entry.has_key(key.bytes(), &reading.tables));
        entry.map_or(key.plain_layout(), Entry::key_layout)
    }

    /// Returns the form in which the entry of `from` stores its new key, `to`. A coded key is written into
    /// the buffer `codes`.
    pub(crate) fn form_of_new_name<'c>(
        &mut self,
        (from, hash): (&Key<'_>, u64),
        to: &Key<'c>,
        codes: &'c mut Vec<u8>,
    ) -> StoredKey<'c> {
        let Self { table, reading, coder, .. } = self;
        let entry = table.find(hash, |entry| entry.has_key(from.bytes(), &reading.tables));
        entry.map_or(to.plain(), |entry| {
            coder.new_key(&reading.tables, to.bytes(), codes, |layout| entry.block_size_with(layout))
        })
    }

    /// Codes the key of an entry that was just added with a plain key, if its block becomes smaller. Does
    /// nothing if keys are not coded. `SET` calls [`add_coding`] instead, which writes only one block.
    #[inline]
    pub(crate) fn code_new_key(&mut self, key: &Key<'_>, hash: u64) {
        if self.coder.is_on_for_key(key.bytes().len()) {
            self.code_key(key, hash);
        }
    }

    #[inline(never)]
    fn code_key(&mut self, key: &Key<'_>, hash: u64) {
        let Self { table, totals, reading, coder, .. } = self;
        let has_key = |entry: &Entry| entry.has_key(key.bytes(), &reading.tables);
        let Ok(mut entry) = table.find_entry(hash, has_key) else { return };
        let mut codes = mem::take(&mut coder.key_codes);
        let size_with = |layout| entry.get().block_size_with(layout);
        let new = coder.new_key(&reading.tables, key.bytes(), &mut codes, size_with);
        if new.layout() != entry.get().key_layout() {
            // Without memory for the smaller block, the key stays in the larger block.
            let _ =
                totals.change_form(&mut entry, |entry, total_bytes| entry.try_set_key_form(new, total_bytes));
        }
        coder.key_codes = codes;
    }

    /// Codes the string of a key that was just written, if the string is plain and its block becomes smaller.
    /// Does nothing if strings are not coded.
    #[inline]
    pub(crate) fn code_written(&mut self, key: &Key<'_>, hash: u64) {
        if self.coder.is_on() {
            self.code_entry(key, hash, *CODED_LENS.end(), true);
        }
    }

    /// Codes a string again after an edit that has [decoded](Self::decode_before_edit) it.
    #[inline]
    pub(crate) fn code_edited(&mut self, key: &Key<'_>, hash: u64, edited: EditOutcome) {
        let len_max = match edited {
            EditOutcome { was_coded: false, .. } => return,
            // A failed edit has most likely not changed the string.
            EditOutcome { has_failed: true, .. } => *CODED_LENS.end(),
            EditOutcome { has_grown: true, .. } => return,
            EditOutcome { .. } => EDITED_LEN_MAX,
        };
        if self.coder.is_on() {
            // Edits of one key say nothing about other strings, so they are not counted.
            self.code_entry(key, hash, len_max, false);
        }
    }

    /// Codes the string of a key, if the string is plain and has at most `len_max` bytes. `counts` tells
    /// whether the attempt counts for a pause.
    #[inline(never)]
    fn code_entry(&mut self, key: &Key<'_>, hash: u64, len_max: usize, counts: bool) {
        let Self { table, totals, reading, coder, .. } = self;
        let Ok(mut entry) = table.find_entry(hash, |entry| entry.has_key(key.bytes(), &reading.tables))
        else {
            return;
        };
        let Ok(string @ (EntryString::Bytes(_) | EntryString::Object(_))) = entry.get().string() else {
            return;
        };
        if string.len() > len_max {
            return;
        }
        // The text is copied, because it lies in the entry, which gets another block.
        let [mut text, mut codes] = [&mut coder.text, &mut coder.codes].map(mem::take);
        text.clear();
        // Without memory for the buffer or for the smaller block, the string stays in the larger block.
        if reading.tables.append(string, &mut text).is_ok() {
            let (layout, expires) = (entry.get().key_layout(), entry.get().expires());
            let coded = if counts {
                coder.try_code(&reading.tables, layout, expires, &text, &mut codes)
            } else {
                coder.encode_if_smaller(&reading.tables, layout, expires, &text, &mut codes)
            };
            if let Some(coded) = coded {
                let _ = totals.change_form(&mut entry, |entry, total_bytes| {
                    entry.try_set(entry.expiry(), Content::Coded(coded), total_bytes)
                });
            }
        }
        coder.put_back([text, codes]);
    }

    /// Decodes the string of a key that is about to be edited, if it is coded, and makes room for it below
    /// `maxmemory`. Returns whether it was coded.
    ///
    /// # Errors
    /// No memory; [`Error::MaxmemoryReached`]. The string is then still coded.
    #[inline]
    pub(crate) fn decode_before_edit(&mut self, key: &Key<'_>, hash: u64, now: u64) -> Result<bool, Error>
    where
        S: BuildHasher,
    {
        if self.reading.tables.is_empty() { Ok(false) } else { self.decode_entry(key, hash, now) }
    }

    /// Does the same as [`decode_before_edit`](Self::decode_before_edit) in a keyspace that has a table.
    #[inline(never)]
    fn decode_entry(&mut self, key: &Key<'_>, hash: u64, now: u64) -> Result<bool, Error>
    where
        S: BuildHasher,
    {
        let is_coded = |entry: &Entry| matches!(entry.string(), Ok(EntryString::Coded(_)));
        if !self.find(hash, key, now).is_some_and(is_coded) {
            return Ok(false);
        }
        self.make_room_in(key, hash, now, |entry| {
            entry.map_or(0, |entry| entry.growth_of_string(string_len(entry), false))
        })?;
        let Self { table, totals, reading, .. } = self;
        let Ok(mut entry) = table.find_entry(hash, |entry| entry.has_key(key.bytes(), &reading.tables))
        else {
            return Ok(false);
        };
        let mut text = Vec::new();
        reading.tables.append(entry.get().string()?, &mut text)?;
        let content = Content::try_string(Element::Bytes(&text))?;
        totals.change_form(&mut entry, |entry, total_bytes| {
            entry.try_set(entry.expiry(), content, total_bytes)
        })?;
        Ok(true)
    }
}

/// Adds the entry of a new key, as [`Totals::add_new`] does. The key is coded if the block becomes smaller.
pub(crate) fn add_coding(
    totals: &mut Totals,
    (coder, tables): (&mut Coder, &Tables),
    place: VacantEntry<'_, Entry>,
    (key, hash): (&[u8], u64),
    (expiry, clock): (Option<u64>, u32),
    content: Content<'_>,
) -> Result<(), ReserveError> {
    let mut codes = mem::take(&mut coder.key_codes);
    let size_with = |key| Entry::block_size_of(key, expiry.is_some(), &content);
    let stored = coder.new_key(tables, key, &mut codes, size_with);
    let new = Entry::try_from_content(stored, expiry, clock, content).map_err(|(error, _content)| error);
    coder.key_codes = codes;
    totals.add_new_entry(place, (key, hash), new?)
}

/// The result of an edit of a string.
#[derive(Clone, Copy)]
pub(crate) struct EditOutcome {
    /// Whether the string was coded before the edit.
    pub(crate) was_coded: bool,
    /// Whether the string was coded and is longer than before.
    pub(crate) has_grown: bool,
    /// Whether the edit returned an error.
    pub(crate) has_failed: bool,
}

/// Returns whether a text can be coded. An integer is not coded, because its own form is shorter.
pub(crate) fn is_codable(text: &[u8]) -> bool {
    CODED_LENS.contains(&text.len()) && Element::Bytes(text).as_i64().is_none()
}

impl<S> Sharded<S> {
    /// Does the same as [`Keyspace::set_symbols`] for all shards, which share the table.
    ///
    /// # Errors
    /// The errors of [`Keyspace::set_symbols`]. The other shards then have the new table, and the call can be
    /// repeated.
    pub fn set_symbols(&self, table: Option<Arc<SymbolTable>>) -> Result<(), Error> {
        let mut result = Ok(());
        self.for_each_mut(|shard| result = shard.set_symbols(table.clone()).and(result));
        result
    }

    /// Does the same as [`Keyspace::set_symbols_min_gain`] for all shards. Each shard compares its own gain.
    pub fn set_symbols_min_gain(&self, percent: u8) {
        self.for_each_mut(|shard| shard.set_symbols_min_gain(percent));
    }

    /// Returns the table that new strings and keys are coded with, if there is one.
    pub fn symbols(&self) -> Option<Arc<SymbolTable>> {
        let first = self.shard(0).read();
        first.symbols().cloned()
    }
}

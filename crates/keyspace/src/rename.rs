//! Methods that give keys other names, or copy or move them, in one keyspace or between two: `RENAME`,
//! `COPY`, `MOVE`.

use crate::access::{Access, modified};
use crate::entry::{BlockOnlyEntry, CodedView, Content, Entry, EntryString, EntryView, KeyLayout, Kind};
use crate::error::Error;
use crate::event::Event;
use crate::key::Key;
use crate::keyspace::{Found, Keyspace};
use crate::options::Ranking;
use crate::reading::Tables;
use crate::totals::{Replaced, Totals};
use core::hash::BuildHasher;
use core::mem;
use values::Element;

impl<S: BuildHasher> Keyspace<S> {
    /// Renames a key. Its value and its expiry stay. An existing key of the new name is replaced. O(bytes of
    /// the block), plus the time to drop the replaced value. A large value does not move. In C: `RENAME`.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`]; [`Error::KeyTooLong`]; [`Error::MaxmemoryReached`]; no memory. Both keys are
    /// then as they were.
    pub fn rename<'f, 't>(
        &mut self,
        from: impl Into<Key<'f>>,
        to: impl Into<Key<'t>>,
        now: u64,
    ) -> Result<(), Error> {
        self.rename_if(from.into(), to.into(), now, true).map(|_done| ())
    }

    /// Renames a key if no key has the new name, and returns whether it was renamed. In C: `RENAMENX`.
    ///
    /// # Errors
    /// The errors of [`rename`](Self::rename).
    pub fn rename_absent<'f, 't>(
        &mut self,
        from: impl Into<Key<'f>>,
        to: impl Into<Key<'t>>,
        now: u64,
    ) -> Result<bool, Error> {
        self.rename_if(from.into(), to.into(), now, false)
    }

    /// Does the same as [`rename`](Self::rename) if `replace` is set, and as
    /// [`rename_absent`](Self::rename_absent) otherwise.
    fn rename_if(&mut self, from: Key<'_>, to: Key<'_>, now: u64, replace: bool) -> Result<bool, Error> {
        let (from_hash, to_hash) = (self.hash_of(&from), self.hash_of(&to));
        let mut codes = mem::take(&mut self.coder.key_codes);
        let stored = self.form_of_new_name((&from, from_hash), &to, &mut codes);
        self.make_room_in(&from, from_hash, now, |entry| {
            let growth = |entry: &Entry| match key_growth(entry, stored.layout()) {
                0 => 0,
                longer => entry.growth_by(longer),
            };
            if from.bytes() == to.bytes() { 0 } else { entry.map_or(0, growth) }
        })?;
        let entry = self.find(from_hash, &from, now).ok_or(Error::NoSuchKey)?;
        if from.bytes() == to.bytes() {
            return Ok(replace);
        }
        to.check()?;
        if !replace && self.find(to_hash, &to, now).is_some() {
            return Ok(false);
        }
        let (renamed, address) = (entry.try_renamed(stored)?, entry.address());
        if let Some(clock) = modified(&self.options, now) {
            renamed.set_clock(clock);
        }
        self.save_before_rename(from_hash, address);
        let (found, totals, _) = self.find_or_vacant(to_hash, &to, now)?;
        if !replace && matches!(found, Found::Live(_)) {
            return Ok(false);
        }
        // SAFETY: the old entry becomes a `BlockOnlyEntry` below, before anything can fail.
        let replaced = unsafe { put_renamed(found, totals, renamed, to_hash)? };
        let old = BlockOnlyEntry::of(self.remove_at(from_hash, address));
        if let Ok(string) = old.view().string() {
            self.coder.note_added(string);
        }
        drop(old);
        replaced.into_iter().for_each(|replaced| self.totals.discard_replaced(replaced));
        self.coder.key_codes = codes;
        self.totals.notify(Event::Renamed { from: from.bytes(), to: to.bytes() });
        self.evict_excess(&to, to_hash, now);
        Ok(true)
    }

    /// Removes the entry at this address from the table, and returns it. The entry must be in the table.
    ///
    /// The entry is found even if the table has moved it by another hash than `hash` meanwhile. The caller
    /// may have given a hash of its own ([`Key::with_hash`]), or the hasher may return a different hash each
    /// time.
    fn remove_at(&mut self, hash: u64, address: *const u8) -> Entry {
        if let Ok(entry) = self.table.find_entry(hash, |entry| entry.address() == address) {
            return self.totals.remove(entry);
        }
        let entry = self.table.extract_if(|entry| entry.address() == address).next();
        let entry = entry.expect("the entry is in the table");
        self.totals.subtract(&entry);
        entry
    }

    /// Copies a value and its expiry to another key of this keyspace, and returns whether they were copied.
    /// Nothing is copied if there is no such key, if both names are the same, or if the other key exists and
    /// `replace` is `false`. The copy shares nothing with the original. O(value). In C: `COPY`.
    ///
    /// # Errors
    /// [`Error::KeyTooLong`]; no memory. The other key is then as it was.
    pub fn copy<'f, 't>(
        &mut self,
        from: impl Into<Key<'f>>,
        to: impl Into<Key<'t>>,
        replace: bool,
        now: u64,
    ) -> Result<bool, Error> {
        let (from, to) = (from.into(), to.into());
        let Some(entry) = self.peek(&from, now) else { return Ok(false) };
        if !replace && self.peek(&to, now).is_some() || from.bytes() == to.bytes() {
            return Ok(false);
        }
        // Room is made before memory is taken for the copy. This may evict the source.
        let size = size_of_copy(entry, &to);
        self.make_room_for(&to, self.hash_of(&to), size, now)?;
        let Some(entry) = self.peek(&from, now) else { return Ok(false) };
        let copy = self.try_copy_for(&to, entry, &self.reading.tables, now)?;
        self.put(&to, copy, now, Coding::Try)?;
        Ok(true)
    }

    /// Does the same as [`copy`](Self::copy), but to a key of another keyspace. In C: `COPY` with `DB`.
    ///
    /// # Errors
    /// The errors of [`copy`](Self::copy).
    pub fn copy_to<'f, 't, T: BuildHasher>(
        &self,
        from: impl Into<Key<'f>>,
        target: &mut Keyspace<T>,
        to: impl Into<Key<'t>>,
        replace: bool,
        now: u64,
    ) -> Result<bool, Error> {
        let (from, to) = (from.into(), to.into());
        let Some(entry) = self.peek(&from, now) else { return Ok(false) };
        if !replace && target.peek(&to, now).is_some() {
            return Ok(false);
        }
        target.make_room_for(&to, target.hash_of(&to), size_of_copy(entry, &to), now)?;
        let copy = target.try_copy_for(&to, entry, &self.reading.tables, now)?;
        target.put(&to, copy, now, Coding::Try)?;
        Ok(true)
    }

    /// Moves a key to another keyspace, and returns whether it was moved. Nothing is moved if there is no
    /// such key, or if the other keyspace has a key of this name. O(bytes of the block). A large value does
    /// not move in memory. In C: `MOVE`.
    ///
    /// # Errors
    /// No memory for a block, or for the table of the other keyspace. The key then stays in this keyspace.
    pub fn move_to<'k, T: BuildHasher>(
        &mut self,
        key: impl Into<Key<'k>>,
        target: &mut Keyspace<T>,
        now: u64,
    ) -> Result<bool, Error> {
        let key = key.into();
        // The hash of one keyspace means nothing in another.
        let moved = self.rename_into(&key, target, &Key::new(key.bytes()), now, false);
        if matches!(moved, Err(Error::NoSuchKey)) { Ok(false) } else { moved }
    }

    /// Moves a key to another keyspace and gives it another name. Returns whether it was moved. If a key has
    /// that name already, the key is moved only if `replace` is set.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`]; [`Error::KeyTooLong`]; no memory. Both keys are then as they were.
    pub(crate) fn rename_into<T: BuildHasher>(
        &mut self,
        from: &Key<'_>,
        target: &mut Keyspace<T>,
        to: &Key<'_>,
        now: u64,
        replace: bool,
    ) -> Result<bool, Error> {
        let (hash, to_hash) = (self.hash_of(from), target.hash_of(to));
        // Codes mean nothing without their table.
        let is_decoded = !self.reading.tables.is_same(&target.reading.tables);
        let size = match self.find(hash, from, now).ok_or(Error::NoSuchKey)? {
            entry if is_decoded => size_of_copy(entry, to),
            entry => size_of_renamed(entry, to),
        };
        target.make_room_for(to, to_hash, size, now)?;
        let (entry, totals, options) = self.find_mut(hash, from, now).ok_or(Error::NoSuchKey)?;
        let (found, target_totals, target_options) = target.find_or_vacant(to_hash, to, now)?;
        if !replace && matches!(found, Found::Live(_)) {
            return Ok(false);
        }
        let moved = match entry.get().string() {
            Ok(EntryString::Coded(coded)) if is_decoded => {
                let clock = entry.get().view().clock();
                Moved::Decoded(try_decoded(entry.get(), coded, totals.tables(), to, clock)?)
            }
            _ => Moved::Renamed(entry.get().try_renamed(to.plain())?),
        };
        let [ranking, target_ranking] =
            [options, target_options].map(|options| options.get_maxmemory_policy().ranking());
        // A place in the eviction queues of one keyspace means nothing in another.
        let is_new = target_ranking.clock() != ranking.clock() || target_ranking == Ranking::S3fifo;
        let clock = is_new.then(|| Access::at(target_options, now).initial());
        if let Some(clock) = clock.or_else(|| modified(target_options, now)) {
            moved.view().set_clock(clock);
        }
        totals.before_change(&entry);
        let replaced = match moved {
            // SAFETY: the old entry becomes a `BlockOnlyEntry` below, before anything can fail.
            Moved::Renamed(renamed) => unsafe { put_renamed(found, target_totals, renamed, to_hash)? },
            Moved::Decoded(new) => put_new(found, target_totals, new, to_hash)?,
        };
        let old = BlockOnlyEntry::of(totals.remove(entry)); // a coded string owns nothing besides its block
        replaced.into_iter().for_each(|replaced| target_totals.discard_replaced(replaced));
        target_totals.notify(Event::Set(to.bytes()));
        if let (Ok(string), false) = (old.view().string(), is_decoded) {
            target.coder.note_added(string);
        }
        drop(old);
        target.code_written(to, to_hash);
        target.code_new_key(to, to_hash);
        target.evict_excess(to, to_hash, now);
        totals.notify(Event::Removed(from.bytes()));
        Ok(true)
    }

    /// Returns a copy of an entry under the name `to`. The key and the string of the copy are plain. `tables`
    /// must be those of the entry's keyspace.
    fn try_copy_for(&self, to: &Key<'_>, entry: &Entry, tables: &Tables, now: u64) -> Result<Entry, Error> {
        to.check()?;
        let clock = Access::at(&self.options, now).initial();
        Ok(match entry.string() {
            Ok(EntryString::Coded(coded)) => try_decoded(entry, coded, tables, to, clock)?,
            _ => entry.try_copied(to.bytes(), entry.expiry(), clock)?,
        })
    }

    /// Adds an entry, or replaces the entry that has its key.
    pub(crate) fn put(&mut self, key: &Key<'_>, new: Entry, now: u64, coding: Coding) -> Result<(), Error> {
        let hash = self.hash_of(key);
        self.make_room_for(key, hash, new.allocation_size(), now)?;
        let is_text = new.kind().is_bytes() || new.kind() == Kind::OBJECT;
        let (found, totals, _) = self.find_or_vacant(hash, key, now)?;
        let replaced = put_new(found, totals, new, hash)?;
        replaced.into_iter().for_each(|replaced| totals.discard_replaced(replaced));
        totals.notify(Event::Set(key.bytes()));
        if is_text && coding == Coding::Try {
            self.code_written(key, hash);
        }
        self.code_new_key(key, hash);
        self.evict_excess(key, hash, now);
        Ok(())
    }
}

/// What [`Keyspace::put`] does with a string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Codes the string, if its block becomes smaller.
    Try,
    /// Does nothing, because coding was tried before.
    AlreadyTried,
}

/// An entry that is being moved to another keyspace.
enum Moved {
    /// An entry that has the value of the old entry.
    Renamed(BlockOnlyEntry),
    /// A new entry with the decoded string of the old entry.
    Decoded(Entry),
}

impl Moved {
    fn view(&self) -> EntryView<'_> {
        match self {
            Self::Renamed(block_only) => block_only.view(),
            Self::Decoded(entry) => entry.view(),
        }
    }
}

/// Returns a new entry with the name `key`, the expiry of `entry`, and the text of its coded string. `tables`
/// must be those of the entry's keyspace.
fn try_decoded(
    entry: &Entry,
    coded: CodedView<'_>,
    tables: &Tables,
    key: &Key<'_>,
    clock: u32,
) -> Result<Entry, Error> {
    let mut text = Vec::new();
    tables.decode(coded, &mut text)?;
    let content = Content::try_string(Element::Bytes(&text))?;
    Ok(Entry::try_new(key.bytes(), entry.expiry(), clock, content)?)
}

/// Returns how many bytes more a key with this layout takes than the key of an entry.
fn key_growth(entry: &Entry, key: KeyLayout) -> usize {
    key.total_len().saturating_sub(entry.key_layout().total_len())
}

/// Returns the most bytes that an entry takes under another name. The new key is plain.
fn size_of_renamed(entry: &Entry, key: &Key<'_>) -> usize {
    let longer = key_growth(entry, key.plain_layout());
    entry.allocation_size() + longer + longer / 4
}

/// Returns the most bytes that a copy of an entry adds to `used_memory`. The key and the string of the copy
/// are plain.
fn size_of_copy(entry: &Entry, key: &Key<'_>) -> usize {
    match entry.string() {
        Ok(EntryString::Coded(coded)) => {
            Entry::size_of_len(key.plain_layout(), entry.expires(), coded.len(), false)
        }
        _ => size_of_renamed(entry, key),
    }
}

/// Puts a new entry into its place. If there is an entry of the same name, it is replaced and returned.
fn put_new(found: Found<'_>, totals: &mut Totals, new: Entry, hash: u64) -> Result<Option<Replaced>, Error> {
    match found {
        Found::Live(mut entry) => {
            totals.copy_s3_clock(&entry, new.view());
            Ok(Some(totals.replace(&mut entry, new)))
        }
        Found::Absent(place) => {
            totals.add(place.try_insert(new).map_err(|error| error.error)?, hash);
            Ok(None)
        }
    }
}

/// Puts a renamed entry into its place. If there is an entry of the same name, it is replaced and returned.
///
/// # Errors
/// No memory. Nothing has changed then.
///
/// # Safety
/// If the function succeeds, the caller must turn the entry with the old name into a [`BlockOnlyEntry`]
/// before the value of either entry is used.
unsafe fn put_renamed(
    found: Found<'_>,
    totals: &mut Totals,
    renamed: BlockOnlyEntry,
    hash: u64,
) -> Result<Option<Replaced>, Error> {
    match found {
        Found::Live(mut other) => {
            totals.copy_s3_clock(&other, renamed.view());
            // SAFETY: by contract.
            Ok(Some(totals.replace(&mut other, unsafe { renamed.into_entry() })))
        }
        // SAFETY: by contract, or the new entry becomes a `BlockOnlyEntry` again.
        Found::Absent(place) => match place.try_insert(unsafe { renamed.into_entry() }) {
            Ok(entry) => {
                totals.add(entry, hash);
                Ok(None)
            }
            Err(error) => {
                drop(BlockOnlyEntry::of(error.entry));
                Err(error.error.into())
            }
        },
    }
}

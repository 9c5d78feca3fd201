//! Keys under other names, here or in another keyspace: `RENAME`, `COPY`, `MOVE`.

use crate::access::{Access, modified};
use crate::entry::{Entry, Shell};
use crate::error::Error;
use crate::event::Event;
use crate::key::Key;
use crate::keyspace::{Found, Keyspace};
use crate::options::Ranking;
use crate::totals::{Replaced, Totals};
use core::hash::BuildHasher;

impl<S: BuildHasher> Keyspace<S> {
    /// Gives a key another name, with its value and its expiry. An existing key of that name is replaced.
    /// O(bytes of the block), and the value that is dropped: a large value does not move. In C: `RENAME`.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`]; [`Error::KeyTooLong`]; no memory. Both keys are then as they were.
    pub fn rename<'f, 't>(
        &mut self,
        from: impl Into<Key<'f>>,
        to: impl Into<Key<'t>>,
        now: u64,
    ) -> Result<(), Error> {
        self.rename_if(from.into(), to.into(), now, true).map(|_done| ())
    }

    /// [`rename`](Self::rename) if no key has the new name. Returns whether it did. In C: `RENAMENX`.
    ///
    /// # Errors
    /// As of [`rename`](Self::rename).
    pub fn rename_absent<'f, 't>(
        &mut self,
        from: impl Into<Key<'f>>,
        to: impl Into<Key<'t>>,
        now: u64,
    ) -> Result<bool, Error> {
        self.rename_if(from.into(), to.into(), now, false)
    }

    fn rename_if(&mut self, from: Key<'_>, to: Key<'_>, now: u64, replace: bool) -> Result<bool, Error> {
        let (from_hash, to_hash) = (self.hash_of(&from), self.hash_of(&to));
        // A length of five bytes may take the place of one of one byte.
        let longer = to.bytes().len().saturating_sub(from.bytes().len());
        self.make_room_in(&from, from_hash, now, |entry| match entry {
            Some(entry) if longer > 0 => entry.growth_by(longer + 4),
            _ => 0,
        })?;
        let entry = self.find(from_hash, &from, now).ok_or(Error::NoSuchKey)?;
        if from.bytes() == to.bytes() {
            return Ok(replace);
        }
        to.check()?;
        if !replace && self.find(to_hash, &to, now).is_some() {
            return Ok(false);
        }
        let (renamed, address) = (entry.try_renamed(to.bytes())?, entry.address());
        if let Some(clock) = modified(&self.options, now) {
            renamed.set_clock(clock);
        }
        self.save_before_rename(from_hash, address);
        let (found, totals, _) = self.find_or_place(to_hash, &to, now)?;
        if !replace && matches!(found, Found::Live(_)) {
            return Ok(false);
        }
        // SAFETY: the old entry becomes a shell below, before anything can fail.
        let replaced = unsafe { put_renamed(found, totals, renamed, to_hash)? };
        drop(Shell::of(self.remove_at(from_hash, address)));
        replaced.into_iter().for_each(|replaced| self.totals.discard_replaced(replaced));
        self.totals.notify(Event::Renamed { from: from.bytes(), to: to.bytes() });
        self.settle(&to, to_hash, now);
        Ok(true)
    }

    /// Takes out the entry at this address, which is in the table.
    ///
    /// It is found even if the hash is not the one that the table has moved it by meanwhile: a caller may
    /// have given another one ([`Key::with_hash`]), or the hasher may give one each time.
    fn remove_at(&mut self, hash: u64, address: *const u8) -> Entry {
        if let Ok(entry) = self.table.find_entry(hash, |entry| entry.address() == address) {
            return self.totals.remove(entry);
        }
        let entry = self.table.extract_if(|entry| entry.address() == address).next();
        let entry = entry.expect("the entry is in the table");
        self.totals.subtract(&entry);
        entry
    }

    /// Copies a value and its expiry to another key of this keyspace, and returns whether it did: not if
    /// there is no such key, or if the other one is there and `replace` is false, or if both are the same.
    /// The copy shares nothing. O(value). In C: `COPY`.
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
        // Before memory is taken for the copy. The source may be evicted for it.
        let size = entry.allocation_size();
        self.make_room_for(&to, self.hash_of(&to), size, now)?;
        let Some(entry) = self.peek(&from, now) else { return Ok(false) };
        let copy = self.try_copy_for(&to, entry, now)?;
        self.put(&to, copy, now)?;
        Ok(true)
    }

    /// [`copy`](Self::copy) to a key of another keyspace. In C: `COPY` with `DB`.
    ///
    /// # Errors
    /// As of [`copy`](Self::copy).
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
        target.make_room_for(&to, target.hash_of(&to), entry.allocation_size(), now)?;
        let copy = target.try_copy_for(&to, entry, now)?;
        target.put(&to, copy, now)?;
        Ok(true)
    }

    /// Moves a key to another keyspace, and returns whether it did: not if there is no such key, or if the
    /// other keyspace has one of the name. O(bytes of the block): a large value does not move. In C: `MOVE`.
    ///
    /// # Errors
    /// No memory for a block, or in the table of the other keyspace. The key is then still here.
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

    /// Gives a key another name in another keyspace. Returns whether it did: not if a key has that name and
    /// `replace` is false.
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
        let size = self.find(hash, from, now).ok_or(Error::NoSuchKey)?.allocation_size();
        let longer = to.bytes().len().saturating_sub(from.bytes().len());
        target.make_room_for(to, to_hash, size + longer + longer / 4, now)?;
        let (entry, totals, options) = self.find_mut(hash, from, now).ok_or(Error::NoSuchKey)?;
        let (found, target_totals, target_options) = target.find_or_place(to_hash, to, now)?;
        if !replace && matches!(found, Found::Live(_)) {
            return Ok(false);
        }
        let renamed = entry.get().try_renamed(to.bytes())?;
        let [ranking, target_ranking] =
            [options, target_options].map(|options| options.get_maxmemory_policy().ranking());
        // A place in the queues of one keyspace means nothing in another.
        let is_new = target_ranking.clock() != ranking.clock() || target_ranking == Ranking::S3fifo;
        let clock = is_new.then(|| Access::at(target_options, now).initial());
        if let Some(clock) = clock.or_else(|| modified(target_options, now)) {
            renamed.set_clock(clock);
        }
        totals.before_change(&entry);
        // SAFETY: the old entry becomes a shell at once.
        let replaced = unsafe { put_renamed(found, target_totals, renamed, to_hash)? };
        drop(Shell::of(totals.remove(entry)));
        replaced.into_iter().for_each(|replaced| target_totals.discard_replaced(replaced));
        target_totals.notify(Event::Set(to.bytes()));
        target.settle(to, to_hash, now);
        totals.notify(Event::Removed(from.bytes()));
        Ok(true)
    }

    fn try_copy_for(&self, to: &Key<'_>, entry: &Entry, now: u64) -> Result<Entry, Error> {
        to.check()?;
        Ok(entry.try_copied(to.bytes(), entry.expiry(), Access::at(&self.options, now).initial())?)
    }

    /// Puts an entry in the place of the one with its key, or adds it.
    pub(crate) fn put(&mut self, key: &Key<'_>, new: Entry, now: u64) -> Result<(), Error> {
        let hash = self.hash_of(key);
        self.make_room_for(key, hash, new.allocation_size(), now)?;
        let (found, totals, _) = self.find_or_place(hash, key, now)?;
        match found {
            Found::Live(mut entry) => {
                totals.keep_place(&entry, new.view());
                let old = totals.replace(&mut entry, new);
                totals.discard_replaced(old);
            }
            Found::Absent(place) => totals.add(place.try_insert(new).map_err(|error| error.error)?, hash),
        }
        totals.notify(Event::Set(key.bytes()));
        self.settle(key, hash, now);
        Ok(())
    }
}

/// Puts a renamed entry into its place, or in the place of the entry with its name, which is returned.
///
/// # Errors
/// No memory. Nothing has changed then.
///
/// # Safety
/// If it succeeds, the entry with the old name becomes a [`Shell`] before its value is used again.
unsafe fn put_renamed(
    found: Found<'_>,
    totals: &mut Totals,
    renamed: Shell,
    hash: u64,
) -> Result<Option<Replaced>, Error> {
    match found {
        Found::Live(mut other) => {
            totals.keep_place(&other, renamed.view());
            // SAFETY: by contract.
            Ok(Some(totals.replace(&mut other, unsafe { renamed.into_entry() })))
        }
        // SAFETY: by contract, or the new entry becomes a shell again.
        Found::Absent(place) => match place.try_insert(unsafe { renamed.into_entry() }) {
            Ok(entry) => {
                totals.add(entry, hash);
                Ok(None)
            }
            Err(error) => {
                drop(Shell::of(error.entry));
                Err(error.error.into())
            }
        },
    }
}

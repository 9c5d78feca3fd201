//! [`Totals`]: the sums over all entries of a keyspace, and its callback for events.

use crate::entry::{Content, Entry};
use crate::event::Event;
use crate::evict::Eviction;
use crate::lazyfree::{LIST_BYTES, Lazyfree, Pace};
use crate::reading::Tables;
use crate::snapshot::Snapshot;
use allocator_api2::boxed::Box;
use core::fmt;
use dict::table::{OccupiedEntry, VacantEntry};
use values::ReserveError;
use zmalloc::Zmalloc;

/// The callback of [`Keyspace::on_event`](crate::Keyspace::on_event).
pub(crate) type OnEvent = Box<dyn FnMut(Event<'_>) + Send + Sync, Zmalloc>;

/// An entry that was replaced by another one, and the bytes that it added to `used_memory`.
pub(crate) struct Replaced {
    entry: Entry,
    size: usize,
}

/// An event that has a key.
type KeyEvent = fn(&[u8]) -> Event<'_>;

/// The state that every addition, change or removal of an entry updates: the sums over all entries, the state
/// of eviction, the garbage, and the snapshot. The snapshot saves an entry before it is changed or removed.
/// `Totals` also has the callback for events.
#[derive(Default)]
pub(crate) struct Totals {
    /// The bytes that the entries and their values add to `used_memory`.
    pub(crate) entry_bytes: usize,
    /// How many keys have an expiry. The table marks their entries.
    pub(crate) expires: usize,
    /// How many keys were removed because they had expired.
    pub(crate) expired_keys: u64,
    pub(crate) eviction: Eviction,
    pub(crate) lazyfree: Lazyfree,
    pub(crate) snapshot: Snapshot,
    pub(crate) on_event: Option<OnEvent>,
}

impl Totals {
    /// Calls the callback if there is one, and frees some garbage if there is any.
    #[inline]
    pub(crate) fn notify(&mut self, event: Event<'_>) {
        self.report(event);
        if self.lazyfree.has_garbage() {
            self.lazyfree.free_for_write();
        }
    }

    /// Calls the callback, if there is one.
    #[inline]
    pub(crate) fn report(&mut self, event: Event<'_>) {
        if let Some(on_event) = &mut self.on_event {
            on_event(event);
        }
    }

    /// Calls the callback with the event of an entry's key, if there is a callback.
    fn report_key(&mut self, entry: &Entry, event: KeyEvent) {
        if let Some(on_event) = &mut self.on_event {
            on_event(event(&entry.key(&self.snapshot.reading.tables).text()));
        }
    }

    /// Returns the symbol tables of coded strings and keys, which are the same as the keyspace's.
    #[inline]
    pub(crate) fn tables(&self) -> &Tables {
        &self.snapshot.reading.tables
    }

    /// Adds the entry of a new key to the sums, and marks it if it has an expiry. `hash` is the hash of the
    /// key.
    #[inline]
    pub(crate) fn add(&mut self, entry: OccupiedEntry<'_, Entry>, hash: u64) {
        let size = entry.get().allocation_size();
        self.add_sized(entry, size, hash);
    }

    /// Like [`add`](Self::add), for an entry whose allocation size is known.
    #[inline]
    pub(crate) fn add_sized(&mut self, mut entry: OccupiedEntry<'_, Entry>, size: usize, hash: u64) {
        self.entry_bytes += size;
        self.snapshot.mark_saved(entry.get()); // what is new is not in the snapshot
        if entry.get().expires() {
            self.expires += 1;
            entry.set_mark(true);
        }
        if self.eviction.is_s3fifo() {
            self.note_new_key(&entry, size, hash);
        }
    }

    /// Saves an entry that is about to be changed, if a snapshot is waiting for it.
    #[inline]
    pub(crate) fn before_change(&mut self, entry: &OccupiedEntry<'_, Entry>) {
        if !self.snapshot.is_saved(entry.get()) {
            self.snapshot.save_at_once(entry.get(), entry.table());
        }
    }

    /// Saves an entry that is about to be removed and freed, if a snapshot is waiting for it. A large entry
    /// may still be unsaved afterwards. The snapshot then takes it over when it is freed.
    #[inline]
    pub(crate) fn before_removal(&mut self, entry: &OccupiedEntry<'_, Entry>) {
        if !self.snapshot.is_saved(entry.get()) {
            self.snapshot.save_or_reserve(entry.get(), Some(entry.table()));
        }
    }

    /// Like [`before_removal`](Self::before_removal), for an entry that has already left the table. The table
    /// cannot be read at this point. The caller has made sure that no value in it is half saved.
    #[inline]
    pub(crate) fn before_discard(&mut self, entry: &Entry) {
        if !self.snapshot.is_saved(entry) {
            self.snapshot.save_or_reserve(entry, None);
        }
    }

    /// Removes an entry from the table and from the sums.
    #[inline]
    pub(crate) fn remove(&mut self, entry: OccupiedEntry<'_, Entry>) -> Entry {
        self.before_change(&entry);
        self.subtract(entry.get());
        entry.remove()
    }

    /// Removes an entry from the table and from the sums, and reports that its key was removed.
    #[inline]
    pub(crate) fn remove_key(&mut self, entry: OccupiedEntry<'_, Entry>) -> Entry {
        let entry = self.remove(entry);
        self.report_key(&entry, |key| Event::Removed(key));
        if self.lazyfree.has_garbage() {
            self.lazyfree.free_for_write();
        }
        entry
    }

    /// Reports and frees an entry that is no longer in the table. A large entry becomes garbage if `is_lazy`
    /// is set. The snapshot takes over an entry that is not saved yet.
    #[inline]
    pub(crate) fn discard(&mut self, entry: Entry, event: KeyEvent, is_lazy: bool) {
        self.discard_only(entry, event, is_lazy, true);
        if self.lazyfree.has_garbage() {
            self.lazyfree.free_for_write();
        }
    }

    /// Like [`discard`](Self::discard), but does not free the share of older garbage that each write frees.
    /// `is_write` is for [`Pace`].
    #[inline]
    fn discard_only(&mut self, entry: Entry, event: KeyEvent, is_lazy: bool, is_write: bool) {
        self.expires -= usize::from(entry.expires());
        let is_kept = entry.kind().is_word() && (is_lazy || !self.snapshot.is_saved(&entry));
        if self.on_event.is_none() && !is_kept {
            self.entry_bytes -= entry.into_freed_size(); // its size is computed once
        } else {
            self.discard_reported(entry, event, is_lazy, is_write);
        }
    }

    /// The general case of [`discard_only`](Self::discard_only). The callback may panic, so the sums are
    /// updated, and the snapshot takes the entry over, before the callback runs.
    #[inline(never)]
    fn discard_reported(&mut self, entry: Entry, event: KeyEvent, is_lazy: bool, is_write: bool) {
        let size = entry.allocation_size();
        self.entry_bytes -= size;
        if !self.snapshot.is_saved(&entry) {
            let taken = self.snapshot.take_over(entry, size);
            if let (Some((entry, tables)), Some(on_event)) = (taken, &mut self.on_event) {
                on_event(event(&entry.key(tables).text()));
            }
            return;
        }
        self.report_key(&entry, event);
        if is_lazy {
            self.lazyfree.push(entry, size, self.pace(is_write));
        }
    }

    fn pace(&self, is_write: bool) -> Pace {
        Pace { live_bytes: self.entry_bytes, list_bytes: self.list_bytes(), is_write }
    }

    /// Returns how many bytes the list of garbage may grow by.
    pub(crate) fn list_bytes(&self) -> usize {
        if self.eviction.is_limited() { 0 } else { LIST_BYTES }
    }

    /// Removes and frees an entry that has expired, and returns its place in the table.
    pub(crate) fn take_expired<'t>(&mut self, entry: OccupiedEntry<'t, Entry>) -> VacantEntry<'t, Entry> {
        self.before_removal(&entry);
        let (entry, place) = entry.take();
        self.discard_expired(entry);
        place
    }

    /// Reports and frees an entry that has expired and is no longer in the table. A sweep does this for many
    /// entries, so the method does not free older garbage.
    pub(crate) fn discard_expired(&mut self, entry: Entry) {
        self.expired_keys += 1;
        self.discard_only(entry, |key| Event::Expired(key), self.lazyfree.lazy.expire, false);
    }

    /// Like [`remove_key`](Self::remove_key), but frees the entry. A large entry becomes garbage if `is_lazy`
    /// is set.
    #[inline]
    pub(crate) fn drop_key(&mut self, entry: OccupiedEntry<'_, Entry>, is_lazy: bool) {
        self.before_removal(&entry);
        self.discard(entry.remove(), |key| Event::Removed(key), is_lazy);
    }

    /// Removes an entry that has expired.
    #[cold]
    pub(crate) fn expire(&mut self, entry: OccupiedEntry<'_, Entry>) {
        self.take_expired(entry);
    }

    /// Creates the entry of a new key, inserts it at its place, and reports that the key was set. The key is
    /// plain in the entry.
    #[inline]
    pub(crate) fn add_new(
        &mut self,
        place: VacantEntry<'_, Entry>,
        (key, hash): (&[u8], u64),
        expiry: Option<u64>,
        clock: u32,
        content: Content<'_>,
    ) -> Result<(), ReserveError> {
        let sized = Entry::try_new_sized(key, expiry, clock, content)?;
        self.add_new_entry(place, (key, hash), sized)
    }

    /// The part of [`add_new`](Self::add_new) for an entry that was created with its allocation size.
    #[inline]
    pub(crate) fn add_new_entry(
        &mut self,
        place: VacantEntry<'_, Entry>,
        (key, hash): (&[u8], u64),
        (entry, size): (Entry, usize),
    ) -> Result<(), ReserveError> {
        self.add_sized(place.try_insert(entry)?, size, hash);
        self.notify(Event::Set(key));
        Ok(())
    }

    /// Replaces the value and the expiry of a key. The old value is freed, or becomes garbage if it is large.
    #[inline]
    pub(crate) fn try_set(
        &mut self,
        entry: &mut OccupiedEntry<'_, Entry>,
        expiry: Option<u64>,
        content: Content<'_>,
    ) -> Result<(), ReserveError> {
        if entry.get().kind().is_word() {
            return self.try_replace_word(entry, expiry, content);
        }
        self.change(entry, |entry, total_bytes| entry.try_set(expiry, content, total_bytes))
    }

    /// Like [`try_set`](Self::try_set), for an entry whose old value may be large.
    #[inline(never)]
    fn try_replace_word(
        &mut self,
        entry: &mut OccupiedEntry<'_, Entry>,
        expiry: Option<u64>,
        content: Content<'_>,
    ) -> Result<(), ReserveError> {
        let old = entry.get();
        let is_kept = self.lazyfree.lazy.server_del || !self.snapshot.is_saved(old);
        if !is_kept || !old.is_large() {
            return self.change(entry, |entry, total_bytes| entry.try_set(expiry, content, total_bytes));
        }
        match Entry::try_from_content(old.stored_key(), expiry, old.view().clock(), content) {
            Ok((new, _size)) => {
                let old = self.replace(entry, new);
                self.discard_replaced(old);
                Ok(())
            }
            // The old block may have room for the new value.
            Err((_error, content)) => {
                self.change(entry, |entry, total_bytes| entry.try_set(expiry, content, total_bytes))
            }
        }
    }

    /// Replaces an entry by another one, and returns the old entry, which the sums no longer contain.
    pub(crate) fn replace(&mut self, entry: &mut OccupiedEntry<'_, Entry>, new: Entry) -> Replaced {
        self.before_removal(entry);
        self.snapshot.mark_saved(&new);
        let (entry, size) = self.change_saved(entry, |entry, total_bytes| entry.replace(new, total_bytes));
        Replaced { entry, size }
    }

    /// Frees a replaced entry, or makes it garbage if it is large. The snapshot takes over an entry that is
    /// not saved yet.
    pub(crate) fn discard_replaced(&mut self, Replaced { entry, size }: Replaced) {
        if !self.snapshot.is_saved(&entry) {
            self.snapshot.take_over(entry, size);
        } else if self.lazyfree.lazy.server_del {
            self.lazyfree.push(entry, size, self.pace(true));
        }
    }

    /// Subtracts an entry from the sums.
    #[inline]
    pub(crate) fn subtract(&mut self, entry: &Entry) {
        self.entry_bytes -= entry.allocation_size();
        self.expires -= usize::from(entry.expires());
    }

    /// Calls `change` with an entry and with the sum of all bytes, which `change` must update. Afterwards
    /// updates the mark of the entry and the number of expiries, even if `change` panics.
    #[inline]
    pub(crate) fn change<T>(
        &mut self,
        entry: &mut OccupiedEntry<'_, Entry>,
        change: impl FnOnce(&mut Entry, &mut usize) -> T,
    ) -> T {
        self.before_change(entry);
        self.change_saved(entry, change)
    }

    /// Like [`change`](Self::change), for a `change` that stores the same value in another form. A snapshot
    /// can save the value in either form.
    pub(crate) fn change_form<T>(
        &mut self,
        entry: &mut OccupiedEntry<'_, Entry>,
        change: impl FnOnce(&mut Entry, &mut usize) -> T,
    ) -> T {
        self.change_saved(entry, change)
    }

    /// Like [`change`](Self::change), for an entry that is already saved, or that is replaced.
    #[inline]
    fn change_saved<T>(
        &mut self,
        entry: &mut OccupiedEntry<'_, Entry>,
        change: impl FnOnce(&mut Entry, &mut usize) -> T,
    ) -> T {
        struct UpdateMark<'s, 't> {
            totals: &'s mut Totals,
            entry: &'s mut OccupiedEntry<'t, Entry>,
            expired: bool,
        }
        impl Drop for UpdateMark<'_, '_> {
            #[inline]
            fn drop(&mut self) {
                let expires = self.entry.get().expires();
                if expires != self.expired {
                    self.entry.set_mark(expires);
                    self.totals.expires =
                        if expires { self.totals.expires + 1 } else { self.totals.expires - 1 };
                }
            }
        }
        let expired = entry.get().expires();
        let guard = UpdateMark { totals: self, entry, expired };
        change(guard.entry.get_mut(), &mut guard.totals.entry_bytes)
    }
}

impl fmt::Debug for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totals")
            .field("entry_bytes", &self.entry_bytes)
            .field("expires", &self.expires)
            .field("evicted_keys", &self.eviction.evicted_keys())
            .finish_non_exhaustive()
    }
}

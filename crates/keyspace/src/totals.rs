//! [`Totals`]: the running totals of a keyspace, and its callback for events.

use crate::entry::{Content, Entry};
use crate::event::Event;
use crate::evict::Eviction;
use allocator_api2::boxed::Box;
use core::fmt;
use dict::table::{OccupiedEntry, VacantEntry};
use values::ReserveError;
use zmalloc::Zmalloc;

/// The callback of [`Keyspace::on_event`](crate::Keyspace::on_event).
pub(crate) type OnEvent = Box<dyn FnMut(Event<'_>) + Send + Sync, Zmalloc>;

/// What every new, changed or removed entry updates: the sums over all entries, and the state of eviction. It
/// also has the callback for events.
#[derive(Default)]
pub(crate) struct Totals {
    /// What the entries add to `used_memory`, values and all.
    pub(crate) entry_bytes: usize,
    /// How many keys have an expiry: the number of marked entries.
    pub(crate) expires: usize,
    pub(crate) eviction: Eviction,
    pub(crate) on_event: Option<OnEvent>,
}

impl Totals {
    /// Calls the callback, if there is one.
    #[inline]
    pub(crate) fn notify(&mut self, event: Event<'_>) {
        if let Some(on_event) = &mut self.on_event {
            on_event(event);
        }
    }

    /// Counts the entry of a new key with that hash, and marks it if it has an expiry.
    #[inline]
    pub(crate) fn add(&mut self, entry: OccupiedEntry<'_, Entry>, hash: u64) {
        let size = entry.get().allocation_size();
        self.add_sized(entry, size, hash);
    }

    /// [`add`](Self::add) of an entry whose allocation size is known.
    #[inline]
    pub(crate) fn add_sized(&mut self, mut entry: OccupiedEntry<'_, Entry>, size: usize, hash: u64) {
        self.entry_bytes += size;
        if entry.get().expires() {
            self.expires += 1;
            entry.set_mark(true);
        }
        if self.eviction.is_s3fifo() {
            self.arrive(&entry, size, hash);
        }
    }

    /// Takes an entry out of the table and out of the sums.
    #[inline]
    pub(crate) fn remove(&mut self, entry: OccupiedEntry<'_, Entry>) -> Entry {
        self.subtract(entry.get());
        entry.remove()
    }

    /// Takes an entry out of the table and out of the sums, and reports that it was removed.
    #[inline]
    pub(crate) fn remove_key(&mut self, entry: OccupiedEntry<'_, Entry>) -> Entry {
        let entry = self.remove(entry);
        self.notify(Event::Removed(entry.key()));
        entry
    }

    /// Drops an entry that has expired, and returns its place.
    pub(crate) fn take_expired<'t>(&mut self, entry: OccupiedEntry<'t, Entry>) -> VacantEntry<'t, Entry> {
        let (entry, place) = entry.take();
        self.subtract(&entry);
        self.notify(Event::Expired(entry.key()));
        place
    }

    /// [`remove_key`](Self::remove_key) that drops the entry.
    #[inline]
    pub(crate) fn drop_key(&mut self, entry: OccupiedEntry<'_, Entry>) {
        if self.on_event.is_some() {
            return drop(self.remove_key(entry));
        }
        let entry = entry.remove();
        self.expires -= usize::from(entry.expires());
        self.entry_bytes -= entry.into_freed(); // its size is computed once
    }

    /// Removes an entry that has expired.
    #[cold]
    pub(crate) fn expire(&mut self, entry: OccupiedEntry<'_, Entry>) {
        self.take_expired(entry);
    }

    /// Makes the entry of a new key, puts it into its place, and reports that its key was set.
    #[inline]
    pub(crate) fn add_new(
        &mut self,
        place: VacantEntry<'_, Entry>,
        (key, hash): (&[u8], u64),
        expiry: Option<u64>,
        clock: u32,
        content: Content<'_>,
    ) -> Result<(), ReserveError> {
        let (entry, size) = Entry::try_new_sized(key, expiry, clock, content)?;
        self.add_sized(place.try_insert(entry)?, size, hash);
        self.notify(Event::Set(key));
        Ok(())
    }

    /// Takes an entry out of the sums.
    #[inline]
    pub(crate) fn subtract(&mut self, entry: &Entry) {
        self.entry_bytes -= entry.allocation_size();
        self.expires -= usize::from(entry.expires());
    }

    /// Lends an entry to be changed, and the sum of all bytes, which `change` keeps right. Afterwards the
    /// mark is that of the changed entry, even if `change` panics.
    #[inline]
    pub(crate) fn change<T>(
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

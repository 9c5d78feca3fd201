//! [`Books`]: what a keyspace keeps count of, and whom it tells.

use crate::entry::Entry;
use crate::event::Event;
use allocator_api2::boxed::Box;
use core::fmt;
use dict::table::OccupiedEntry;
use zmalloc::Zmalloc;

/// The callback of [`Keyspace::on_event`](crate::Keyspace::on_event).
pub(crate) type OnEvent = Box<dyn FnMut(Event<'_>) + Send + Sync, Zmalloc>;

/// The sums over all entries, and the callback for events.
#[derive(Default)]
pub(crate) struct Books {
    /// What the entries add to `used_memory`, values and all.
    pub(crate) entry_bytes: usize,
    /// How many keys have an expiry: as many entries are marked.
    pub(crate) expires: usize,
    pub(crate) on_event: Option<OnEvent>,
}

impl Books {
    /// Tells about an event, if there is somebody to tell.
    #[inline]
    pub(crate) fn tell(&mut self, event: Event<'_>) {
        if let Some(on_event) = &mut self.on_event {
            on_event(event);
        }
    }

    /// Counts a new entry, and marks it if it has an expiry.
    #[inline]
    pub(crate) fn added(&mut self, mut entry: OccupiedEntry<'_, Entry>) {
        self.entry_bytes += entry.get().allocation_size();
        if entry.get().expires() {
            self.expires += 1;
            entry.set_mark(true);
        }
    }

    /// Takes an entry out of the table and out of the sums.
    #[inline]
    pub(crate) fn remove(&mut self, entry: OccupiedEntry<'_, Entry>) -> Entry {
        self.forget(entry.get());
        entry.remove()
    }

    /// Takes an entry out of the sums.
    #[inline]
    pub(crate) fn forget(&mut self, entry: &Entry) {
        self.entry_bytes -= entry.allocation_size();
        self.expires -= usize::from(entry.expires());
    }

    /// Lends an entry to be changed, and the sum of all bytes, which `change` keeps right. Afterwards the mark is that of the changed entry, even
    /// if `change` panics.
    #[inline]
    pub(crate) fn change<T>(
        &mut self,
        entry: &mut OccupiedEntry<'_, Entry>,
        change: impl FnOnce(&mut Entry, &mut usize) -> T,
    ) -> T {
        struct Settle<'s, 't> {
            books: &'s mut Books,
            entry: &'s mut OccupiedEntry<'t, Entry>,
            expired: bool,
        }
        impl Drop for Settle<'_, '_> {
            #[inline]
            fn drop(&mut self) {
                let expires = self.entry.get().expires();
                if expires != self.expired {
                    self.entry.set_mark(expires);
                    self.books.expires =
                        if expires { self.books.expires + 1 } else { self.books.expires - 1 };
                }
            }
        }
        let expired = entry.get().expires();
        let settle = Settle { books: self, entry, expired };
        change(settle.entry.get_mut(), &mut settle.books.entry_bytes)
    }
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Books")
            .field("entry_bytes", &self.entry_bytes)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

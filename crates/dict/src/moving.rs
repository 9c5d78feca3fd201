//! Moves many entries of a chunk at once: a split, the merge that undoes it, and the removal of entries that
//! `retain` does not keep.

use core::mem::MaybeUninit;

use zmalloc::ReserveError;

use crate::chunk::Chunk;
use crate::group::{SLOTS, Slots};
use crate::layout::{CHILD_SLOTS, CHILD_SLOTS_WITH_NEXT};
use crate::overflow::{Child, Spares, children_for};
use crate::slot::Slot;
use crate::storage::Storage;

/// Entries of at least this many bytes are moved one by one. Smaller entries of a child, up to seven, are
/// first copied to the stack.
const LARGE_ENTRY: usize = 512;

/// Adds entries to a chunk, one after another, without looking for the end of its chain each time.
struct Appender<T> {
    chunk: Chunk<T>,
    /// The last child of the chunk's chain.
    last: Option<Child<T>>,
}

impl<T> Appender<T> {
    /// Adds an entry. If the entry needs a child, the spares must contain one.
    ///
    /// # Safety
    /// The chunk is live. `last` is the end of its chain, or `None` if the chunk has no child. `tag` is not
    /// 0. The spares are blocks of the chunk's storage.
    unsafe fn push(&mut self, tag: u8, entry: T, spares: &mut Spares<T>) {
        // SAFETY: the chunk is live, `last` is the end of its chain, and `free_slot` returns a free slot.
        unsafe {
            if let Some(index) = self.chunk.free_slot(0) {
                self.chunk.fill(index, tag, entry);
                return;
            }
            match self.chunk.push_to_child(self.last, tag, entry, |_| spares.take()) {
                Ok((_, last)) => self.last = Some(last),
                Err(_) => unreachable!("as many children were set aside as are needed"),
            }
        }
    }
}

/// Entries that were cut off a chunk's chain and are to be dropped, with the children that hold them.
struct RemovedTail<'a, T> {
    /// The entries in the last child that stays. Their tags are cleared already.
    in_last: &'a [Slot<T>],
    /// The first of the children that hold nothing else.
    child: Option<Child<T>>,
    storage: &'a mut Storage,
}

impl<T> RemovedTail<'_, T> {
    fn drop_entries(mut self) {
        // SAFETY: each entry is dropped once, and nothing else owns it. A child is freed after all its
        // entries are dropped. If a drop panics, `Drop` frees the children and leaks the other entries.
        unsafe {
            for slot in self.in_last {
                slot.entry.drop_in_place();
            }
            while let Some(child) = self.child {
                for index in child.occupied() {
                    child.slot(index).entry.drop_in_place();
                }
                self.free_first();
            }
        }
    }

    fn free_first(&mut self) {
        if let Some(child) = self.child {
            // SAFETY: the child is live, and only `self` leads to it.
            unsafe {
                self.child = child.next();
                self.storage.free_child(&Chunk::<T>::LAYOUT, child.ptr);
            }
        }
    }
}

impl<T> Drop for RemovedTail<'_, T> {
    fn drop(&mut self) {
        while self.child.is_some() {
            self.free_first();
        }
    }
}

/// The `# Safety` sections use the word *live* as `chunk.rs` defines it, and the methods have the same common
/// requirements.
impl<T> Chunk<T> {
    /// Reorders the children's entries so that those for which `moves` is false come first. Returns the
    /// number of those entries. If `moves` panics, the chunk holds the same entries in some order.
    ///
    /// # Safety
    /// The chunk is live.
    unsafe fn partition_children(self, mut moves: impl FnMut(&mut T) -> bool) -> usize {
        let mut staying = 0;
        // SAFETY: both cursors walk live children of the same chain, and the one that writes is never ahead.
        // Two different slots do not overlap.
        unsafe {
            let Some(first) = self.child() else { return 0 };
            let (mut to, mut to_index) = (first, 0);
            let mut from = Some(first);
            while let Some(child) = from {
                for index in child.occupied() {
                    let mut slot = child.slot(index);
                    if moves(slot.entry.as_mut()) {
                        continue;
                    }
                    let target = to.slot(to_index);
                    if target.tag != slot.tag {
                        core::ptr::swap(target.tag.as_ptr(), slot.tag.as_ptr());
                        core::ptr::swap(target.entry.as_ptr(), slot.entry.as_ptr());
                    }
                    staying += 1;
                    to_index += 1;
                    if to_index == CHILD_SLOTS_WITH_NEXT
                        && let Some(next) = to.next()
                    {
                        (to, to_index) = (next, 0);
                    }
                }
                from = child.next();
            }
        }
        staying
    }

    /// Moves the entries for which `moves` is true to `new`, an empty chunk. Returns the number of moved
    /// entries.
    ///
    /// `moves` is called for each entry before anything is moved, so no entry is lost if it panics. For an
    /// entry in a child it may be called twice.
    ///
    /// The simple version:
    ///
    /// ```text
    /// for each entry of the chunk:
    ///     if moves(entry):
    ///         remove the entry from the chunk     // frees children
    ///         push the entry to `new`             // allocates children
    /// ```
    ///
    /// This version differs as follows:
    ///
    /// 1. All results of `moves` are collected before the first entry is moved, as a bit mask where possible.
    /// 2. An entry that leaves one of the fifteen slots goes to the slot of the same number in `new`. There
    ///    is no search for a free slot, and the entry stays in its preferred cache line.
    /// 3. If the entries of both chunks fit into their fifteen slots, the entries of the children go straight
    ///    to free slots, and the children are freed.
    /// 4. Otherwise the entries of the children are partitioned, and the chain is emptied from its end. Each
    ///    emptied child becomes a spare, from which both chunks take the children that they need.
    ///
    /// The split therefore needs no memory: the children that the chunk has are enough for both chunks. Only
    /// entries of [`LARGE_ENTRY`] bytes or more, which are not copied to the stack, need one child more. If
    /// there is no memory for it, the split fails and moves no entry to `new`.
    ///
    /// The children are enough for this reason. They are emptied one at a time from the end, and the fifteen
    /// slots of each chunk are filled first. After `r` children, at most `6r + 1` entries have been taken
    /// out. If one chunk has more entries than slots, it has at most that many more, and needs `r` children
    /// for them. If both have, they have at most `6r + 1 - 15` more in all, and need fewer children.
    ///
    /// # Safety
    /// Both chunks are live. They are different chunks, and `new` is empty.
    pub(crate) unsafe fn split_into(
        self,
        new: Self,
        mut moves: impl FnMut(&T) -> bool,
        storage: &mut Storage,
    ) -> Result<usize, ReserveError> {
        // SAFETY: both chunks are live and belong to the storage. Slots are read while they hold an entry,
        // and written while they hold none.
        unsafe {
            let occupied = self.group().occupied();
            let mut leaving = Slots(0);
            for index in occupied {
                leaving.0 |= u32::from(moves(self.slot(index).entry.as_ref())) << index;
            }
            if self.filter() == 0 {
                self.move_slots_in_place(leaving, new);
                return Ok(leaving.len());
            }
            let in_children = self.len_in_children();
            if in_children <= SLOTS {
                let leaving_in_children = self.select_in_children(&mut moves);
                let moved = leaving.len() + leaving_in_children.count_ones() as usize;
                if moved <= SLOTS && SLOTS + in_children - moved <= SLOTS {
                    let free = self.move_slots_in_place(leaving, new);
                    self.move_in_children(leaving_in_children, leaving, new, free, storage);
                    return Ok(moved);
                }
            }
            let staying_in_children = self.partition_children(|entry| moves(entry));
            let mut spares = Spares::with(Self::EXTRA_SPARES, storage)?;
            let mut moved = leaving.len();
            self.move_slots_in_place(leaving, new);
            let mut index = in_children;
            let mut here = Appender { chunk: self, last: None };
            let mut there = Appender { chunk: new, last: None };
            self.empty_children(&mut spares, |tag, entry, spares| {
                index -= 1;
                if index < staying_in_children {
                    here.push(tag, entry, spares);
                } else {
                    moved += 1;
                    there.push(tag, entry, spares);
                }
            });
            spares.free(storage);
            Ok(moved)
        }
    }

    /// Moves the entries of the slots `from` to the slots `free` of `to`. There must be at least as many free
    /// slots.
    ///
    /// # Safety
    /// Both chunks are live. The slots `from` are occupied in this one, and those of `free` are free in `to`.
    unsafe fn move_slots(self, from: Slots, to: Self, free: Slots) {
        // SAFETY: the caller guarantees that `from` are occupied slots and that `free` are free slots of
        // `to`.
        unsafe {
            for (from, to_index) in from.zip(free) {
                let (tag, entry) = self.slot(from).take();
                to.slot(to_index).fill(tag, entry);
            }
        }
    }

    /// Moves the entries of the slots `from` to the same slots of `to`, so that each entry keeps its
    /// preferred place. Returns all other slots.
    ///
    /// # Safety
    /// Both chunks are live. The slots `from` are occupied in this one and free in `to`.
    unsafe fn move_slots_in_place(self, from: Slots, to: Self) -> Slots {
        // SAFETY: the caller guarantees that these slots are occupied in this chunk and free in `to`.
        unsafe {
            for index in from {
                let (tag, entry) = self.slot(index).take();
                to.slot(index).fill(tag, entry);
            }
        }
        Slots(Slots::all().0 & !from.0)
    }

    /// Returns one bit for each entry in the children: 1 where `moves` is true. There must be at most 32 such
    /// entries.
    ///
    /// # Safety
    /// The chunk is live.
    unsafe fn select_in_children(self, mut moves: impl FnMut(&T) -> bool) -> u32 {
        // SAFETY: the children of a live chunk are live.
        unsafe {
            let (mut selected, mut bit, mut child) = (0, 0, self.child());
            while let Some(one) = child {
                for index in one.occupied() {
                    selected |= u32::from(moves(one.slot(index).entry.as_ref())) << bit;
                    bit += 1;
                }
                child = one.next();
            }
            selected
        }
    }

    /// Moves the `selected` entries of the children to the slots `free_in_new` of `new`, and the others to
    /// the slots `free` of this chunk. There must be enough slots of each. Frees the children.
    ///
    /// # Safety
    /// Both chunks are live. The slots `free` are free in this chunk, and `free_in_new` in `new`.
    unsafe fn move_in_children(
        self,
        mut selected: u32,
        mut free: Slots,
        new: Self,
        mut free_in_new: Slots,
        storage: &mut Storage,
    ) {
        // SAFETY: the children are live, and their entries are moved out before they are freed.
        unsafe {
            let mut child = self.child();
            self.set_filter(0);
            while let Some(one) = child {
                for index in one.occupied() {
                    let (to, slot) =
                        if selected & 1 != 0 { (new, free_in_new.next()) } else { (self, free.next()) };
                    let slot = slot.expect("as many free slots as entries");
                    let (tag, entry) = one.slot(index).take();
                    to.slot(slot).fill(tag, entry);
                    selected >>= 1;
                }
                child = one.next();
                storage.free_child(&Self::LAYOUT, one.ptr);
            }
        }
    }

    /// The number of spares that [`Chunk::empty_children`] needs in advance, besides the children that it
    /// empties.
    const EXTRA_SPARES: usize = (size_of::<T>() >= LARGE_ENTRY) as usize;

    /// Detaches all children from the chunk and passes their entries to `each`, the last one first. Each
    /// child becomes a spare before its entries are passed on; with large entries, it becomes one afterwards.
    ///
    /// # Safety
    /// The chunk is live, and the spares are blocks of its storage.
    unsafe fn empty_children(self, spares: &mut Spares<T>, mut each: impl FnMut(u8, T, &mut Spares<T>)) {
        // The chain is detached and reversed first, for two reasons. `each` may start a new chain on the same
        // chunk, and a child can be reached only from the one before it. The last child has no link to
        // reverse.
        // SAFETY: each child is live until its block becomes a spare. Its entries have been read by then.
        unsafe {
            let Some(mut last) = self.child() else { return };
            self.set_filter(0);
            let mut before = None;
            while let Some(next) = last.next() {
                last.set_next(before);
                before = Some(last);
                last = next;
            }
            let mut child = last;
            loop {
                if Self::EXTRA_SPARES > 0 {
                    for index in (0..child.len()).rev() {
                        let (tag, entry) = child.slot(index).take();
                        each(tag, entry, spares);
                    }
                    spares.put(child.ptr);
                } else {
                    Self::empty_child(child, spares, &mut each);
                }
                let Some(next) = before else { return };
                (child, before) = (next, next.next());
            }
        }
    }

    /// Empties one child of small entries. This is a function of its own so that callers do not reserve the
    /// buffer on their stack.
    ///
    /// # Safety
    /// `child` is live, nothing leads to it, and the spares are blocks of its storage.
    unsafe fn empty_child(
        child: Child<T>,
        spares: &mut Spares<T>,
        each: &mut impl FnMut(u8, T, &mut Spares<T>),
    ) {
        // SAFETY: the child is live, and its entries are read before its block becomes a spare. The first
        // `len` places of the buffer are written, and each of them is read once.
        unsafe {
            let len = child.len();
            let mut buffer = [const { MaybeUninit::<(u8, T)>::uninit() }; CHILD_SLOTS];
            for (index, place) in buffer.iter_mut().enumerate().take(len) {
                place.write(child.slot(index).take());
            }
            spares.put(child.ptr);
            for place in buffer[..len].iter().rev() {
                let (tag, entry) = place.assume_init_read();
                each(tag, entry, spares);
            }
        }
    }

    /// Drops the entries in children for which `keep` is false, in O(children). Calls `forget` with the
    /// number of these entries before the first drop. If `keep` panics, all entries are still there. If a
    /// drop panics, the other entries that were to be dropped are leaked.
    ///
    /// # Safety
    /// The chunk is live.
    pub(crate) unsafe fn retain_in_children(
        self,
        mut keep: impl FnMut(&mut T) -> bool,
        storage: &mut Storage,
        forget: impl FnOnce(usize),
    ) {
        // SAFETY: the chunk and its children are live. The first `in_last` places of `slots` are written.
        unsafe {
            let before = self.len_in_children();
            let staying = self.partition_children(|entry| !keep(entry));
            if staying == before {
                return;
            }
            // Find the child that holds the first entry to drop, and the entry's index there.
            let (mut last, mut child, mut index) = (None, self.child(), staying);
            while let Some(one) = child
                && index >= one.len()
            {
                index -= one.len();
                (last, child) = (child, one.next());
            }
            let mut slots = [const { MaybeUninit::<Slot<T>>::uninit() }; CHILD_SLOTS];
            let mut in_last = 0;
            if index > 0
                && let Some(one) = child
            {
                for index in index..one.len() {
                    let slot = one.slot(index);
                    slots[in_last].write(slot);
                    in_last += 1;
                }
                (last, child) = (Some(one), one.next());
            }
            let in_last = core::slice::from_raw_parts(slots.as_ptr().cast::<Slot<T>>(), in_last);
            for slot in in_last {
                slot.tag.write(0);
            }
            match last {
                Some(last) => last.set_next(None),
                None => self.set_filter(0),
            }
            self.rebuild_filter();
            forget(before - staying);
            RemovedTail { in_last, child, storage }.drop_entries();
        }
    }

    /// Moves all entries to `to`, a chunk of the same storage. Returns the number of moved entries. Allocates
    /// the memory that it may need first, so that a failure changes nothing.
    ///
    /// The simple version:
    ///
    /// ```text
    /// for each entry of the chunk:
    ///     remove the entry from the chunk     // frees children
    ///     push the entry to `to`              // allocates children, and may fail half-way
    /// ```
    ///
    /// This version differs as follows:
    ///
    /// 1. If the chunk has no child and the free slots of `to` are enough, no search for a free slot is
    ///    needed. An entry whose slot is free in `to` keeps the number of its slot; the others take the
    ///    remaining free slots.
    /// 2. Otherwise the children that `to` will need are counted and allocated first, except for those that
    ///    this chunk frees in time.
    /// 3. The chunk's children are emptied before its slots, from the end of the chain. Each emptied child
    ///    becomes a spare for `to`.
    /// 4. The end of `to`'s chain is remembered, so it is searched for once.
    ///
    /// # Safety
    /// Both chunks are live. They are different chunks.
    pub(crate) unsafe fn merge_into(self, to: Self, storage: &mut Storage) -> Result<usize, ReserveError> {
        // SAFETY: both chunks are live and belong to the storage. Slots are read while they hold an entry.
        unsafe {
            let (from, free) = (self.group().occupied(), to.group().free());
            // An empty chunk always fits. Otherwise `to` must have enough free slots, and no chain.
            let fits = from.len() == 0 || to.filter() == 0 && from.len() <= free.len();
            if self.filter() == 0 && fits {
                let (same, other) = (Slots(from.0 & free.0), Slots(from.0 & !free.0));
                self.move_slots_in_place(same, to);
                self.move_slots(other, to, Slots(free.0 & !same.0));
                return Ok(from.len());
            }
            let (moved, there) = (self.len(), to.len());
            let more = children_for(moved + there) - children_for(there);
            // This chunk's children become spares one by one. They may run one short on the way: a child of
            // seven entries gives up the place of its seventh for the link when its chain grows.
            let needed = match children_for(moved) {
                0 => more,
                own => more.min((more + 1).saturating_sub(own)),
            };
            let mut spares = Spares::with(needed + Self::EXTRA_SPARES, storage)?;
            let mut there = Appender { chunk: to, last: to.last_child().map(|(_, last)| last) };
            self.empty_children(&mut spares, |tag, entry, spares| there.push(tag, entry, spares));
            for index in self.group().occupied() {
                let (tag, entry) = self.slot(index).take();
                there.push(tag, entry, &mut spares);
            }
            spares.free(storage);
            Ok(moved)
        }
    }
}

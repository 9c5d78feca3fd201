//! Moving many entries of a chunk: a split, the merge that undoes it, and dropping those that are not kept.

use core::mem::MaybeUninit;

use zmalloc::ReserveError;

use crate::chunk::Chunk;
use crate::group::{SLOTS, Slots};
use crate::layout::{CHILD_SLOTS, CHILD_SLOTS_WITH_NEXT};
use crate::overflow::{Child, Spares, children_for};
use crate::slot::Slot;
use crate::storage::Storage;

/// From this size on, in bytes, entries are moved one by one instead of a child's seven at a time over the stack.
const LARGE_ENTRY: usize = 512;

/// Adds entries to a chunk, one after another, without looking for the end of its chain each time.
struct Appender<T> {
    chunk: Chunk<T>,
    /// The end of its chain.
    last: Option<Child<T>>,
}

impl<T> Appender<T> {
    /// Adds an entry; if it needs a child, there must be one among the spares.
    ///
    /// # Safety
    /// The chunk is live; `last` is the end of its chain, or `None` if it has no child. `tag` is not 0.
    /// The spares are blocks of the chunk's storage.
    unsafe fn push(&mut self, tag: u8, entry: T, spares: &mut Spares<T>) {
        // SAFETY: a live chunk, the end of its chain, and a free slot of it, if it has one.
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

/// Entries that were cut off a chunk's chain and are to be dropped, with the children that held them.
struct CutOff<'a, T> {
    /// Those in the last child that stays, which no longer counts them.
    in_last: &'a [Slot<T>],
    /// The children that held nothing else.
    child: Option<Child<T>>,
    storage: &'a mut Storage,
}

impl<T> CutOff<'_, T> {
    fn drop_entries(mut self) {
        // SAFETY: each entry is dropped once, and is nobody else's; a child is freed when all its entries were, or when a
        // drop has panicked, which leaks the others.
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
            // SAFETY: a live child that nothing leads to but this.
            unsafe {
                self.child = child.next();
                self.storage.free_child(&Chunk::<T>::LAYOUT, child.ptr);
            }
        }
    }
}

impl<T> Drop for CutOff<'_, T> {
    fn drop(&mut self) {
        while self.child.is_some() {
            self.free_first();
        }
    }
}

/// The `# Safety` sections use the words of `chunk.rs`, and the methods ask for the same points besides.
impl<T> Chunk<T> {
    /// Sorts the children's entries so that those for which `moves` is false come first, and says how
    /// many those are. If `moves` panics, the chunk holds the same entries in some order.
    ///
    /// # Safety
    /// The chunk is live.
    unsafe fn partition_children(self, mut moves: impl FnMut(&mut T) -> bool) -> usize {
        let mut staying = 0;
        // SAFETY: both cursors walk live children of the same chain, the one that writes never ahead. Two slots that
        // differ do not overlap.
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

    /// Moves the entries for which `moves` is true to `new`, an empty chunk, and says how many. Calls
    /// `moves` for each entry, of a child's perhaps twice, before anything is moved: if it panics, no entry is lost. Needs
    /// no memory: the children that the chunk had are enough for both. (Only very large entries, which are not moved over
    /// the stack, need a child more; without it nothing is changed.)
    ///
    /// Why they are enough: the children are emptied one at a time from the end into the two chunks,
    /// whose fifteen slots each are filled first. After `r` children at most `6r + 1` entries have been
    /// taken out. If one chunk has gone over its slots, it did so by at most that many, for which it
    /// needs `r` children; if both have, by at most `6r + 1 - 15` in all, for which they need fewer.
    ///
    /// # Safety
    /// Both chunks are live. They are different, and `new` is empty.
    pub(crate) unsafe fn split_into(
        self,
        new: Self,
        mut moves: impl FnMut(&T) -> bool,
        storage: &mut Storage,
    ) -> Result<usize, ReserveError> {
        // SAFETY: both chunks are live and belong to the storage; slots are read while they hold an
        // entry, and written while they hold none.
        unsafe {
            let occupied = self.group().occupied();
            let mut leaving = Slots(0);
            for index in occupied {
                leaving.0 |= u32::from(moves(self.slot(index).entry.as_ref())) << index;
            }
            if self.filter() == 0 {
                self.move_slots_over(leaving, new);
                return Ok(leaving.len());
            }
            let in_children = self.len_in_children();
            if in_children <= SLOTS {
                let leaving_in_children = self.select_in_children(&mut moves);
                let moved = leaving.len() + leaving_in_children.count_ones() as usize;
                if moved <= SLOTS && SLOTS + in_children - moved <= SLOTS {
                    let free = self.move_slots_over(leaving, new);
                    self.move_in_children(leaving_in_children, leaving, new, free, storage);
                    return Ok(moved);
                }
            }
            let staying_in_children = self.partition_children(|entry| moves(entry));
            let mut spares = Spares::with(Self::CHILDREN_AHEAD, storage)?;
            let mut moved = leaving.len();
            self.move_slots_over(leaving, new);
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

    /// Moves the entries of the slots `from` to those of `free` in `to`, which are enough.
    ///
    /// # Safety
    /// Both chunks are live. The slots `from` are occupied in this one, and those of `free` are free in `to`.
    unsafe fn move_slots(self, from: Slots, to: Self, free: Slots) {
        // SAFETY: occupied slots of this chunk and free ones of the other.
        unsafe {
            for (from, to_index) in from.zip(free) {
                let (tag, entry) = self.slot(from).take();
                to.slot(to_index).fill(tag, entry);
            }
        }
    }

    /// Moves the entries of the slots `from` to the same slots of `to`, which are free, so that they keep their preferred
    /// places; answers the others.
    ///
    /// # Safety
    /// Both chunks are live. The slots `from` are occupied in this one and free in `to`.
    unsafe fn move_slots_over(self, from: Slots, to: Self) -> Slots {
        // SAFETY: occupied slots of this chunk and free ones of the other.
        unsafe {
            for index in from {
                let (tag, entry) = self.slot(index).take();
                to.slot(index).fill(tag, entry);
            }
        }
        Slots(Slots::all().0 & !from.0)
    }

    /// The entries of the children for which `moves` is true, one bit each, of which a `u32` has enough.
    ///
    /// # Safety
    /// The chunk is live.
    unsafe fn select_in_children(self, mut moves: impl FnMut(&T) -> bool) -> u32 {
        // SAFETY: live children.
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

    /// Moves the entries of the children that are `selected` to the free slots of `new`, the others to those that this
    /// chunk has free, of both of which there are enough; the children are freed.
    ///
    /// # Safety
    /// Both chunks are live. The slots `free` are free in this one, and `free_in_new` in `new`.
    unsafe fn move_in_children(
        self,
        mut selected: u32,
        mut free: Slots,
        new: Self,
        mut free_in_new: Slots,
        storage: &mut Storage,
    ) {
        // SAFETY: live children, whose entries are moved out before they are freed.
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

    /// How many children more than it empties [`Chunk::empty_children`] needs among the spares.
    const CHILDREN_AHEAD: usize = (size_of::<T>() >= LARGE_ENTRY) as usize;

    /// Takes all children off the chunk and hands their entries out, the last one first; each child joins
    /// the spares before its entries are handed out, or, if they are large, after that.
    ///
    /// # Safety
    /// The chunk is live, and the spares are blocks of its storage.
    unsafe fn empty_children(self, spares: &mut Spares<T>, mut each: impl FnMut(u8, T, &mut Spares<T>)) {
        // The chain is detached and turned round first: `each` may start a new one on the same chunk, and
        // a child can be reached only from the one before it. All but the last have a link to turn.
        // SAFETY: each child is live until its block joins the spares, and its entries were read by then.
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
                if Self::CHILDREN_AHEAD > 0 {
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

    /// One child of small entries. (A function of its own, so that others do not have the buffer.)
    ///
    /// # Safety
    /// `child` is live, nothing leads to it any more, and the spares are blocks of its storage.
    unsafe fn empty_child(
        child: Child<T>,
        spares: &mut Spares<T>,
        each: &mut impl FnMut(u8, T, &mut Spares<T>),
    ) {
        // SAFETY: a live child, whose entries are read before its block joins the spares. The first `len` places of
        // the buffer are written, and each is read once.
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

    /// Drops the entries in children for which `keep` is false; O(children). `forget` is told how many, before the first
    /// drop. If `keep` panics, all are still there; if a drop panics, the others that were to be dropped are leaked.
    ///
    /// # Safety
    /// The chunk is live.
    pub(crate) unsafe fn retain_in_children(
        self,
        mut keep: impl FnMut(&mut T) -> bool,
        storage: &mut Storage,
        forget: impl FnOnce(usize),
    ) {
        // SAFETY: a live chunk with live children. The first `in_last` places of `slots` are written.
        unsafe {
            let before = self.len_in_children();
            let staying = self.partition_children(|entry| !keep(entry));
            if staying == before {
                return;
            }
            // The child with the first entry that goes, and its place there.
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
            CutOff { in_last, child, storage }.drop_entries();
        }
    }

    /// Moves all entries to `to`, a chunk of the same storage. Takes the memory it may need first: a failure
    /// changes nothing.
    ///
    /// # Safety
    /// Both chunks are live. They are different.
    pub(crate) unsafe fn merge_into(self, to: Self, storage: &mut Storage) -> Result<usize, ReserveError> {
        // SAFETY: both chunks are live and belong to the storage; slots are read while they hold an entry.
        unsafe {
            let (from, free) = (self.group().occupied(), to.group().free());
            // What is empty needs no room; else there is room in line only if there is enough and no chain goes on elsewhere.
            let fits = from.len() == 0 || to.filter() == 0 && from.len() <= free.len();
            if self.filter() == 0 && fits {
                let (same, other) = (Slots(from.0 & free.0), Slots(from.0 & !free.0));
                self.move_slots_over(same, to);
                self.move_slots(other, to, Slots(free.0 & !same.0));
                return Ok(from.len());
            }
            let (moved, there) = (self.len(), to.len());
            let more = children_for(moved + there) - children_for(there);
            // Its own children become spares one by one. On the way that may be one too few: a child full of
            // seven gives one of them up for the link to the next.
            let needed = match children_for(moved) {
                0 => more,
                own => more.min((more + 1).saturating_sub(own)),
            };
            let mut spares = Spares::with(needed + Self::CHILDREN_AHEAD, storage)?;
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

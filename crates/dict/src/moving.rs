//! Moving entries between two chunks: a split, and the merge that undoes it.

use core::mem::MaybeUninit;

use allocator_api2::alloc::AllocError;

use crate::chunk::Chunk;
use crate::group::{SLOTS, Slots};
use crate::layout::{CHILD_SLOTS, CHILD_SLOTS_WITH_NEXT};
use crate::overflow::{Spares, children_for};
use crate::storage::Storage;

/// How many entries in children are told apart by one bit each: more than a split meets, unless growth was put off.
const CHILD_BITS: usize = u32::BITS as usize;

/// Safety of the methods: as in `chunk.rs`.
impl<T> Chunk<T> {
    /// Sorts the children's entries so that those for which `moves` is false come first, and says how
    /// many those are. If `moves` panics, the chunk holds the same entries in some order.
    unsafe fn partition_children(self, mut moves: impl FnMut(&T) -> bool) -> usize {
        let mut staying = 0;
        // SAFETY: both cursors walk live children of the same chain, the one that writes never ahead.
        unsafe {
            let Some(first) = self.child() else { return 0 };
            let (mut to, mut to_index) = (first, 0);
            let mut from = Some(first);
            while let Some(child) = from {
                for index in child.occupied() {
                    let slot = child.slot(index);
                    if moves(slot.entry.as_ref()) {
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
    /// `moves` once for each entry before anything is moved: if it panics, no entry is lost. Needs no
    /// memory: the children that the chunk had are enough for both.
    ///
    /// Why they are enough: the children are emptied one at a time from the end into the two chunks,
    /// whose fifteen slots each are filled first. After `r` children at most `6r + 1` entries have been
    /// taken out. If one chunk has gone over its slots, it did so by at most that many, for which it
    /// needs `r` children; if both have, by at most `6r + 1 - 15` in all, for which they need fewer.
    pub(crate) unsafe fn split_into(
        self,
        new: Self,
        mut moves: impl FnMut(&T) -> bool,
        storage: &mut Storage,
    ) -> usize {
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
                return leaving.len();
            }
            let in_children = self.len_in_children();
            if in_children <= CHILD_BITS {
                let leaving_in_children = self.select_in_children(&mut moves);
                let moved = leaving.len() + leaving_in_children.count_ones() as usize;
                if moved <= SLOTS && SLOTS + in_children - moved <= SLOTS {
                    let free = self.move_slots_over(leaving, new);
                    self.move_in_children(leaving_in_children, leaving, new, free, storage);
                    return moved;
                }
            }
            let staying_in_children = self.partition_children(moves);
            let mut moved = leaving.len();
            self.move_slots_over(leaving, new);
            let mut index = in_children;
            let mut spares = Spares::new();
            self.empty_children(&mut spares, |tag, entry, spares| {
                index -= 1;
                if index < staying_in_children {
                    self.push_from(tag, entry, spares);
                } else {
                    moved += 1;
                    new.push_from(tag, entry, spares);
                }
            });
            spares.free(storage);
            moved
        }
    }

    /// Moves the entries of the slots `from` to those of `free` in `to`, which are enough.
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

    unsafe fn len_in_children(self) -> usize {
        // SAFETY: live children.
        unsafe {
            let (mut len, mut child) = (0, self.child());
            while let Some(one) = child {
                len += one.len();
                child = one.next();
            }
            len
        }
    }

    /// The entries of the children for which `moves` is true, one bit each, of [`CHILD_BITS`] at most.
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

    /// Takes all children off the chunk and hands their entries out, the last one first; each child joins
    /// the spares before its entries are handed out.
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
                let Some(next) = before else { return };
                (child, before) = (next, next.next());
            }
        }
    }

    /// Moves all entries to `to`, a chunk of the same storage. Takes the memory it may need first: a failure
    /// changes nothing.
    pub(crate) unsafe fn merge_into(self, to: Self, storage: &mut Storage) -> Result<usize, AllocError> {
        // SAFETY: both chunks are live and belong to the storage; slots are read while they hold an entry.
        unsafe {
            let (from, free) = (self.group().occupied(), to.group().free());
            if self.filter() == 0 && to.filter() == 0 && from.len() <= free.len() {
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
            let mut spares = Spares::with(needed, storage)?;
            self.empty_children(&mut spares, |tag, entry, spares| to.push_from(tag, entry, spares));
            for index in self.group().occupied() {
                let (tag, entry) = self.slot(index).take();
                to.push_from(tag, entry, &mut spares);
            }
            spares.free(storage);
            Ok(moved)
        }
    }
}

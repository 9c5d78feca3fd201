//! One chunk and the children that took what did not fit: finding, adding and removing entries.
//!
//! Everything here works on a single chunk. The chunk's fifteen slots may have holes; children have none
//! (see the invariants in `layout.rs`), which is kept by filling a hole with the chain's last entry.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use allocator_api2::alloc::AllocError;

use crate::group::portable::{matching_bytes, top_bits, zero_bytes};
use crate::group::{Group, SLOTS, Slots, filter_bit};
use crate::layout::{CHILD_SLOTS, CHILD_SLOTS_WITH_NEXT, ChunkLayout, HAS_NEXT_OFFSET};
use crate::storage::{ChunkPtr, Storage};

/// The place of one entry: its tag and the entry itself.
pub(crate) struct Slot<T> {
    pub(crate) tag: NonNull<u8>,
    pub(crate) entry: NonNull<T>,
}

impl<T> Clone for Slot<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Slot<T> {}

impl<T> Slot<T> {
    /// Writes an entry and its tag into a free slot.
    #[inline]
    unsafe fn fill(self, tag: u8, entry: T) {
        // SAFETY: the slot is free memory of the table, by the callers.
        unsafe {
            self.tag.write(tag);
            self.entry.write(entry);
        }
    }

    /// Moves the entry out and frees the slot.
    #[inline]
    unsafe fn take(self) -> (u8, T) {
        // SAFETY: the slot holds an entry, by the callers; with tag 0 it is not read again.
        unsafe {
            let taken = (self.tag.read(), self.entry.read());
            self.tag.write(0);
            taken
        }
    }
}

/// An overflow child of entries `T`.
pub(crate) struct Child<T> {
    pub(crate) ptr: NonNull<u8>,
    _entries: PhantomData<NonNull<T>>,
}

impl<T> Clone for Child<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Child<T> {}

impl<T> Child<T> {
    const LAYOUT: ChunkLayout = ChunkLayout::of::<T>();

    #[inline]
    unsafe fn at(ptr: NonNull<u8>) -> Self {
        Self { ptr, _entries: PhantomData }
    }

    /// Makes a fresh block a child without entries, for a caller that adds one at once.
    unsafe fn init(ptr: NonNull<u8>) -> Self {
        // SAFETY: a block of `LAYOUT.child`, at least 8 bytes and 8-aligned, of which these are the first.
        unsafe { ptr.cast::<u64>().write(0) };
        Self { ptr, _entries: PhantomData }
    }

    /// Its seven tags, and a zero byte in place of the flag.
    #[inline]
    unsafe fn tags(self) -> u64 {
        // SAFETY: a child begins with eight initialised, 8-aligned bytes.
        unsafe { u64::from_le(self.ptr.cast::<u64>().read()) & (u64::MAX >> 8) }
    }

    #[inline]
    unsafe fn has_next(self) -> bool {
        // SAFETY: a byte of the header.
        unsafe { self.ptr.add(HAS_NEXT_OFFSET).read() != 0 }
    }

    #[inline]
    pub(crate) unsafe fn next(self) -> Option<Self> {
        // SAFETY: with the flag set, the pointer behind the sixth entry leads to a live child.
        unsafe {
            if !self.has_next() {
                return None;
            }
            Some(Self::at(self.ptr.add(Self::LAYOUT.next_offset).cast::<NonNull<u8>>().read()))
        }
    }

    unsafe fn set_next(self, next: Option<Self>) {
        // SAFETY: both places are inside the child; the seventh entry's is free by the callers.
        unsafe {
            self.ptr.add(HAS_NEXT_OFFSET).write(next.is_some() as u8);
            if let Some(next) = next {
                self.ptr.add(Self::LAYOUT.next_offset).cast::<NonNull<u8>>().write(next.ptr);
            }
        }
    }

    #[inline]
    pub(crate) unsafe fn slot(self, index: usize) -> Slot<T> {
        debug_assert!(index < CHILD_SLOTS);
        // SAFETY: a child has room for seven tags and entries.
        unsafe {
            Slot {
                tag: self.ptr.add(index),
                entry: self.ptr.add(Self::LAYOUT.child_entries_offset).cast::<T>().add(index),
            }
        }
    }

    #[inline]
    pub(crate) unsafe fn occupied(self) -> Slots {
        // SAFETY: a live child.
        Slots(unsafe { !zero_bytes(self.tags()) } & ((1 << CHILD_SLOTS) - 1))
    }

    #[inline]
    pub(crate) unsafe fn marked(self) -> Slots {
        // SAFETY: a live child.
        Slots(unsafe { top_bits(self.tags()) })
    }

    #[inline]
    unsafe fn matching(self, tag: u8) -> Slots {
        // SAFETY: a live child; the flag's byte reads as 0 and matches no tag.
        Slots(unsafe { matching_bytes(self.tags(), tag) })
    }

    #[inline]
    pub(crate) unsafe fn len(self) -> usize {
        // SAFETY: a live child.
        unsafe { self.occupied().len() }
    }

    unsafe fn filter(self) -> u8 {
        let mut filter = 0;
        // SAFETY: a live child.
        for index in unsafe { self.occupied() } {
            // SAFETY: an occupied slot of it.
            filter |= unsafe { filter_bit(self.slot(index).tag.read()) };
        }
        filter
    }
}

/// Child blocks set aside, linked through their first word, so that moving entries between chunks needs
/// no allocation and cannot fail half-way.
pub(crate) struct Spares<T> {
    head: Option<NonNull<u8>>,
    _entries: PhantomData<NonNull<T>>,
}

impl<T> Spares<T> {
    pub(crate) fn new() -> Self {
        Self { head: None, _entries: PhantomData }
    }

    /// Sets `count` fresh children aside; on failure gives back those it got.
    pub(crate) fn with(count: usize, storage: &mut Storage) -> Result<Self, AllocError> {
        let mut spares = Self::new();
        for _ in 0..count {
            match storage.new_child(&Child::<T>::LAYOUT) {
                // SAFETY: a fresh child block.
                Ok(block) => unsafe { spares.put(block) },
                Err(error) => {
                    spares.free(storage);
                    return Err(error);
                }
            }
        }
        Ok(spares)
    }

    /// # Safety
    /// `block` is a child block of the storage that the spares end in, and nothing else uses it.
    unsafe fn put(&mut self, block: NonNull<u8>) {
        // SAFETY: a child block is at least a pointer large and aligned for one.
        unsafe { block.cast::<Option<NonNull<u8>>>().write(self.head) };
        self.head = Some(block);
    }

    fn take(&mut self) -> Option<NonNull<u8>> {
        let block = self.head?;
        // SAFETY: `put` wrote the link.
        self.head = unsafe { block.cast::<Option<NonNull<u8>>>().read() };
        Some(block)
    }

    pub(crate) fn free(mut self, storage: &mut Storage) {
        while let Some(block) = self.take() {
            // SAFETY: by the contract of `put`.
            unsafe { storage.free_child(&Child::<T>::LAYOUT, block) };
        }
    }
}

/// A chunk of entries `T`, and through it its children.
pub(crate) struct Chunk<T> {
    tags: NonNull<u8>,
    entries: NonNull<u8>,
    _entries: PhantomData<NonNull<T>>,
}

impl<T> Clone for Chunk<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Chunk<T> {}

/// Safety of the methods: the chunk is live (its tags initialised, see `layout.rs`), and the storage passed
/// in is the one it belongs to.
impl<T> Chunk<T> {
    const LAYOUT: ChunkLayout = ChunkLayout::of::<T>();

    #[inline]
    pub(crate) fn new(ptr: ChunkPtr) -> Self {
        Self { tags: ptr.tags, entries: ptr.entries, _entries: PhantomData }
    }

    /// Makes uninitialised memory a chunk without entries.
    #[inline]
    pub(crate) unsafe fn init(self) {
        // SAFETY: sixteen bytes of tags.
        unsafe { self.tags.write_bytes(0, SLOTS + 1) };
    }

    #[inline]
    pub(crate) unsafe fn group(self) -> Group {
        // SAFETY: sixteen initialised tags.
        unsafe { Group::load(self.tags.as_ptr()) }
    }

    /// Its first tag and entry: a slot's are as many further as its index says.
    #[inline]
    pub(crate) fn base(self) -> Slot<T> {
        Slot { tag: self.tags, entry: self.entries.cast() }
    }

    #[inline]
    unsafe fn filter(self) -> u8 {
        // Volatile only for speed: a look-up has these sixteen bytes in a vector register, and a plain read
        // would be turned into a detour over the stack to get one byte out of it.
        // SAFETY: the sixteenth byte of the tags.
        unsafe { self.tags.add(SLOTS).read_volatile() }
    }

    unsafe fn set_filter(self, filter: u8) {
        // SAFETY: the sixteenth byte of the tags.
        unsafe { self.tags.add(SLOTS).write(filter) };
    }

    #[inline]
    pub(crate) unsafe fn slot(self, index: usize) -> Slot<T> {
        debug_assert!(index < SLOTS);
        // SAFETY: a chunk has fifteen tags and entries.
        unsafe { Slot { tag: self.tags.add(index), entry: self.entries.cast::<T>().add(index) } }
    }

    #[inline]
    pub(crate) unsafe fn child(self) -> Option<Child<T>> {
        // SAFETY: with a filter, the pointer behind the entries leads to a live child.
        unsafe {
            if self.filter() == 0 {
                return None;
            }
            Some(Child::at(self.entries.add(Self::LAYOUT.child_offset).cast::<NonNull<u8>>().read()))
        }
    }

    unsafe fn set_child(self, child: Child<T>) {
        // SAFETY: the pointer's place behind the entries.
        unsafe { self.entries.add(Self::LAYOUT.child_offset).cast::<NonNull<u8>>().write(child.ptr) };
    }

    /// The number of its entries, children included.
    pub(crate) unsafe fn len(self) -> usize {
        // SAFETY: a live chunk and its live children.
        unsafe {
            let (mut len, mut child) = (self.group().occupied().len(), self.child());
            while let Some(one) = child {
                len += one.len();
                child = one.next();
            }
            len
        }
    }

    /// The slot whose entry has `tag` and satisfies `eq`. A child is looked into only if the filter says
    /// that its tags may include this one.
    #[inline]
    pub(crate) unsafe fn find(self, tag: u8, mut eq: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        // SAFETY: slots with a matching tag hold an entry.
        unsafe {
            for index in self.group().matching(tag) {
                let slot = self.slot(index);
                if eq(slot.entry.as_ref()) {
                    return Some(slot);
                }
            }
            if self.filter() & filter_bit(tag) == 0 {
                return None;
            }
            self.find_in_children(tag, eq)
        }
    }

    /// Kept out of line, so that a look-up that ends in the chunk itself saves no registers for it.
    #[inline(never)]
    unsafe fn find_in_children(self, tag: u8, mut eq: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        // SAFETY: live children; slots with a matching tag hold an entry.
        unsafe {
            let mut child = self.child();
            while let Some(one) = child {
                for index in one.matching(tag) {
                    let slot = one.slot(index);
                    if eq(slot.entry.as_ref()) {
                        return Some(slot);
                    }
                }
                child = one.next();
            }
            None
        }
    }

    /// Adds an entry under a tag that may carry the mark. A failure hands the entry back; nothing changed.
    #[inline]
    pub(crate) unsafe fn push(self, tag: u8, entry: T, storage: &mut Storage) -> Result<Slot<T>, T> {
        // SAFETY: a free slot of a live chunk; else the chunk is full, as `push_to_child` asks.
        unsafe {
            if let Some(index) = self.group().free().first() {
                let slot = self.slot(index);
                slot.fill(tag, entry);
                return Ok(slot);
            }
            self.push_to_child(tag, entry, |layout| storage.new_child(layout).ok())
        }
    }

    /// The same with children from `spares`, of which there must be enough.
    unsafe fn push_from(self, tag: u8, entry: T, spares: &mut Spares<T>) {
        // SAFETY: as in `push`.
        unsafe {
            if let Some(index) = self.group().free().first() {
                return self.slot(index).fill(tag, entry);
            }
            let pushed = self.push_to_child(tag, entry, |_| spares.take());
            assert!(pushed.is_ok(), "more children were needed than set aside");
        }
    }

    /// Adds an entry behind the fifteen of a full chunk.
    #[cold]
    unsafe fn push_to_child(
        self,
        tag: u8,
        entry: T,
        new_child: impl FnOnce(&ChunkLayout) -> Option<NonNull<u8>>,
    ) -> Result<Slot<T>, T> {
        // SAFETY: `last` is the end of the chain and holds one to seven entries, so index `len` below
        // seven is free. Only when it is full does its seventh entry make room for the next pointer.
        unsafe {
            let slot = match self.last_child() {
                None => {
                    let Some(block) = new_child(&Self::LAYOUT) else { return Err(entry) };
                    let child = Child::init(block);
                    self.set_child(child);
                    child.slot(0)
                }
                Some((_, last)) if last.len() < CHILD_SLOTS => last.slot(last.len()),
                Some((_, last)) => {
                    let Some(block) = new_child(&Self::LAYOUT) else { return Err(entry) };
                    let next = Child::init(block);
                    let (seventh_tag, seventh) = last.slot(CHILD_SLOTS_WITH_NEXT).take();
                    next.slot(0).fill(seventh_tag, seventh);
                    last.set_next(Some(next));
                    next.slot(1)
                }
            };
            slot.fill(tag, entry);
            self.set_filter(self.filter() | filter_bit(tag));
            Ok(slot)
        }
    }

    /// The end of the chain of children, and the child before it.
    unsafe fn last_child(self) -> Option<(Option<Child<T>>, Child<T>)> {
        // SAFETY: live children.
        unsafe {
            let (mut before, mut last) = (None, self.child()?);
            while let Some(next) = last.next() {
                (before, last) = (Some(last), next);
            }
            Some((before, last))
        }
    }

    /// Removes the entry of `slot`, which belongs to this chunk. The chain's last entry takes its place,
    /// if there is a chain: it is then the entry that `slot` holds.
    #[inline]
    pub(crate) unsafe fn remove(self, slot: Slot<T>, storage: &mut Storage) -> (u8, T) {
        // SAFETY: the slot holds an entry, by contract.
        unsafe {
            let removed = slot.take();
            if self.filter() != 0 {
                self.fill_hole(slot, storage);
            }
            removed
        }
    }

    /// Moves the chain's last entry into `hole`, or shortens the chain if the hole is its end.
    #[cold]
    unsafe fn fill_hole(self, hole: Slot<T>, storage: &mut Storage) {
        // SAFETY: the chunk has children. `len` counts the tags before the end, and the hole's tag is 0:
        // only if the hole is in the last child does the count leave out one that is not at the end.
        unsafe {
            let (before, last) = self.last_child().expect("a filter means a child");
            let (first, end) = (last.ptr, last.ptr.add(CHILD_SLOTS));
            let hole_in_last = hole.tag >= first && hole.tag < end;
            let index = last.len() - usize::from(!hole_in_last);
            let source = last.slot(index);
            if source.tag != hole.tag {
                let (tag, entry) = source.take();
                hole.fill(tag, entry);
            }
            if index == 0 {
                self.unlink(before);
                storage.free_child(&Self::LAYOUT, last.ptr);
            }
            self.rebuild_filter();
        }
    }

    /// Takes the last, emptied child off the chain.
    unsafe fn unlink(self, before: Option<Child<T>>) {
        // SAFETY: live memory of this chunk.
        unsafe {
            match before {
                Some(before) => before.set_next(None),
                None => self.set_filter(0),
            }
        }
    }

    unsafe fn rebuild_filter(self) {
        // SAFETY: live children.
        unsafe {
            let (mut filter, mut child) = (0, self.child());
            while let Some(one) = child {
                filter |= one.filter();
                child = one.next();
            }
            self.set_filter(filter);
        }
    }

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
            let mut leaving = Slots(0);
            for index in self.group().occupied() {
                if moves(self.slot(index).entry.as_ref()) {
                    leaving.0 |= 1 << index;
                }
            }
            let staying_in_children = self.partition_children(moves);

            let mut moved = leaving.len();
            for (to, from) in leaving.enumerate() {
                let (tag, entry) = self.slot(from).take();
                new.slot(to).fill(tag, entry);
            }
            if self.filter() == 0 {
                return moved;
            }
            let in_children = self.len() - self.group().occupied().len();
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
            let (moved, there) = (self.len(), to.len());
            let needed = children_for(moved + there) - children_for(there);
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

    /// Frees all children, whose entries the caller has dropped or moved out.
    pub(crate) unsafe fn free_children(self, storage: &mut Storage) {
        // SAFETY: live children, each read before it is freed.
        unsafe {
            let mut child = self.child();
            self.set_filter(0);
            while let Some(one) = child {
                child = one.next();
                storage.free_child(&Self::LAYOUT, one.ptr);
            }
        }
    }
}

/// How many children a chunk of `entries` entries has.
fn children_for(entries: usize) -> usize {
    match entries.saturating_sub(SLOTS) {
        0 => 0,
        over => (over - 1).div_ceil(CHILD_SLOTS_WITH_NEXT).max(1),
    }
}

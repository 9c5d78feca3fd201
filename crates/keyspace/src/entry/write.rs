//! Making blocks and writing to them.
//!
//! Whatever changes the length of a block goes one way. If the size class stays the same, bytes move within
//! the block. Otherwise a new block is made, filled from the old one, and takes its place. If there is no
//! memory for a new block, a value that is longer than before is refused, and a value that is shorter stays
//! in the old block, which is then *loose*.

use super::content::Content;
use super::{
    CLOCK_SHIFT, EXPIRES, EXPIRY_SIZE, Entry, EntryView, KEY_LEN_AT, KEY_LEN_MAX, Kind, LOOSE, Layout,
    SnapshotBit, length, word,
};
use common::length as key_length;
use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering};
use dict::CompactPtr;
use values::{Collection, CollectionView, Element, Remains, ReserveError, by_type};

/// What becomes of a block whose length changes.
pub(super) enum Fit {
    /// The bytes go into a new block.
    New(NewBlock),
    /// They stay in the present one.
    Same {
        /// Whether it is larger than the new length tells.
        is_loose: bool,
    },
}

/// A block of which nothing has been written yet.
pub(super) struct NewBlock(CompactPtr<AtomicU32>);

impl NewBlock {
    /// A block of the size class of `len` bytes.
    #[inline]
    fn try_new(len: usize) -> Result<Self, ReserveError> {
        let size = zmalloc::good_size(len);
        let base = zmalloc::ztrymalloc(size).ok_or(ReserveError::OutOfMemory { size })?;
        match CompactPtr::new(base.cast()) {
            Some(block) => Ok(Self(block)),
            None => {
                // SAFETY: the block of just now, whose address has more bits than an entry keeps.
                unsafe { zmalloc::zfree_sized(base, size) };
                Err(ReserveError::OutOfMemory { size })
            }
        }
    }

    #[inline]
    pub(super) fn base(&self) -> NonNull<u8> {
        self.0.get().cast()
    }

    /// The block as the one of an entry.
    #[inline]
    pub(super) fn into_entry(self) -> Entry {
        Entry { block: self.0 }
    }
}

impl Layout {
    /// Writes the head of a block: the kind, whether there is an expiry, and what else `form` says.
    ///
    /// # Safety
    /// Four bytes at `base` may be written, and nothing else reads or writes them.
    #[inline]
    pub(super) unsafe fn write_head(self, base: NonNull<u8>, form: u32) {
        let kept = form & !((LOOSE - 1) | EXPIRES);
        let expires = if self.expires { EXPIRES } else { 0 };
        // SAFETY: by contract. Blocks are aligned to eight.
        unsafe { base.cast::<u32>().write(kept | expires | self.kind.bits()) };
    }

    /// Writes the length of the key, which the layout has.
    ///
    /// # Safety
    /// The block at `base` has room for it, and nothing else reads or writes it.
    #[inline]
    unsafe fn write_key_len(self, base: NonNull<u8>) {
        // SAFETY: by contract.
        unsafe { key_length::write(base.add(KEY_LEN_AT), self.key_len) };
    }

    /// Writes the expiry, if there is one.
    ///
    /// # Safety
    /// The block at `base` has room for it, if the layout has one, and nothing else reads or writes it.
    #[inline]
    unsafe fn write_expiry(self, base: NonNull<u8>, expiry: Option<u64>) {
        debug_assert_eq!(self.expires, expiry.is_some());
        if let Some(expiry) = expiry {
            // SAFETY: by contract.
            unsafe { base.add(self.expiry_at()).cast::<[u8; EXPIRY_SIZE]>().write(expiry.to_le_bytes()) }
        }
    }
}

/// The length of a block: what lies in front of the value, and the value.
#[inline]
pub(super) fn total(value_at: usize, value_len: usize) -> Result<usize, ReserveError> {
    value_at.checked_add(value_len).ok_or(ReserveError::TooLong { len: value_at, additional: value_len })
}

/// The block.
impl Entry {
    /// How many bytes may be written to a block of which `len` are in use.
    #[inline]
    pub(super) fn capacity(&self, len: usize) -> usize {
        if self.is_loose() {
            // SAFETY: a live block (E1).
            unsafe { zmalloc::zmalloc_usable_size(self.base()) }
        } else {
            zmalloc::good_size(len)
        }
    }

    /// Where the bytes of a block go that change from `len` to `new_len`: into a block of their size class.
    ///
    /// # Errors
    /// If there is no memory, and the block is too small.
    #[inline]
    pub(super) fn try_fit(&self, len: usize, new_len: usize) -> Result<Fit, ReserveError> {
        let size = zmalloc::good_size(new_len);
        if !self.is_loose() && size == zmalloc::good_size(len) {
            return Ok(Fit::Same { is_loose: false });
        }
        match NewBlock::try_new(new_len) {
            Ok(block) => Ok(Fit::New(block)),
            Err(error) => {
                let capacity = self.capacity(len);
                if new_len <= capacity { Ok(Fit::Same { is_loose: size != capacity }) } else { Err(error) }
            }
        }
    }

    /// [`try_fit`](Self::try_fit) for a collection, which is likely to change its length again, where the
    /// size class is another one: a block that has become too large is kept until half of it is empty.
    ///
    /// # Errors
    /// If there is no memory, and the block is too small.
    pub(super) fn try_fit_other_class(&self, len: usize, new_len: usize) -> Result<Fit, ReserveError> {
        let (size, capacity) = (zmalloc::good_size(new_len), self.capacity(len));
        if new_len <= capacity && size > capacity / 2 {
            return Ok(Fit::Same { is_loose: size != capacity });
        }
        match NewBlock::try_new(new_len) {
            Ok(block) => Ok(Fit::New(block)),
            Err(_) if new_len <= capacity => Ok(Fit::Same { is_loose: size != capacity }),
            Err(error) => Err(error),
        }
    }

    /// Says whether the block is larger than its length tells.
    #[inline]
    pub(super) fn set_loose(&mut self, is_loose: bool) {
        let form = self.form();
        self.head().store(if is_loose { form | LOOSE } else { form & !LOOSE }, Ordering::Relaxed);
    }

    /// Frees the block, of which `len` bytes are in use.
    ///
    /// # Safety
    /// The entry is not used again, but to be given another block.
    #[inline]
    pub(super) unsafe fn free_block(&mut self, len: usize) {
        // SAFETY: a live block (E1), which that size frees unless it is loose (E3).
        unsafe {
            if self.is_loose() {
                zmalloc::zfree(self.base());
            } else {
                zmalloc::zfree_sized(self.base(), zmalloc::good_size(len));
            }
        }
    }

    /// Frees the old block, of which `len` bytes are in use, and takes a new one, of which `new_len` are. For
    /// `held`, see [`try_set`](Self::try_set).
    ///
    /// # Safety
    /// The new block is one of an entry, and owns the value.
    #[inline]
    pub(super) unsafe fn take_block(
        &mut self,
        len: usize,
        block: NewBlock,
        new_len: usize,
        held: &mut usize,
    ) {
        *held -= self.block_allocation_size(len);
        // SAFETY: the entry gets another block at once. The new one was made for `new_len` bytes.
        unsafe {
            self.free_block(len);
            self.block = block.0;
            *held += zmalloc::zmalloc_size_sized(self.base(), zmalloc::good_size(new_len));
        }
    }

    /// Drops the value.
    ///
    /// # Safety
    /// The value is not used again.
    #[inline]
    unsafe fn drop_value(&mut self) {
        let layout = self.layout();
        if layout.kind.is_word() {
            // SAFETY: a live word of that kind, which the entry owns (E2).
            unsafe { word::drop_value(layout.kind, self.value(layout)) };
        }
    }
}

/// Whole entries.
impl Entry {
    /// A new entry. `key` has at most [`KEY_LEN_MAX`] bytes. O(bytes).
    #[inline]
    pub(crate) fn try_new(
        key: &[u8],
        expiry: Option<u64>,
        clock: u32,
        content: Content<'_>,
    ) -> Result<Self, ReserveError> {
        Self::try_new_sized(key, expiry, clock, content).map(|(entry, _size)| entry)
    }

    /// [`try_new`](Self::try_new), and the [`allocation_size`](Self::allocation_size), which is known then.
    #[inline]
    pub(crate) fn try_new_sized(
        key: &[u8],
        expiry: Option<u64>,
        clock: u32,
        content: Content<'_>,
    ) -> Result<(Self, usize), ReserveError> {
        Self::try_from_content(key, expiry, clock, content).map_err(|(error, _content)| error)
    }

    /// [`try_new_sized`](Self::try_new_sized) that gives the value back if there is no memory.
    #[inline]
    pub(crate) fn try_from_content<'c>(
        key: &[u8],
        expiry: Option<u64>,
        clock: u32,
        content: Content<'c>,
    ) -> Result<(Self, usize), (ReserveError, Content<'c>)> {
        debug_assert!(key.len() <= KEY_LEN_MAX);
        let new = Layout { kind: content.kind(), expires: expiry.is_some(), key_len: key.len() };
        let (len, block) = match total(new.value_at(), new.value_room(content.len()))
            .and_then(|len| Ok((len, NewBlock::try_new(len)?)))
        {
            Ok(block) => block,
            Err(error) => return Err((error, content)),
        };
        let base = block.base();
        // SAFETY: a new block with room for all parts of the layout, which are written in full (E1 to E3).
        unsafe {
            new.write_head(base, clock << CLOCK_SHIFT);
            new.write_key_len(base);
            new.write_expiry(base, expiry);
            base.add(new.key_at()).copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
            content.write(base.add(new.value_at()));
        }
        let entry = block.into_entry();
        // SAFETY: the block of just now has the class of its length.
        let block_size = unsafe { zmalloc::zmalloc_size_sized(base, zmalloc::good_size(len)) };
        let value_size = if new.kind.is_word() { entry.value_allocation_size() } else { 0 };
        Ok((entry, block_size + value_size))
    }

    /// Gives the key another value, which takes the old one's place, and another expiry or none. The clock
    /// stays. In place if the size class stays the same. O(bytes).
    ///
    /// `held` is what the entries of a keyspace add to `used_memory`, this one among them, and is kept right.
    #[inline]
    pub(crate) fn try_set(
        &mut self,
        expiry: Option<u64>,
        content: Content<'_>,
        held: &mut usize,
    ) -> Result<(), ReserveError> {
        let (old, len) = (self.layout(), self.byte_len());
        let new = Layout { kind: content.kind(), expires: expiry.is_some(), ..old };
        let new_len = total(new.value_at(), new.value_room(content.len()))?;
        let fit = self.try_fit(len, new_len)?;
        *held -= self.value_allocation_size();
        let (base, form) = (self.base(), self.form());
        // SAFETY: the old value is not used again. There is room for all parts of the new layout, which are
        // written in full, the key from where it stood (E1 to E3).
        unsafe {
            self.drop_value();
            let key = base.add(old.key_at());
            match fit {
                Fit::New(block) => {
                    let base = block.base();
                    new.write_head(base, form & !LOOSE);
                    new.write_key_len(base);
                    new.write_expiry(base, expiry);
                    base.add(new.key_at()).copy_from_nonoverlapping(key, new.key_len);
                    content.write(base.add(new.value_at()));
                    self.take_block(len, block, new_len, held);
                }
                Fit::Same { is_loose } => {
                    if new.key_at() != old.key_at() {
                        base.add(new.key_at()).copy_from(key, new.key_len);
                    }
                    new.write_head(base, form);
                    new.write_expiry(base, expiry);
                    content.write(base.add(new.value_at()));
                    self.set_loose(is_loose);
                }
            }
        }
        *held += self.value_allocation_size();
        Ok(())
    }

    /// Overwrites a string in the block with `bytes` of the same length. Returns whether it did. Does nothing
    /// if the value is not such a string, if the key has an expiry, or if the bit for snapshots has another
    /// value. O(bytes).
    #[inline]
    pub(crate) fn overwrite(&mut self, bytes: &[u8], bit: SnapshotBit) -> bool {
        let Some((len, text)) = self.view().bytes_without_expiry(bit) else { return false };
        if len != bytes.len() {
            return false;
        }
        // SAFETY: as many bytes are there (E2). The block is borrowed for writing, so `bytes` do not lie in
        // it.
        unsafe { text.copy_from_nonoverlapping(NonNull::from(bytes).cast(), len) };
        true
    }

    /// Drops the entry, and returns what it added to `used_memory`, in bytes.
    #[inline]
    pub(crate) fn into_freed(self) -> usize {
        let mut this = ManuallyDrop::new(self);
        let len = this.byte_len();
        let freed = this.block_allocation_size(len) + this.value_allocation_size();
        // SAFETY: neither value nor block is used again.
        unsafe {
            this.drop_value();
            this.free_block(len);
        }
        freed
    }

    /// Puts another entry in the place of this one, and returns this one and its allocation size. For `held`,
    /// see [`try_set`](Self::try_set).
    pub(crate) fn replace(&mut self, new: Self, held: &mut usize) -> (Self, usize) {
        let size = self.allocation_size();
        *held = *held - size + new.allocation_size();
        (mem::replace(self, new), size)
    }

    /// Gives the key another expiry, or none. O(1) if it has one before and after, else O(bytes). For `held`,
    /// see [`try_set`](Self::try_set).
    pub(crate) fn try_set_expiry(
        &mut self,
        expiry: Option<u64>,
        held: &mut usize,
    ) -> Result<(), ReserveError> {
        let (old, len, base) = (self.layout(), self.byte_len(), self.base());
        let new = Layout { expires: expiry.is_some(), ..old };
        if new.expires == old.expires {
            // SAFETY: the expiry has its place in the block, which is borrowed for writing (E2).
            unsafe { new.write_expiry(base, expiry) };
            return Ok(());
        }
        // Key and value move together: a word stays aligned.
        let tail = len - old.key_at();
        let new_len = total(new.key_at(), tail)?;
        let fit = self.try_fit(len, new_len)?;
        // SAFETY: there is room for the new length. All parts are written, or were, and the value moves with
        // its key (E1 to E3).
        unsafe {
            let key = base.add(old.key_at());
            match fit {
                Fit::New(block) => {
                    let base = block.base();
                    new.write_head(base, self.form() & !LOOSE);
                    new.write_key_len(base);
                    new.write_expiry(base, expiry);
                    base.add(new.key_at()).copy_from_nonoverlapping(key, tail);
                    self.take_block(len, block, new_len, held);
                }
                Fit::Same { is_loose } => {
                    base.add(new.key_at()).copy_from(key, tail);
                    new.write_head(base, self.form());
                    new.write_expiry(base, expiry);
                    self.set_loose(is_loose);
                }
            }
        }
        Ok(())
    }

    /// Makes a string that lies in the block one of `new_len` bytes, at least as many as it has, and lends
    /// it. The new bytes are zeros. An integer becomes its text. O(bytes). For `held`, see
    /// [`try_set`](Self::try_set).
    pub(super) fn try_grow_bytes(
        &mut self,
        new_len: usize,
        held: &mut usize,
    ) -> Result<&mut [u8], ReserveError> {
        let (old, len) = (self.layout(), self.byte_len());
        let new = Layout { kind: Kind::BYTES, ..old };
        let start = new.value_at() + length::size(new_len);
        let new_total = total(start, new_len)?;
        let fit = self.try_fit(len, new_total)?;
        let text = self.plain().unwrap_or(Element::Bytes(b"")).text();
        let (text, text_len) = (NonNull::from(&*text).cast::<u8>(), text.len());
        assert!(
            text_len <= new_len && !old.kind.is_word() && old.kind.slot().is_none(),
            "the string lies in the block, is not coded, and becomes longer"
        );
        // SAFETY: there is room for the new length. The text is copied, from an integer's view or from where
        // it stood, before anything is written in front of it. All parts are written (E1 to E3).
        unsafe {
            match fit {
                Fit::New(block) => {
                    let base = block.base();
                    base.copy_from_nonoverlapping(self.base(), new.value_at());
                    base.add(start).copy_from_nonoverlapping(text, text_len);
                    self.take_block(len, block, new_total, held);
                    self.set_loose(false);
                }
                Fit::Same { is_loose } => {
                    self.base().add(start).copy_from(text, text_len);
                    self.set_loose(is_loose);
                }
            }
            let base = self.base();
            new.write_head(base, self.form());
            length::write(base.add(new.value_at()), new_len);
            base.add(start + text_len).write_bytes(0, new_len - text_len);
            Ok(slice::from_raw_parts_mut(base.add(start).as_ptr(), new_len))
        }
    }

    /// Puts the integer 0 in the place of a value that lies in the block and is not valid.
    #[cold]
    pub(super) fn discard_value(&mut self) {
        let layout = Layout { kind: Kind::int(1), ..self.layout() };
        // SAFETY: the old value owned nothing and was longer. Only the allocator knows the block's size (E3).
        unsafe {
            layout.write_head(self.base(), self.form());
            self.value(layout).write(0);
        }
        self.set_loose(true);
    }

    /// The same value and expiry under another key, which has at most [`KEY_LEN_MAX`] bytes. The value still
    /// belongs to this entry. O(bytes).
    pub(crate) fn try_renamed(&self, key: &[u8]) -> Result<Shell, ReserveError> {
        debug_assert!(key.len() <= KEY_LEN_MAX);
        let old = self.layout();
        let (new, value_len) = (Layout { key_len: key.len(), ..old }, self.value_len(old));
        let block = NewBlock::try_new(total(new.value_at(), new.value_room(value_len))?)?;
        let base = block.base();
        // SAFETY: as in `try_new`; the value is copied bit by bit.
        unsafe {
            new.write_head(base, self.form() & !LOOSE);
            new.write_key_len(base);
            new.write_expiry(base, self.expiry());
            base.add(new.key_at()).copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
            base.add(new.value_at()).copy_from_nonoverlapping(self.value(old), value_len);
        }
        Ok(Shell::of(block.into_entry()))
    }

    /// A copy of the value, which is not a coded string, under another key. Shares nothing. O(value). In C:
    /// the body of `COPY`.
    pub(crate) fn try_copied(
        &self,
        key: &[u8],
        expiry: Option<u64>,
        clock: u32,
    ) -> Result<Self, ReserveError> {
        by_type!(self.object_type(), string => {
            let string = self.plain().unwrap_or(Element::Bytes(b""));
            Self::try_new(key, expiry, clock, Content::try_string(string)?)
        }, C => {
            let mut copy = self.try_to_owned::<C>()?;
            Self::try_new(key, expiry, clock, Content::collection(&mut copy))
        })
    }

    /// A copy of the collection, an empty one if the value is of another type. O(value).
    pub(crate) fn try_to_owned<C: Collection>(&self) -> Result<C, ReserveError> {
        self.collection::<C>().map_or(Ok(C::EMPTY), CollectionView::try_to_owned)
    }

    /// Drops the entry, but about `n` blocks of a large value at most, and returns what is left of it.
    pub(crate) fn drop_in_steps(self, n: usize) -> Option<Remains> {
        by_type!(self.object_type(), string => None, C => self.into_word::<C>()?.drop_in_steps(n))
    }

    /// Takes the collection out of its block, which is freed. Only large encodings are taken: what lies in
    /// the block is dropped with it, and is `None`.
    pub(crate) fn into_word<C: Collection>(self) -> Option<C> {
        let layout = self.layout();
        if layout.kind.object_type() != C::TYPE || !layout.kind.is_word() {
            return None;
        }
        // SAFETY: a live word of that type and encoding (E2), which is owned by `C` from here on. The shell
        // is freed.
        unsafe {
            let word = self.value(layout).cast::<NonNull<u8>>().read();
            drop(Shell::of(self));
            Some(C::from_raw(layout.kind.encoding(), word))
        }
    }
}

/// An entry whose value belongs to somebody else. When it is dropped, its block alone is freed.
pub(crate) struct Shell(ManuallyDrop<Entry>);

impl Shell {
    /// Gives up the value of an entry. It leaks, unless it has another owner.
    pub(crate) const fn of(entry: Entry) -> Self {
        Self(ManuallyDrop::new(entry))
    }

    /// Sets the access clock.
    pub(crate) fn set_clock(&self, clock: u32) {
        self.0.view().set_clock(clock);
    }

    /// The view of the entry.
    pub(crate) fn view(&self) -> EntryView<'_> {
        self.0.view()
    }

    /// The entry, which owns its value.
    ///
    /// # Safety
    /// The owner of the value gives it up before it is used again.
    pub(crate) unsafe fn into_entry(self) -> Entry {
        // SAFETY: the shell is forgotten, so that the entry is taken once.
        unsafe { ManuallyDrop::take(&mut ManuallyDrop::new(self).0) }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let len = self.0.byte_len();
        // SAFETY: the entry is not used again.
        unsafe { self.0.free_block(len) };
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        let len = self.byte_len();
        // SAFETY: neither value nor block is used again.
        unsafe {
            self.drop_value();
            self.free_block(len);
        }
    }
}

//! Methods that create blocks and write to them.
//!
//! All changes of a block's length work the same way. If the size class stays the same, bytes are moved
//! within the block. Otherwise a new block is allocated, filled from the old one, and replaces it. If there
//! is no memory for the new block, a change to a longer value fails. A shorter value stays in the old block,
//! which is then *loose*.

use super::content::Content;
use super::{
    CLOCK_SHIFT, EXPIRES, EXPIRY_SIZE, Entry, EntryView, KEY_HEADER_AT, KeyLayout, Kind, LOOSE, Layout,
    SnapshotBit, StoredKey, length, word,
};
use core::mem::{self, ManuallyDrop};
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering};
use dict::CompactPtr;
use values::{Collection, CollectionView, Element, Remains, ReserveError, by_type};

/// Where the bytes of a block go when its length changes.
pub(super) enum Fit {
    /// They are written to a new block.
    New(NewBlock),
    /// They stay in the present block.
    Same {
        /// Whether the block is larger than the size class of the new length.
        is_loose: bool,
    },
}

/// A block that has just been allocated, and is not initialised yet.
pub(super) struct NewBlock(CompactPtr<AtomicU32>);

impl NewBlock {
    /// Allocates a block of the size class of `len` bytes.
    #[inline]
    fn try_new(len: usize) -> Result<Self, ReserveError> {
        let size = zmalloc::good_size(len);
        let base = zmalloc::ztrymalloc(size).ok_or(ReserveError::OutOfMemory { size })?;
        match CompactPtr::new(base.cast()) {
            Some(block) => Ok(Self(block)),
            None => {
                // SAFETY: the block was allocated above with this size. It is freed because its address does
                // not fit into an entry.
                unsafe { zmalloc::zfree_sized(base, size) };
                Err(ReserveError::OutOfMemory { size })
            }
        }
    }

    #[inline]
    pub(super) fn base(&self) -> NonNull<u8> {
        self.0.get().cast()
    }

    /// Returns an entry with this block.
    #[inline]
    pub(super) fn into_entry(self) -> Entry {
        Entry { block: self.0 }
    }
}

impl Layout {
    /// Writes the head of a block: the kind, whether there is an expiry, and the other bits of `form`.
    ///
    /// # Safety
    /// Four bytes at `base` must be valid for writes, and nothing else may read or write them. `base` must be
    /// aligned.
    #[inline]
    pub(super) unsafe fn write_head(self, base: NonNull<u8>, form: u32) {
        let kept = form & !((LOOSE - 1) | EXPIRES);
        let expires = if self.expires { EXPIRES } else { 0 };
        // SAFETY: by contract. All blocks are aligned to eight bytes.
        unsafe { base.cast::<u32>().write(kept | expires | self.kind.bits()) };
    }

    /// Writes the header of the key.
    ///
    /// # Safety
    /// The block at `base` must have room for the header, and nothing else may read or write the block.
    #[inline]
    unsafe fn write_key_header(self, base: NonNull<u8>) {
        // SAFETY: by contract.
        unsafe { self.key.write(base.add(KEY_HEADER_AT)) };
    }

    /// Writes the expiry, if there is one.
    ///
    /// # Safety
    /// If the layout has an expiry, the block at `base` must have room for it. Nothing else may read or write
    /// the block.
    #[inline]
    unsafe fn write_expiry(self, base: NonNull<u8>, expiry: Option<u64>) {
        debug_assert_eq!(self.expires, expiry.is_some());
        if let Some(expiry) = expiry {
            // SAFETY: by contract.
            unsafe { base.add(self.expiry_at()).cast::<[u8; EXPIRY_SIZE]>().write(expiry.to_le_bytes()) }
        }
    }
}

/// Returns the length of a block, which is the sum of the value's offset and its length.
#[inline]
pub(super) fn total(value_at: usize, value_len: usize) -> Result<usize, ReserveError> {
    value_at.checked_add(value_len).ok_or(ReserveError::TooLong { len: value_at, additional: value_len })
}

/// Methods for the block.
impl Entry {
    /// Returns how many bytes can be written to the block. `len` is how many are in use.
    #[inline]
    pub(super) fn capacity(&self, len: usize) -> usize {
        if self.is_loose() {
            // SAFETY: the block is live (E1).
            unsafe { zmalloc::zmalloc_usable_size(self.base()) }
        } else {
            zmalloc::good_size(len)
        }
    }

    /// Determines the block for a change of the length from `len` to `new_len`, and allocates it if it is a
    /// new one. The block has the size class of `new_len`, unless there is no memory for it.
    ///
    /// # Errors
    /// If there is no memory, and the present block is too small.
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

    /// Like [`try_fit`](Self::try_fit), for a collection whose size class changes. A collection is likely to
    /// change its length again, so a block that has become too large is kept until half of it is empty.
    ///
    /// # Errors
    /// If there is no memory, and the present block is too small.
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

    /// Sets whether the block may be larger than the size class of its length.
    #[inline]
    pub(super) fn set_loose(&mut self, is_loose: bool) {
        let form = self.form();
        self.head().store(if is_loose { form | LOOSE } else { form & !LOOSE }, Ordering::Relaxed);
    }

    /// Frees the block. `len` is how many of its bytes are in use.
    ///
    /// # Safety
    /// The entry must not be used again, except to set another block.
    #[inline]
    pub(super) unsafe fn free_block(&mut self, len: usize) {
        // SAFETY: the block is live (E1), and can be freed with this size unless it is loose (E3).
        unsafe {
            if self.is_loose() {
                zmalloc::zfree(self.base());
            } else {
                zmalloc::zfree_sized(self.base(), zmalloc::good_size(len));
            }
        }
    }

    /// Frees the old block, and sets the new one. `len` and `new_len` are how many of their bytes are in use.
    /// For `total_bytes`, see [`try_set`](Self::try_set).
    ///
    /// # Safety
    /// The new block must hold a valid entry, which owns the value.
    #[inline]
    pub(super) unsafe fn take_block(
        &mut self,
        len: usize,
        block: NewBlock,
        new_len: usize,
        total_bytes: &mut usize,
    ) {
        *total_bytes -= self.block_allocation_size(len);
        // SAFETY: the entry gets another block at once, which was allocated for `new_len` bytes.
        unsafe {
            self.free_block(len);
            self.block = block.0;
            *total_bytes += zmalloc::zmalloc_size_sized(self.base(), zmalloc::good_size(new_len));
        }
    }

    /// Drops the value.
    ///
    /// # Safety
    /// The value must not be used again.
    #[inline]
    pub(super) unsafe fn drop_value(&mut self) {
        let layout = self.layout();
        if layout.kind.is_word() {
            // SAFETY: the word is live and of this kind, and the entry owns it (E2).
            unsafe { word::drop_value(layout.kind, self.value(layout)) };
        }
    }
}

/// Methods for whole entries.
impl Entry {
    /// Creates an entry with a plain key of at most [`KEY_LEN_MAX`](super::KEY_LEN_MAX) bytes. O(bytes).
    #[inline]
    pub(crate) fn try_new(
        key: &[u8],
        expiry: Option<u64>,
        clock: u32,
        content: Content<'_>,
    ) -> Result<Self, ReserveError> {
        Self::try_new_sized(key, expiry, clock, content).map(|(entry, _size)| entry)
    }

    /// Like [`try_new`](Self::try_new), but also returns the [`allocation_size`](Self::allocation_size).
    #[inline]
    pub(crate) fn try_new_sized(
        key: &[u8],
        expiry: Option<u64>,
        clock: u32,
        content: Content<'_>,
    ) -> Result<(Self, usize), ReserveError> {
        Self::try_from_content(StoredKey::plain(key), expiry, clock, content)
            .map_err(|(error, _content)| error)
    }

    /// Like [`try_new_sized`](Self::try_new_sized), for a key in any form. Returns the value if there is no
    /// memory.
    #[inline(always)] // so that the compiled `try_new_sized` has no code for coded keys
    pub(crate) fn try_from_content<'c>(
        key: StoredKey<'_>,
        expiry: Option<u64>,
        clock: u32,
        content: Content<'c>,
    ) -> Result<(Self, usize), (ReserveError, Content<'c>)> {
        let new = Layout { kind: content.kind(), expires: expiry.is_some(), key: key.layout() };
        let (len, block) = match total(new.value_at(), new.value_room(content.len()))
            .and_then(|len| Ok((len, NewBlock::try_new(len)?)))
        {
            Ok(block) => block,
            Err(error) => return Err((error, content)),
        };
        let base = block.base();
        // SAFETY: the new block has room for all parts of the layout, and all of them are written completely
        // (E1 to E3).
        unsafe {
            new.write_head(base, clock << CLOCK_SHIFT);
            new.write_key_header(base);
            new.write_expiry(base, expiry);
            key.write(base.add(new.key_at()));
            content.write(base.add(new.value_at()));
        }
        let entry = block.into_entry();
        // SAFETY: the block was allocated above with the class of its length.
        let block_size = unsafe { zmalloc::zmalloc_size_sized(base, zmalloc::good_size(len)) };
        let value_size = if new.kind.is_word() { entry.value_allocation_size() } else { 0 };
        Ok((entry, block_size + value_size))
    }

    /// Replaces the value and the expiry. The clock is kept. Writes to the present block if the size class
    /// stays the same. O(bytes).
    ///
    /// `total_bytes` is the sum of the bytes that the entries of a keyspace add to `used_memory`, including
    /// this entry. The method updates it.
    #[inline]
    pub(crate) fn try_set(
        &mut self,
        expiry: Option<u64>,
        content: Content<'_>,
        total_bytes: &mut usize,
    ) -> Result<(), ReserveError> {
        let (old, len) = (self.layout(), self.byte_len());
        let new = Layout { kind: content.kind(), expires: expiry.is_some(), ..old };
        let new_len = total(new.value_at(), new.value_room(content.len()))?;
        let fit = self.try_fit(len, new_len)?;
        *total_bytes -= self.value_allocation_size();
        let (base, form) = (self.base(), self.form());
        // SAFETY: the old value is not used again. There is room for all parts of the new layout, and all of
        // them are written completely. The key is copied from its old place before anything overwrites it (E1
        // to E3).
        unsafe {
            self.drop_value();
            let key = base.add(old.key_at());
            match fit {
                Fit::New(block) => {
                    let base = block.base();
                    new.write_head(base, form & !LOOSE);
                    new.write_key_header(base);
                    new.write_expiry(base, expiry);
                    base.add(new.key_at()).copy_from_nonoverlapping(key, new.key.len);
                    content.write(base.add(new.value_at()));
                    self.take_block(len, block, new_len, total_bytes);
                }
                Fit::Same { is_loose } => {
                    if new.key_at() != old.key_at() {
                        base.add(new.key_at()).copy_from(key, new.key.len);
                    }
                    new.write_head(base, form);
                    new.write_expiry(base, expiry);
                    content.write(base.add(new.value_at()));
                    self.set_loose(is_loose);
                }
            }
        }
        *total_bytes += self.value_allocation_size();
        Ok(())
    }

    /// Overwrites a string in the block with `bytes` of the same length, and returns `true`. Returns `false`,
    /// and does nothing, if the value is not such a string, if the key has an expiry, or if the snapshot bit
    /// has another value than `bit`. O(bytes).
    #[inline]
    pub(crate) fn overwrite(&mut self, bytes: &[u8], bit: SnapshotBit) -> bool {
        let Some((len, text)) = self.view().bytes_without_expiry(bit) else { return false };
        if len != bytes.len() {
            return false;
        }
        // SAFETY: the string has `len` bytes (E2). The block is borrowed for writing, so `bytes` cannot
        // overlap it.
        unsafe { text.copy_from_nonoverlapping(NonNull::from(bytes).cast(), len) };
        true
    }

    /// Drops the entry, and returns the bytes that it added to `used_memory`.
    #[inline]
    pub(crate) fn into_freed_size(self) -> usize {
        let mut this = ManuallyDrop::new(self);
        let len = this.byte_len();
        let freed = this.block_allocation_size(len) + this.value_allocation_size();
        // SAFETY: neither the value nor the block is used again.
        unsafe {
            this.drop_value();
            this.free_block(len);
        }
        freed
    }

    /// Replaces this entry by another one. Returns the old entry and its allocation size. For `total_bytes`,
    /// see [`try_set`](Self::try_set).
    pub(crate) fn replace(&mut self, new: Self, total_bytes: &mut usize) -> (Self, usize) {
        let size = self.allocation_size();
        *total_bytes = *total_bytes - size + new.allocation_size();
        (mem::replace(self, new), size)
    }

    /// Sets or removes the expiry. O(1) if there is an expiry before and after, or neither, and otherwise
    /// O(bytes). For `total_bytes`, see [`try_set`](Self::try_set).
    pub(crate) fn try_set_expiry(
        &mut self,
        expiry: Option<u64>,
        total_bytes: &mut usize,
    ) -> Result<(), ReserveError> {
        let (old, len, base) = (self.layout(), self.byte_len(), self.base());
        let new = Layout { expires: expiry.is_some(), ..old };
        if new.expires == old.expires {
            // SAFETY: the block has room for the expiry (E2), and is borrowed for writing.
            unsafe { new.write_expiry(base, expiry) };
            return Ok(());
        }
        // The key and the value move together. A word stays aligned, because an expiry has eight bytes.
        let tail = len - old.key_at();
        let new_len = total(new.key_at(), tail)?;
        let fit = self.try_fit(len, new_len)?;
        // SAFETY: there is room for the new length. Each part is written here or was written before, and the
        // value moves with its key (E1 to E3).
        unsafe {
            let key = base.add(old.key_at());
            match fit {
                Fit::New(block) => {
                    let base = block.base();
                    new.write_head(base, self.form() & !LOOSE);
                    new.write_key_header(base);
                    new.write_expiry(base, expiry);
                    base.add(new.key_at()).copy_from_nonoverlapping(key, tail);
                    self.take_block(len, block, new_len, total_bytes);
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

    /// Grows a string in the block to `new_len` bytes, and returns its bytes. `new_len` is at least the
    /// present length. The new bytes are zeros. An integer is converted to its text first. `kind` is the kind
    /// of the result, and stores a string in the block. O(bytes). For `total_bytes`, see
    /// [`try_set`](Self::try_set).
    pub(super) fn try_grow_bytes(
        &mut self,
        new_len: usize,
        kind: Kind,
        total_bytes: &mut usize,
    ) -> Result<&mut [u8], ReserveError> {
        assert!(kind.is_bytes(), "the result is a string in the block");
        let (old, len) = (self.layout(), self.byte_len());
        let new = Layout { kind, ..old };
        let start = new.value_at() + length::size(new_len);
        let new_total = total(start, new_len)?;
        let fit = self.try_fit(len, new_total)?;
        let text = self.plain().unwrap_or(Element::Bytes(b"")).text();
        let (text, text_len) = (NonNull::from(&*text).cast::<u8>(), text.len());
        assert!(
            text_len <= new_len && !old.kind.is_word() && old.kind.slot().is_none(),
            "the string lies in the block, is not coded, and becomes longer"
        );
        // SAFETY: there is room for the new length. The text is copied, from an integer's view or from its
        // old place, before anything is written in front of it. All parts are written (E1 to E3).
        unsafe {
            match fit {
                Fit::New(block) => {
                    let base = block.base();
                    base.copy_from_nonoverlapping(self.base(), new.value_at());
                    base.add(start).copy_from_nonoverlapping(text, text_len);
                    self.take_block(len, block, new_total, total_bytes);
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

    /// Replaces a value in the block that is not valid by the integer 0.
    #[cold]
    pub(super) fn discard_value(&mut self) {
        let layout = Layout { kind: Kind::int(1), ..self.layout() };
        // SAFETY: the old value owned nothing and was longer than one byte. The block becomes loose, because
        // its length no longer determines its size (E3).
        unsafe {
            layout.write_head(self.base(), self.form());
            self.value(layout).write(0);
        }
        self.set_loose(true);
    }

    /// Returns a block with the same value and expiry under another key. The value still belongs to this
    /// entry. O(bytes).
    pub(crate) fn try_renamed(&self, key: StoredKey<'_>) -> Result<BlockOnlyEntry, ReserveError> {
        let old = self.layout();
        let (new, value_len) = (Layout { key: key.layout(), ..old }, self.value_len(old));
        let block = NewBlock::try_new(total(new.value_at(), new.value_room(value_len))?)?;
        let base = block.base();
        // SAFETY: the new block has room for all parts of the layout, and all of them are written. The bytes
        // of the value are copied, and the result is a `BlockOnlyEntry`, which does not drop the value.
        unsafe {
            new.write_head(base, self.form() & !LOOSE);
            new.write_key_header(base);
            new.write_expiry(base, self.expiry());
            key.write(base.add(new.key_at()));
            base.add(new.value_at()).copy_from_nonoverlapping(self.value(old), value_len);
        }
        Ok(BlockOnlyEntry::of(block.into_entry()))
    }

    /// Returns the usable size of the block of an entry with this content and a key with this layout.
    #[inline]
    pub(crate) fn block_size_of(key: KeyLayout, expires: bool, content: &Content<'_>) -> usize {
        let new = Layout { kind: content.kind(), expires, key };
        zmalloc::good_size(new.value_at() + new.value_room(content.len()))
    }

    /// Returns the usable size of the block of an entry that has the same value and a key with this layout.
    pub(crate) fn block_size_with(&self, key: KeyLayout) -> usize {
        let old = self.layout();
        let new = Layout { key, ..old };
        zmalloc::good_size(new.value_at() + new.value_room(self.value_len(old)))
    }

    /// Stores the key in another form. The text of the key must stay the same. The block is always a new one,
    /// because two forms rarely have the same size class. O(bytes). For `total_bytes`, see
    /// [`try_set`](Self::try_set).
    pub(crate) fn try_set_key_form(
        &mut self,
        key: StoredKey<'_>,
        total_bytes: &mut usize,
    ) -> Result<(), ReserveError> {
        let renamed = self.try_renamed(key)?;
        *total_bytes -= self.block_allocation_size(self.byte_len());
        // SAFETY: the old entry becomes a `BlockOnlyEntry` at once, so the new one owns the value.
        drop(BlockOnlyEntry::of(mem::replace(self, unsafe { renamed.into_entry() })));
        *total_bytes += self.block_allocation_size(self.byte_len());
        Ok(())
    }

    /// Returns an entry with a copy of the value under another key, which is plain. The value must not be a
    /// coded string. The copy shares no memory with the original. O(value). In C: the body of `COPY`.
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

    /// Returns a copy of the collection, or an empty collection if the value is of another type. O(value).
    pub(crate) fn try_to_owned<C: Collection>(&self) -> Result<C, ReserveError> {
        self.collection::<C>().map_or(Ok(C::EMPTY), CollectionView::try_to_owned)
    }

    /// Drops the entry, but at most about `n` blocks of a large value. Returns what is left of the value.
    pub(crate) fn drop_in_steps(self, n: usize) -> Option<Remains> {
        by_type!(self.object_type(), string => None, C => self.into_word::<C>()?.drop_in_steps(n))
    }

    /// Frees the block, and returns the collection if it was a word. A value that is stored in the block is
    /// dropped, and the result is `None`.
    pub(crate) fn into_word<C: Collection>(self) -> Option<C> {
        let layout = self.layout();
        if layout.kind.object_type() != C::TYPE || !layout.kind.is_word() {
            return None;
        }
        // SAFETY: the word is live, and has this type and encoding (E2). The collection owns it from here on,
        // and the `BlockOnlyEntry` frees only the block.
        unsafe {
            let word = self.value(layout).cast::<NonNull<u8>>().read();
            drop(BlockOnlyEntry::of(self));
            Some(C::from_raw(layout.kind.encoding(), word))
        }
    }
}

/// An entry whose value has another owner. When it is dropped, only its block is freed.
pub(crate) struct BlockOnlyEntry(ManuallyDrop<Entry>);

impl BlockOnlyEntry {
    /// Returns the block of an entry, which no longer owns its value. The value leaks, unless it has another
    /// owner.
    pub(crate) const fn of(entry: Entry) -> Self {
        Self(ManuallyDrop::new(entry))
    }

    /// Sets the access clock.
    pub(crate) fn set_clock(&self, clock: u32) {
        self.0.view().set_clock(clock);
    }

    /// Returns the view of the entry.
    pub(crate) fn view(&self) -> EntryView<'_> {
        self.0.view()
    }

    /// Returns the entry, which then owns its value.
    ///
    /// # Safety
    /// The previous owner must give up the value before the value is used again.
    pub(crate) unsafe fn into_entry(self) -> Entry {
        // SAFETY: `self` is not dropped, so the entry is taken only once.
        unsafe { ManuallyDrop::take(&mut ManuallyDrop::new(self).0) }
    }
}

impl Drop for BlockOnlyEntry {
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
        // SAFETY: neither the value nor the block is used again.
        unsafe {
            self.drop_value();
            self.free_block(len);
        }
    }
}

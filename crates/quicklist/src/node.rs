//! [`Node`]: a listpack of consecutive elements, or one element that is too large for a listpack. Either may
//! be compressed.
//!
//! ```text
//!  Packed   | kind, size, count | * |--> listpack                            several elements
//!  Plain    | kind              | * |--> | len | bytes ... |                 one large element
//!  Zipped   | kind,       count | * |--> | len | raw len: 4 | LZF ... |      either of them, compressed
//!  byte       0     2     4       8
//! ```
//!
//! A node has 16 bytes. A node of a linked list would have 32, but here the neighbours of a node are next to
//! it in memory.
//!
//! A listpack that became shorter may lie in a block that is larger than its length says. Only the allocator
//! knows the size of such a block, and only while the block exists. So a node notes the size of its
//! listpack's block.

use crate::elements::Elements;
use crate::lzf;
use crate::node_view::NodeView;
use crate::storage::Block;
use core::ptr::NonNull;
use listpack::{Depth, FromBytesError, ListPack, Value};
use zmalloc::{ReserveError, good_size};

/// The minimum size in bytes of a node that is compressed. In C: `MIN_COMPRESS_BYTES`.
const ZIP_MIN: usize = 48;
/// How many bytes compression must save. In C: `MIN_COMPRESS_IMPROVE`.
const ZIP_GAIN_MIN: usize = 8;
/// The size of the field in front of the stream, which has the length before compression.
const RAW_LEN: usize = size_of::<u32>();

/// A node of a list. See the drawing above.
///
/// Invariant: a node in a list has at least one element, and `count` is the number of its elements.
pub(crate) enum Node {
    Packed {
        pack: ListPack,
        count: u32,
        /// Whether compressing these bytes was tried and saved too little.
        dense: bool,
        /// The size of the listpack's block in the sum of a list: see [`Node::noted_size`].
        noted: NotedSize,
    },
    Plain {
        bytes: Block,
        dense: bool,
    },
    /// A compressed listpack, or a compressed element if `plain`.
    Zipped {
        zip: Block,
        count: u32,
        plain: bool,
    },
}

const _: () = assert!(size_of::<Node>() == 8 + size_of::<usize>());

/// The size of a listpack's block in two bytes: the number of 8-byte words, or 0 if the size is not noted.
#[derive(Clone, Copy)]
pub(crate) struct NotedSize(u16);

impl NotedSize {
    const NONE: Self = Self(0);
    const WORD: usize = 8;

    /// Notes the `size` that the block of a listpack adds to `used_memory`.
    ///
    /// A size is noted only if it equals `good_size` of the list's length. So nothing is noted for a block
    /// with a size prefix, nor for a block from glibc that is larger than its list.
    fn of(pack: &ListPack, size: usize) -> Self {
        if size != good_size(pack.byte_len()) || !size.is_multiple_of(Self::WORD) {
            return Self::NONE;
        }
        u16::try_from(size / Self::WORD).map_or(Self::NONE, Self)
    }

    /// Returns the size in bytes, or 0 if it is not noted.
    #[inline]
    fn get(self) -> usize {
        usize::from(self.0) * Self::WORD
    }

    /// Returns whether a listpack is still in this block after one change, with `len` bytes now.
    ///
    /// A listpack keeps its block as long as it fits and takes more than half of the block.
    #[inline]
    fn is_same_block_after(self, len: usize) -> bool {
        self.get() / 2 < len && len <= self.get()
    }
}

/// Creating and reading.
impl Node {
    /// Creates a node of a listpack with `count` elements. The caller counts them, because the count in the
    /// header of a foreign listpack may be wrong.
    pub(crate) fn packed(pack: ListPack, count: usize) -> Self {
        let count = count as u32; // a listpack has at most 2^29 elements
        Self::Packed { pack, count, dense: false, noted: NotedSize::NONE }
    }

    /// Creates a node of a listpack with one element.
    pub(crate) fn try_single(value: Value<'_>) -> Result<Self, ReserveError> {
        let mut pack = ListPack::new();
        pack.try_push_back(value)?;
        Ok(Self::packed(pack, 1))
    }

    /// Creates a node of one large element.
    pub(crate) fn try_plain(bytes: &[u8]) -> Result<Self, ReserveError> {
        Ok(Self::Plain { bytes: Block::try_new([bytes])?, dense: false })
    }

    /// Creates a node of one large element of `len` bytes, which `fill` writes.
    pub(crate) fn try_plain_with<E: From<ReserveError>>(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut bytes = Block::try_zeroed(len)?;
        fill(bytes.as_mut_bytes())?;
        Ok(Self::Plain { bytes, dense: false })
    }

    /// Returns the number of elements.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        match *self {
            Self::Packed { count, .. } | Self::Zipped { count, .. } => count as usize,
            Self::Plain { .. } => 1,
        }
    }

    /// Returns how many bytes the listpack or the element has without compression.
    pub(crate) fn raw_len(&self) -> usize {
        match self {
            Self::Packed { pack, .. } => pack.byte_len(),
            Self::Plain { bytes, .. } => bytes.as_bytes().len(),
            Self::Zipped { zip, .. } => {
                zip.as_bytes().first_chunk().map_or(0, |len| u32::from_le_bytes(*len) as usize)
            }
        }
    }

    /// Returns whether the node is one large element. It may be compressed.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. } | Self::Zipped { plain: true, .. })
    }

    pub(crate) fn is_zipped(&self) -> bool {
        matches!(self, Self::Zipped { .. })
    }

    /// Returns the elements. Returns `None` if the node is compressed.
    #[inline]
    pub(crate) fn elements(&self) -> Option<Elements<'_>> {
        match self {
            Self::Packed { pack, .. } => Some(Elements::Packed(pack)),
            Self::Plain { bytes, .. } => Some(Elements::Plain(bytes.as_bytes())),
            Self::Zipped { .. } => None,
        }
    }

    /// Returns the bytes of the node as they are stored.
    pub(crate) fn view(&self) -> NodeView<'_> {
        match self {
            Self::Packed { pack, .. } => NodeView::Packed(pack),
            Self::Plain { bytes, .. } => NodeView::Plain(bytes.as_bytes()),
            Self::Zipped { zip, plain, .. } => NodeView::Zipped {
                is_plain: *plain,
                raw_len: self.raw_len(),
                stream: zip.as_bytes().get(RAW_LEN..).unwrap_or_default(),
            },
        }
    }

    /// Returns how many bytes the node's block adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        match self {
            Self::Packed { pack, .. } => pack.allocation_size(),
            Self::Plain { bytes: block, .. } | Self::Zipped { zip: block, .. } => block.allocation_size(),
        }
    }

    /// Returns the [`allocation_size`](Self::allocation_size) at the last [`note_size`](Self::note_size).
    /// Does not call the allocator if the size is noted.
    pub(crate) fn noted_size(&self) -> usize {
        match self {
            Self::Packed { noted, .. } if noted.get() > 0 => noted.get(),
            _ => self.allocation_size(),
        }
    }

    /// Returns the [`allocation_size`](Self::allocation_size), and notes it for
    /// [`noted_size`](Self::noted_size).
    pub(crate) fn note_size(&mut self) -> usize {
        let size = self.allocation_size();
        if let Self::Packed { pack, noted, .. } = self {
            *noted = NotedSize::of(pack, size);
        }
        size
    }

    /// Moves the node's block if `moves` returns `true` for it and there is memory. Returns whether it has
    /// moved.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        match self {
            Self::Packed { pack, .. } => pack.relocate(moves),
            Self::Plain { bytes: block, .. } | Self::Zipped { zip: block, .. } => block.relocate(moves),
        }
    }

    /// Copies the node.
    pub(crate) fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(match self {
            &Self::Packed { ref pack, count, dense, .. } => {
                Self::Packed { pack: pack.try_clone()?, count, dense, noted: NotedSize::NONE }
            }
            Self::Plain { bytes, dense } => {
                Self::Plain { bytes: Block::try_new([bytes.as_bytes()])?, dense: *dense }
            }
            Self::Zipped { zip, count, plain } => {
                Self::Zipped { zip: Block::try_new([zip.as_bytes()])?, count: *count, plain: *plain }
            }
        })
    }
}

/// Compression.
impl Node {
    /// Returns whether the node is not compressed, and compression has not failed to save enough.
    pub(crate) fn may_zip(&self) -> bool {
        matches!(self, Self::Packed { dense: false, .. } | Self::Plain { dense: false, .. })
    }

    /// Compresses the node if this saves enough and there is memory. In C: `__quicklistCompressNode`.
    pub(crate) fn zip(&mut self) {
        if !self.may_zip() {
            return;
        }
        let Ok(zipped) = self.zipped() else { return }; // there was no memory: a later call may succeed
        match (zipped, &mut *self) {
            (Some(zipped), _) => *self = zipped,
            (None, Self::Packed { dense, .. } | Self::Plain { dense, .. }) => *dense = true,
            (None, Self::Zipped { .. }) => (),
        }
    }

    /// Returns the compressed node if compression saves enough.
    fn zipped(&self) -> Result<Option<Self>, ReserveError> {
        let (raw, plain) = match self.elements() {
            Some(Elements::Packed(pack)) => (pack.as_bytes(), false),
            Some(Elements::Plain(bytes)) => (bytes, true),
            None => return Ok(None),
        };
        let room = raw.len().saturating_sub(ZIP_GAIN_MIN + 1);
        let (Ok(raw_len), true) = (u32::try_from(raw.len()), raw.len() >= ZIP_MIN) else { return Ok(None) };
        let mut stream = Block::try_zeroed(room)?;
        let Some(len) = lzf::compress(raw, stream.as_mut_bytes()) else { return Ok(None) };
        let zip = Block::try_new([&raw_len.to_le_bytes(), &stream.as_bytes()[..len]])?;
        Ok(Some(Self::Zipped { zip, count: self.count() as u32, plain }))
    }

    /// Returns a decompressed copy if the node is compressed. In C: `__quicklistDecompressNode`.
    pub(crate) fn try_unzipped(&self) -> Result<Option<Self>, ReserveError> {
        let &Self::Zipped { ref zip, count, plain } = self else { return Ok(None) };
        let mut bytes = Block::try_zeroed(self.raw_len())?;
        let stream = zip.as_bytes().get(RAW_LEN..).unwrap_or_default();
        lzf::decompress(stream, bytes.as_mut_bytes()).expect("a stream that this crate wrote");
        Ok(Some(if plain {
            Self::Plain { bytes, dense: false }
        } else {
            Self::packed(pack_from(bytes.as_bytes())?, count as usize)
        }))
    }

    /// Decompresses the node in place.
    pub(crate) fn try_unzip(&mut self) -> Result<(), ReserveError> {
        if let Some(node) = self.try_unzipped()? {
            *self = node;
        }
        Ok(())
    }
}

/// Returns the listpack whose bytes these are.
fn pack_from(bytes: &[u8]) -> Result<ListPack, ReserveError> {
    ListPack::try_from_bytes(bytes, Depth::Shallow).map_err(|error| match error {
        FromBytesError::Reserve(error) => error,
        _ => unreachable!("the bytes were those of a listpack"),
    })
}

/// Changing a node that is in a list. `size` is the sum of the list's block sizes, and is kept up to date.
impl Node {
    /// Calls `change`, which may change the node in any way or replace it.
    pub(crate) fn change<T>(&mut self, size: &mut usize, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.noted_size();
        let result = change(self);
        *size = *size - before + self.note_size();
        result
    }

    /// The fast form of [`try_edit`](Self::try_edit). `splice` does exactly *one* insertion, removal or
    /// replacement.
    ///
    /// The simple version is `self.change(size, |node| node.try_edit(added, splice))`, which asks the
    /// allocator for the size of the block. This version differs in one point: if the size was noted, the
    /// length of the listpack says whether it is still in the same block, and the allocator is not called.
    /// Debug builds compare the two sizes.
    #[inline]
    pub(crate) fn try_splice<T>(
        &mut self,
        size: &mut usize,
        added: isize,
        splice: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        match self {
            Self::Packed { pack, count, dense, noted } if noted.get() > 0 => {
                let result = splice(pack)?;
                *count = count.saturating_add_signed(added as i32);
                *dense = false;
                if !noted.is_same_block_after(pack.byte_len()) {
                    self.update_noted_size(size);
                }
                debug_assert_eq!(self.noted_size(), self.allocation_size(), "a block was changed unnoticed");
                Ok(result)
            }
            _ => self.try_splice_and_ask(size, added, splice),
        }
    }

    /// The slow path of [`try_splice`](Self::try_splice), for a node that is compressed or whose size is not
    /// noted.
    #[cold]
    fn try_splice_and_ask<T>(
        &mut self,
        size: &mut usize,
        added: isize,
        splice: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        self.change(size, |node| node.try_edit(added, splice))
    }

    /// Notes the size again, because the listpack may be in another block.
    #[inline(never)]
    fn update_noted_size(&mut self, size: &mut usize) {
        self.change(size, |_| ());
    }
}

/// Changing.
impl Node {
    /// Calls `edit` with the listpack. `added` is the change of the number of elements, which may be
    /// negative.
    ///
    /// A compressed node is decompressed before, and compressed again if possible. If `edit` fails, or if
    /// there is no memory to decompress, the node is unchanged.
    ///
    /// # Panics
    /// If the node is plain, and so has no listpack.
    #[inline]
    pub(crate) fn try_edit<T>(
        &mut self,
        added: isize,
        edit: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        match self {
            Self::Packed { pack, count, dense, .. } => {
                let result = edit(pack)?;
                *count = count.saturating_add_signed(added as i32);
                *dense = false;
                Ok(result)
            }
            _ => self.try_edit_zipped(added, edit),
        }
    }

    #[cold]
    fn try_edit_zipped<T>(
        &mut self,
        added: isize,
        edit: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        let Some(mut node) = self.try_unzipped()?.filter(|node| !node.is_plain()) else {
            unreachable!("a plain node is replaced, not changed");
        };
        let result = node.try_edit(added, edit)?;
        *self = node;
        if self.count() > 0 {
            self.zip();
        }
        Ok(result)
    }
}

//! [`Node`]: a listpack of consecutive elements, or one element that is too large for a listpack. Either may
//! be compressed.
//!
//! ```text
//!  Packed     | kind, size, count | * |--> listpack                            several elements
//!  Plain      | kind              | * |--> | len | bytes ... |                 one large element
//!  Compressed | kind,       count | * |--> | len | raw len: 4 | LZF ... |      either of them, compressed
//!  byte         0     2     4       8
//! ```
//!
//! A node has 16 bytes. A node of a linked list would have 32, but here the neighbours of a node are next to
//! it in memory.
//!
//! A listpack that became shorter may lie in a block that is larger than its length says. Only the allocator
//! knows the size of such a block, and only while the block exists. So a node caches the size of its
//! listpack's block.

use crate::elements::Elements;
use crate::lzf;
use crate::node_view::NodeView;
use crate::storage::Block;
use core::ptr::NonNull;
use listpack::{Depth, FromBytesError, ListPack, Value};
use zmalloc::{ReserveError, good_size};

/// The minimum size in bytes of a node that is compressed. In C: `MIN_COMPRESS_BYTES`.
const COMPRESS_LEN_MIN: usize = 48;
/// How many bytes compression must save. In C: `MIN_COMPRESS_IMPROVE`.
const COMPRESS_GAIN_MIN: usize = 8;
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
        incompressible: bool,
        /// The size of the listpack's block in the sum of a list: see [`Node::cached_size`].
        cached: CachedSize,
    },
    Plain {
        bytes: Block,
        incompressible: bool,
    },
    /// A compressed listpack, or a compressed element if `plain`.
    Compressed {
        data: Block,
        count: u32,
        plain: bool,
    },
}

const _: () = assert!(size_of::<Node>() == 8 + size_of::<usize>());

/// The size of a listpack's block in two bytes: the number of 8-byte words, or 0 if the size is not cached.
#[derive(Clone, Copy)]
pub(crate) struct CachedSize(u16);

impl CachedSize {
    const NONE: Self = Self(0);
    const WORD: usize = 8;

    /// Caches the `size` that the block of a listpack adds to `used_memory`.
    ///
    /// A size is cached only if it equals `good_size` of the list's length. So nothing is cached for a block
    /// with a size prefix, nor for a block from glibc that is larger than its list.
    fn of(pack: &ListPack, size: usize) -> Self {
        if size != good_size(pack.byte_len()) || !size.is_multiple_of(Self::WORD) {
            return Self::NONE;
        }
        u16::try_from(size / Self::WORD).map_or(Self::NONE, Self)
    }

    /// Returns the size in bytes, or 0 if it is not cached.
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
        Self::Packed { pack, count, incompressible: false, cached: CachedSize::NONE }
    }

    /// Creates a node of a listpack with one element.
    pub(crate) fn try_single(value: Value<'_>) -> Result<Self, ReserveError> {
        let mut pack = ListPack::new();
        pack.try_push_back(value)?;
        Ok(Self::packed(pack, 1))
    }

    /// Creates a node of one large element.
    pub(crate) fn try_plain(bytes: &[u8]) -> Result<Self, ReserveError> {
        Ok(Self::Plain { bytes: Block::try_new([bytes])?, incompressible: false })
    }

    /// Creates a node of one large element of `len` bytes, which `fill` writes.
    pub(crate) fn try_plain_with<E: From<ReserveError>>(
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut bytes = Block::try_zeroed(len)?;
        fill(bytes.as_mut_bytes())?;
        Ok(Self::Plain { bytes, incompressible: false })
    }

    /// Returns the number of elements.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        match *self {
            Self::Packed { count, .. } | Self::Compressed { count, .. } => count as usize,
            Self::Plain { .. } => 1,
        }
    }

    /// Returns how many bytes the listpack or the element has without compression.
    pub(crate) fn raw_len(&self) -> usize {
        match self {
            Self::Packed { pack, .. } => pack.byte_len(),
            Self::Plain { bytes, .. } => bytes.as_bytes().len(),
            Self::Compressed { data, .. } => {
                data.as_bytes().first_chunk().map_or(0, |len| u32::from_le_bytes(*len) as usize)
            }
        }
    }

    /// Returns whether the node is one large element. It may be compressed.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. } | Self::Compressed { plain: true, .. })
    }

    pub(crate) fn is_compressed(&self) -> bool {
        matches!(self, Self::Compressed { .. })
    }

    /// Returns the elements. Returns `None` if the node is compressed.
    #[inline]
    pub(crate) fn elements(&self) -> Option<Elements<'_>> {
        match self {
            Self::Packed { pack, .. } => Some(Elements::Packed(pack)),
            Self::Plain { bytes, .. } => Some(Elements::Plain(bytes.as_bytes())),
            Self::Compressed { .. } => None,
        }
    }

    /// Returns the bytes of the node as they are stored.
    pub(crate) fn view(&self) -> NodeView<'_> {
        match self {
            Self::Packed { pack, .. } => NodeView::Packed(pack),
            Self::Plain { bytes, .. } => NodeView::Plain(bytes.as_bytes()),
            Self::Compressed { data, plain, .. } => NodeView::Compressed {
                is_plain: *plain,
                raw_len: self.raw_len(),
                stream: data.as_bytes().get(RAW_LEN..).unwrap_or_default(),
            },
        }
    }

    /// Returns how many bytes the node's block adds to `used_memory`.
    pub(crate) fn allocation_size(&self) -> usize {
        match self {
            Self::Packed { pack, .. } => pack.allocation_size(),
            Self::Plain { bytes: block, .. } | Self::Compressed { data: block, .. } => {
                block.allocation_size()
            }
        }
    }

    /// Returns the [`allocation_size`](Self::allocation_size) at the last [`cache_size`](Self::cache_size).
    /// Does not call the allocator if the size is cached.
    pub(crate) fn cached_size(&self) -> usize {
        match self {
            Self::Packed { cached, .. } if cached.get() > 0 => cached.get(),
            _ => self.allocation_size(),
        }
    }

    /// Returns the [`allocation_size`](Self::allocation_size), and caches it for
    /// [`cached_size`](Self::cached_size).
    pub(crate) fn cache_size(&mut self) -> usize {
        let size = self.allocation_size();
        if let Self::Packed { pack, cached, .. } = self {
            *cached = CachedSize::of(pack, size);
        }
        size
    }

    /// Moves the node's block if `moves` returns `true` for it and there is memory. Returns whether it has
    /// moved.
    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        match self {
            Self::Packed { pack, .. } => pack.relocate(moves),
            Self::Plain { bytes: block, .. } | Self::Compressed { data: block, .. } => block.relocate(moves),
        }
    }

    /// Copies the node.
    pub(crate) fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(match self {
            &Self::Packed { ref pack, count, incompressible, .. } => {
                Self::Packed { pack: pack.try_clone()?, count, incompressible, cached: CachedSize::NONE }
            }
            Self::Plain { bytes, incompressible } => {
                Self::Plain { bytes: Block::try_new([bytes.as_bytes()])?, incompressible: *incompressible }
            }
            Self::Compressed { data, count, plain } => {
                Self::Compressed { data: Block::try_new([data.as_bytes()])?, count: *count, plain: *plain }
            }
        })
    }
}

/// Compression.
impl Node {
    /// Returns whether the node is not compressed, and compression has not failed to save enough.
    pub(crate) fn may_compress(&self) -> bool {
        matches!(self, Self::Packed { incompressible: false, .. } | Self::Plain { incompressible: false, .. })
    }

    /// Compresses the node if this saves enough and there is memory. In C: `__quicklistCompressNode`.
    pub(crate) fn compress(&mut self) {
        if !self.may_compress() {
            return;
        }
        let Ok(compressed) = self.compressed() else { return }; // no memory: a later call may succeed
        match (compressed, &mut *self) {
            (Some(compressed), _) => *self = compressed,
            (None, Self::Packed { incompressible, .. } | Self::Plain { incompressible, .. }) => {
                *incompressible = true
            }
            (None, Self::Compressed { .. }) => (),
        }
    }

    /// Returns the compressed node if compression saves enough.
    fn compressed(&self) -> Result<Option<Self>, ReserveError> {
        let (raw, plain) = match self.elements() {
            Some(Elements::Packed(pack)) => (pack.as_bytes(), false),
            Some(Elements::Plain(bytes)) => (bytes, true),
            None => return Ok(None),
        };
        let room = raw.len().saturating_sub(COMPRESS_GAIN_MIN + 1);
        let (Ok(raw_len), true) = (u32::try_from(raw.len()), raw.len() >= COMPRESS_LEN_MIN) else {
            return Ok(None);
        };
        let mut stream = Block::try_zeroed(room)?;
        let Some(len) = lzf::compress(raw, stream.as_mut_bytes()) else { return Ok(None) };
        let data = Block::try_new([&raw_len.to_le_bytes(), &stream.as_bytes()[..len]])?;
        Ok(Some(Self::Compressed { data, count: self.count() as u32, plain }))
    }

    /// Returns a decompressed copy if the node is compressed. In C: `__quicklistDecompressNode`.
    pub(crate) fn try_decompressed(&self) -> Result<Option<Self>, ReserveError> {
        let &Self::Compressed { ref data, count, plain } = self else { return Ok(None) };
        let mut bytes = Block::try_zeroed(self.raw_len())?;
        let stream = data.as_bytes().get(RAW_LEN..).unwrap_or_default();
        lzf::decompress(stream, bytes.as_mut_bytes()).expect("a stream that this crate wrote");
        Ok(Some(if plain {
            Self::Plain { bytes, incompressible: false }
        } else {
            Self::packed(pack_from(bytes.as_bytes())?, count as usize)
        }))
    }

    /// Decompresses the node in place.
    pub(crate) fn try_decompress(&mut self) -> Result<(), ReserveError> {
        if let Some(node) = self.try_decompressed()? {
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
        let before = self.cached_size();
        let result = change(self);
        *size = *size - before + self.cache_size();
        result
    }

    /// The fast form of [`try_edit`](Self::try_edit). `splice` does exactly *one* insertion, removal or
    /// replacement.
    ///
    /// The simple version is `self.change(size, |node| node.try_edit(added, splice))`, which asks the
    /// allocator for the size of the block. This version differs in one point: if the size was cached, the
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
            Self::Packed { pack, count, incompressible, cached } if cached.get() > 0 => {
                let result = splice(pack)?;
                *count = count.saturating_add_signed(added as i32);
                *incompressible = false;
                if !cached.is_same_block_after(pack.byte_len()) {
                    self.refresh_cached_size(size);
                }
                debug_assert_eq!(self.cached_size(), self.allocation_size(), "a block was changed unnoticed");
                Ok(result)
            }
            _ => self.try_splice_uncached(size, added, splice),
        }
    }

    /// The slow path of [`try_splice`](Self::try_splice), for a node that is compressed or whose size is not
    /// cached.
    #[cold]
    fn try_splice_uncached<T>(
        &mut self,
        size: &mut usize,
        added: isize,
        splice: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        self.change(size, |node| node.try_edit(added, splice))
    }

    /// Notes the size again, because the listpack may be in another block.
    #[inline(never)]
    fn refresh_cached_size(&mut self, size: &mut usize) {
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
            Self::Packed { pack, count, incompressible, .. } => {
                let result = edit(pack)?;
                *count = count.saturating_add_signed(added as i32);
                *incompressible = false;
                Ok(result)
            }
            _ => self.try_edit_compressed(added, edit),
        }
    }

    #[cold]
    fn try_edit_compressed<T>(
        &mut self,
        added: isize,
        edit: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        let Some(mut node) = self.try_decompressed()?.filter(|node| !node.is_plain()) else {
            unreachable!("a plain node is replaced, not changed");
        };
        let result = node.try_edit(added, edit)?;
        *self = node;
        if self.count() > 0 {
            self.compress();
        }
        Ok(result)
    }
}

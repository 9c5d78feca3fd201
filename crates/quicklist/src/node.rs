//! [`Node`]: some elements in a row, packed, packed and compressed, or one that is too large to be packed.
//!
//! ```text
//!  Packed   | kind, count | * |--> listpack                            several elements
//!  Plain    | kind        | * |--> | len | bytes ... |                 one large element
//!  Zipped   | kind, count | * |--> | len | raw len: 4 | LZF ... |      either of them, compressed
//!  byte       0             8
//! ```
//!
//! 16 bytes a node, where a linked one takes 32: its neighbours stand beside it.

use crate::lzf;
use crate::storage::Block;
use core::ptr::NonNull;
use listpack::{Depth, FromBytesError, ListPack, Value};
use zmalloc::ReserveError;

/// What is shorter stays as it is. In C: `MIN_COMPRESS_BYTES`.
const ZIP_MIN: usize = 48;
/// How many bytes compression has to save. In C: `MIN_COMPRESS_IMPROVE`.
const ZIP_GAIN_MIN: usize = 8;
/// The length before compression, in front of the stream.
const RAW_LEN: usize = size_of::<u32>();

/// See the drawing above. A node in a list has at least one element, and `count` is how many.
pub(crate) enum Node {
    Packed {
        pack: ListPack,
        count: u32,
        /// Compressing these bytes was tried and saves too little.
        dense: bool,
    },
    Plain {
        bytes: Block,
        dense: bool,
    },
    /// Of a listpack, or of one element if `plain`.
    Zipped {
        zip: Block,
        count: u32,
        plain: bool,
    },
}

const _: () = assert!(size_of::<Node>() == 8 + size_of::<usize>());

/// The elements of a node that is not compressed.
#[derive(Clone, Copy)]
pub(crate) enum Elements<'a> {
    Packed(&'a ListPack),
    Plain(&'a [u8]),
}

/// Making and asking.
impl Node {
    /// A listpack of `count` elements, which are counted by the caller: the header of a foreign one may say anything.
    pub(crate) fn packed(pack: ListPack, count: usize) -> Self {
        let count = count as u32; // a listpack has at most 2^29 elements
        Self::Packed { pack, count, dense: false }
    }

    /// A listpack of one element.
    pub(crate) fn try_single(value: Value<'_>) -> Result<Self, ReserveError> {
        let mut pack = ListPack::new();
        pack.try_push_back(value)?;
        Ok(Self::Packed { pack, count: 1, dense: false })
    }

    /// One large element.
    pub(crate) fn try_plain(bytes: &[u8]) -> Result<Self, ReserveError> {
        Ok(Self::Plain { bytes: Block::try_new([bytes])?, dense: false })
    }

    /// How many elements.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        match *self {
            Self::Packed { count, .. } | Self::Zipped { count, .. } => count as usize,
            Self::Plain { .. } => 1,
        }
    }

    /// Bytes of the listpack or the element, as if it were not compressed.
    pub(crate) fn raw_len(&self) -> usize {
        match self {
            Self::Packed { pack, .. } => pack.byte_len(),
            Self::Plain { bytes, .. } => bytes.as_bytes().len(),
            Self::Zipped { zip, .. } => {
                zip.as_bytes().first_chunk().map_or(0, |len| u32::from_le_bytes(*len) as usize)
            }
        }
    }

    /// Whether it holds one element that is not packed, compressed or not.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. } | Self::Zipped { plain: true, .. })
    }

    pub(crate) fn is_zipped(&self) -> bool {
        matches!(self, Self::Zipped { .. })
    }

    /// The elements, or `None` if they are compressed.
    #[inline]
    pub(crate) fn elements(&self) -> Option<Elements<'_>> {
        match self {
            Self::Packed { pack, .. } => Some(Elements::Packed(pack)),
            Self::Plain { bytes, .. } => Some(Elements::Plain(bytes.as_bytes())),
            Self::Zipped { .. } => None,
        }
    }

    /// What the node's block adds to `used_memory`, in bytes.
    pub(crate) fn allocation_size(&self) -> usize {
        match self {
            Self::Packed { pack, .. } => pack.allocation_size(),
            Self::Plain { bytes: block, .. } | Self::Zipped { zip: block, .. } => block.allocation_size(),
        }
    }

    pub(crate) fn relocate(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> bool {
        match self {
            Self::Packed { pack, .. } => pack.relocate(moves),
            Self::Plain { bytes: block, .. } | Self::Zipped { zip: block, .. } => block.relocate(moves),
        }
    }

    /// A copy.
    pub(crate) fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(match self {
            Self::Packed { pack, count, dense } => {
                Self::Packed { pack: pack.try_clone()?, count: *count, dense: *dense }
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
    /// Whether compressing it may be worth trying.
    pub(crate) fn may_zip(&self) -> bool {
        matches!(self, Self::Packed { dense: false, .. } | Self::Plain { dense: false, .. })
    }

    /// Compresses it, if that saves enough and there is memory. In C: `__quicklistCompressNode`.
    pub(crate) fn zip(&mut self) {
        if !self.may_zip() {
            return;
        }
        let Ok(zipped) = self.zipped() else { return }; // without memory it may be tried again
        match (zipped, &mut *self) {
            (Some(zipped), _) => *self = zipped,
            (None, Self::Packed { dense, .. } | Self::Plain { dense, .. }) => *dense = true,
            (None, Self::Zipped { .. }) => (),
        }
    }

    /// The compressed form, if it is worth having.
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

    /// What it was before compression, if it is compressed. In C: `__quicklistDecompressNode`.
    pub(crate) fn try_unzipped(&self) -> Result<Option<Self>, ReserveError> {
        let &Self::Zipped { ref zip, count, plain } = self else { return Ok(None) };
        let mut bytes = Block::try_zeroed(self.raw_len())?;
        let stream = zip.as_bytes().get(RAW_LEN..).unwrap_or_default();
        lzf::decompress(stream, bytes.as_mut_bytes()).expect("a stream that this crate wrote");
        Ok(Some(if plain {
            Self::Plain { bytes, dense: false }
        } else {
            Self::Packed { pack: pack_from(bytes.as_bytes())?, count, dense: false }
        }))
    }

    /// Decompresses it in its place.
    pub(crate) fn try_unzip(&mut self) -> Result<(), ReserveError> {
        if let Some(node) = self.try_unzipped()? {
            *self = node;
        }
        Ok(())
    }
}

/// A listpack of bytes that were one.
fn pack_from(bytes: &[u8]) -> Result<ListPack, ReserveError> {
    ListPack::try_from_bytes(bytes, Depth::Shallow).map_err(|error| match error {
        FromBytesError::Reserve(error) => error,
        _ => unreachable!("the bytes were those of a listpack"),
    })
}

/// Changing.
impl Node {
    /// Lets `edit` change the listpack, which has `added` elements more afterwards (or less). A compressed node stays compressed,
    /// if it can. When `edit` fails, or there is no memory to decompress, nothing has changed.
    ///
    /// A plain node has no listpack: the caller has asked.
    #[inline]
    pub(crate) fn try_edit<T>(
        &mut self,
        added: isize,
        edit: impl FnOnce(&mut ListPack) -> Result<T, ReserveError>,
    ) -> Result<T, ReserveError> {
        match self {
            Self::Packed { pack, count, dense } => {
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

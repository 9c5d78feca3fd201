//! Conversion of one listpack to a quicklist, and back.

use super::{List, Repr};
use crate::element::Element;
use crate::limits::EncodingLimits;
use crate::types::Encoding;
use common::Room;
use core::mem;
use listpack::ListPack;
use quicklist::{NodeLimit, QuickList};
use zmalloc::ReserveError;

/// The size that Redis assumes for elements that are about to be added.
#[derive(Clone, Copy, Default)]
pub(super) struct Growth {
    bytes: usize,
    elements: usize,
}

impl Growth {
    /// Returns the size of one argument of a command. An argument is always text.
    pub(super) fn of_argument(element: Element<'_>) -> Self {
        Self { bytes: element.len(), elements: 1 }
    }

    /// Returns the size of one element from another list. An integer from a quicklist stays an integer, for
    /// which Redis counts no bytes. For an integer from a listpack, Redis counts the bytes of its text.
    pub(super) fn of_moved(element: Element<'_>, from: Encoding) -> Self {
        match element {
            Element::Int(_) if from == Encoding::QuickList => Self { bytes: 0, elements: 1 },
            element => Self::of_argument(element),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            elements: self.elements.saturating_add(other.elements),
        }
    }
}

impl<R: Room> List<R> {
    /// Runs an operation that makes the list larger by `growth`. If a listpack would be too large, the list
    /// first becomes a quicklist. If the operation fails, the list is a listpack again. In C:
    /// `listTypeTryConversionAppend`.
    pub(super) fn try_with_growth<T, E: From<ReserveError>>(
        &mut self,
        growth: Growth,
        limits: &EncodingLimits,
        operation: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.try_with_growth_after_removal(0, 0, growth, limits, operation)
    }

    /// Does the same as [`try_with_growth`](Self::try_with_growth), for an operation that also removes
    /// `elements` elements, which take `bytes` bytes of a listpack.
    pub(super) fn try_with_growth_after_removal<T, E: From<ReserveError>>(
        &mut self,
        bytes: usize,
        elements: usize,
        growth: Growth,
        limits: &EncodingLimits,
        operation: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let Repr::ListPack(pack) = &mut self.0 else { return operation(self) };
        let bytes = (pack.byte_len() - bytes).saturating_add(growth.bytes);
        let elements = (pack.len() - elements).saturating_add(growth.elements);
        if NodeLimit::new(limits.list_max_listpack_size).allows(bytes, elements) {
            return operation(self);
        }
        let convert = |pack: &mut ListPack| {
            QuickList::try_from_listpack(pack, limits.list_max_listpack_size, limits.list_compress_depth)
        };
        // A listpack in a room stays there unchanged until the operation has succeeded.
        let (list, is_in_room) = match pack.with_own(convert) {
            Some(list) => (list?, false),
            None => (convert(&mut pack.try_to_owned()?)?, true),
        };
        let before = mem::replace(&mut self.0, Repr::QuickList(list));
        let result = operation(self);
        if result.is_err() || self.is_empty() {
            if is_in_room {
                self.0 = before;
            } else {
                self.convert_to_listpack();
            }
        }
        result
    }

    /// Converts a quicklist of one listpack to that listpack, and an empty one to an empty listpack.
    fn convert_to_listpack(&mut self) {
        let empty = || Repr::ListPack(ListPack::new().into_room_type());
        if let Repr::QuickList(list) = mem::replace(&mut self.0, empty()) {
            self.0 = match list.into_listpack() {
                Ok(pack) => Repr::ListPack(pack.into_room_type()),
                Err(list) if list.is_empty() => empty(),
                Err(list) => Repr::QuickList(list),
            };
        }
    }

    /// Converts a quicklist back if it has only one node, which is at most half full. O(1), without an
    /// allocation. In C: `listTypeTryConversion` with `LIST_CONV_SHRINKING`.
    pub(super) fn convert_if_small(&mut self, limits: &EncodingLimits) {
        let Repr::QuickList(list) = &self.0 else { return };
        let limit = NodeLimit::new(limits.list_max_listpack_size);
        let fits = |pack: &ListPack| limit.allows_conversion(pack.byte_len(), pack.len());
        if list.is_empty() || list.as_listpack().is_some_and(fits) {
            self.convert_to_listpack();
        }
    }
}

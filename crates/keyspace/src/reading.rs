//! [`Reading`]: what is needed besides an entry to read its key and its string.
//!
//! An entry alone is not enough. The codes of a string or of a key mean nothing without their symbol table. A
//! keyspace also counts the bytes of the strings that replies share with it.

use crate::entry::{CodedView, EntryString, Slot};
use crate::lent::Lent;
use std::sync::Arc;
use symbols::{DecodeError, SymbolTable};
use values::{Element, OwnedElement, ReserveError};

/// What is needed besides an entry to read its key and its string: the count of the bytes that replies hold,
/// and the symbol tables.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) lent: Lent,
    pub(crate) tables: Tables,
}

/// The symbol tables of a keyspace: up to two, one for each [`Slot`]. The kind of a coded string names the
/// slot of its table, as does the header of a coded key. This slot is never empty (E5 of `entry`).
#[derive(Clone, Default)]
pub(crate) struct Tables([Option<Arc<SymbolTable>>; 2]);

impl Tables {
    /// Returns the table in a slot, if there is one.
    pub(crate) fn get(&self, slot: Slot) -> Option<&Arc<SymbolTable>> {
        self.0[slot as usize].as_ref()
    }

    /// Sets the table in a slot, or removes it.
    pub(crate) fn set(&mut self, slot: Slot, table: Option<Arc<SymbolTable>>) {
        self.0[slot as usize] = table;
    }

    /// Returns whether there is no table. Nothing is coded then.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.0, [None, None])
    }

    /// Returns whether two keyspaces share the table of each slot. The same codes then decode to the same
    /// text in both.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|pair| match pair {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        })
    }

    /// Returns the table of a coded string.
    fn of(&self, coded: CodedView<'_>) -> &SymbolTable {
        self.of_slot(coded.slot())
    }

    /// Returns whether the codes of a key decode to `key`. O(codes).
    pub(crate) fn is_key(&self, slot: Slot, codes: &[u8], key: &[u8]) -> bool {
        self.get(slot).is_some_and(|table| table.matches(codes, key))
    }

    /// Returns the table of a slot that has one.
    pub(crate) fn of_slot(&self, slot: Slot) -> &SymbolTable {
        self.get(slot).unwrap_or_else(|| unreachable!("what is coded has its table"))
    }

    /// Appends the text of a coded string to `out`.
    pub(crate) fn decode(&self, coded: CodedView<'_>, out: &mut Vec<u8>) -> Result<(), ReserveError> {
        match self.of(coded).decode(coded.get().codes, coded.len(), out) {
            Ok(()) => Ok(()),
            Err(DecodeError::Reserve(error)) => Err(error),
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Appends the text of a string to `out`.
    #[inline]
    pub(crate) fn append(&self, string: EntryString<'_>, out: &mut Vec<u8>) -> Result<(), ReserveError> {
        match string {
            EntryString::Bytes(bytes) => append(out, bytes),
            string => self.append_other(string, out),
        }
    }

    /// Does the same as [`append`](Self::append) for a string of any form.
    #[inline(never)]
    fn append_other(&self, string: EntryString<'_>, out: &mut Vec<u8>) -> Result<(), ReserveError> {
        match string {
            EntryString::Coded(coded) => self.decode(coded, out),
            string => append(out, &string.plain().unwrap_or(Element::Bytes(b"")).text()),
        }
    }

    /// Returns the string of an entry. If it is coded, its text is decoded into the buffer, which is cleared
    /// first.
    #[inline]
    pub(crate) fn element<'b>(
        &self,
        string: EntryString<'b>,
        buffer: &'b mut Vec<u8>,
    ) -> Result<Element<'b>, ReserveError> {
        match string {
            EntryString::Coded(coded) => self.decoded(coded, buffer),
            string => Ok(string.plain().unwrap_or(Element::Bytes(b""))),
        }
    }

    #[inline(never)]
    fn decoded<'b>(
        &self,
        coded: CodedView<'_>,
        buffer: &'b mut Vec<u8>,
    ) -> Result<Element<'b>, ReserveError> {
        buffer.clear();
        self.decode(coded, buffer)?;
        Ok(Element::Bytes(buffer))
    }

    /// Returns a copy of the string of an entry, decoded if it is coded.
    pub(crate) fn try_to_owned(&self, string: EntryString<'_>) -> Result<OwnedElement, ReserveError> {
        let mut buffer = Vec::new();
        OwnedElement::try_from(self.element(string, &mut buffer)?)
    }

    /// Returns an iterator over the pieces of a coded string's text.
    pub(crate) fn pieces<'a>(&'a self, coded: CodedView<'a>) -> impl Iterator<Item = &'a [u8]> {
        self.of(coded).pieces(coded.get().codes)
    }

    /// Returns whether the string of an entry equals another string.
    pub(crate) fn is_equal(&self, string: EntryString<'_>, other: Element<'_>) -> bool {
        match string {
            EntryString::Coded(coded) => match other {
                // The text of an integer is never coded.
                Element::Int(_) => false,
                Element::Bytes(text) => self.of(coded).matches(coded.get().codes, text),
            },
            string => string.plain() == Some(other),
        }
    }
}

/// Appends bytes, or returns an error if there is no memory.
#[inline]
fn append(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), ReserveError> {
    out.try_reserve(bytes.len()).map_err(|_| ReserveError::OutOfMemory { size: bytes.len() })?;
    out.extend_from_slice(bytes);
    Ok(())
}

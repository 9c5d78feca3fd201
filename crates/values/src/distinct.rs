//! [`Distinct`]: a set of borrowed elements.

use crate::element::Element;
use core::hash::BuildHasher;
use dict::{DefaultHashBuilder, Table};
use zmalloc::ReserveError;

/// A set of elements that other values own. It is used where elements must be distinct and no
/// [`Set`](crate::Set) of them is needed.
pub(crate) struct Distinct<'a> {
    table: Table<Element<'a>>,
    hash_builder: DefaultHashBuilder,
}

impl<'a> Distinct<'a> {
    pub(crate) fn new() -> Self {
        Self { table: Table::new(), hash_builder: DefaultHashBuilder::default() }
    }

    /// Adds an element. Returns `false` if it is already present.
    pub(crate) fn try_insert(&mut self, member: Element<'a>) -> Result<bool, ReserveError> {
        let Self { table, hash_builder } = self;
        let hash = hash_builder.hash_one(member);
        if table.find(hash, |other| *other == member).is_some() {
            return Ok(false);
        }
        let hasher = |member: &Element<'_>| hash_builder.hash_one(member);
        table.try_insert_unique(hash, member, hasher)?;
        Ok(true)
    }

    pub(crate) fn remove(&mut self, member: Element<'_>) {
        let hash = self.hash_builder.hash_one(member);
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == member) {
            entry.remove();
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Element<'a>> {
        self.table.iter().copied()
    }
}

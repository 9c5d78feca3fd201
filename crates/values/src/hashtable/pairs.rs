//! Pairs of field and value: the methods of a table that only hashes use.

use super::{Inner, StringBlock, StringTable};
use crate::element::Element;
use allocator_api2::vec::Vec;
use core::hash::BuildHasher;
use dict::prefetch::prefetch;
use zmalloc::{ReserveError, Zmalloc};

impl StringTable<2> {
    /// Sets the value of a field and returns whether the field is new. Constant time on average. On failure
    /// nothing changes.
    pub(crate) fn try_set(&mut self, field: &[u8], value: &[u8]) -> Result<bool, ReserveError> {
        let hash = self.0.hash(field);
        let Inner { table, hash_builder, bytes } = &mut *self.0;
        if let Some(pair) = table.find_mut(hash, |pair| pair.key() == field) {
            let before = pair.allocation_size();
            pair.try_set_value(value)?;
            *bytes = *bytes - before + pair.allocation_size();
            return Ok(false);
        }
        let pair = StringBlock::try_new([field, value])?;
        let size = pair.allocation_size();
        let hasher = |pair: &StringBlock<2>| hash_builder.hash_one(pair.key());
        table.try_insert_unique(hash, pair, hasher)?;
        *bytes += size;
        Ok(true)
    }

    /// Sets all pairs, as [`try_set`](Self::try_set) does, or none of them if an allocation fails. Returns
    /// how many fields are new. A failure may leave the table with more chunks than before.
    pub(crate) fn try_set_many(
        &mut self,
        pairs: &[(Element<'_>, Element<'_>)],
    ) -> Result<usize, ReserveError> {
        let refused =
            ReserveError::OutOfMemory { size: size_of::<StringBlock<2>>().saturating_mul(pairs.len()) };
        let mut blocks = Vec::new_in(Zmalloc);
        blocks.try_reserve_exact(pairs.len()).map_err(|_| refused)?;
        for (field, value) in pairs {
            blocks.push(Some(StringBlock::try_new([&field.text(), &value.text()])?));
        }
        let mut new = 0;
        for done in 0..blocks.len() {
            match self.exchange(&mut blocks[done]) {
                Ok(is_new) => new += usize::from(is_new),
                Err(error) => {
                    self.roll_back(pairs, &mut blocks[..done]);
                    return Err(error);
                }
            }
        }
        Ok(new)
    }

    /// Puts a block into the table. If the table has a block with the same field, the two change places, and
    /// `block` then holds the old one. Returns whether the field is new. On failure the new block is dropped.
    fn exchange(&mut self, block: &mut Option<StringBlock<2>>) -> Result<bool, ReserveError> {
        let Inner { table, hash_builder, bytes } = &mut *self.0;
        let hasher = |pair: &StringBlock<2>| hash_builder.hash_one(pair.key());
        let Some(pair) = block.take() else { return Ok(false) };
        let (hash, size) = (hasher(&pair), pair.allocation_size());
        if let Some(old) = table.find_mut(hash, |other| other.key() == pair.key()) {
            *bytes = *bytes - old.allocation_size() + size;
            *block = Some(core::mem::replace(old, pair));
            return Ok(false);
        }
        table.try_insert_unique(hash, pair, hasher)?;
        *bytes += size;
        Ok(true)
    }

    /// Undoes exchanges, the last one first. The old blocks go back, and fields that had none are removed.
    fn roll_back(&mut self, pairs: &[(Element<'_>, Element<'_>)], blocks: &mut [Option<StringBlock<2>>]) {
        for (block, (field, _)) in blocks.iter_mut().zip(pairs).rev() {
            match block {
                Some(_) => drop(self.exchange(block)), // the field exists, so nothing is allocated
                None => drop(self.remove(&field.text())),
            }
        }
    }

    /// Returns the pairs with these fields. The cache misses of the look-ups overlap.
    pub(crate) fn get_many<const K: usize>(&self, fields: [&[u8]; K]) -> [Option<&StringBlock<2>>; K] {
        let hashes = fields.map(|field| self.0.hash(field));
        let ahead = |pair: &StringBlock<2>| prefetch(pair.prefetch_address());
        self.0.table.find_many(hashes, ahead, |i, pair| pair.key() == fields[i])
    }
}

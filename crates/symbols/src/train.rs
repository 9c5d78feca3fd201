//! Training: a table from a sample of the texts, by the crate `fsst-rs`.

use crate::table::{SymbolTable, Symbols};
use zmalloc::ReserveError;

impl SymbolTable {
    /// A table of the symbols that save the most bytes in a sample of the texts. The same sample always gives
    /// the same table.
    ///
    /// The sample needs texts of all kinds. If it has 16 KiB or more, pieces of up to 512 bytes are chosen
    /// from it, 16 KiB in all. The choice depends on the number of texts and on their lengths only. Takes
    /// O(texts) time, and 16 bytes for each text beside some megabytes of working memory, from the global
    /// allocator.
    ///
    /// # Errors
    /// No memory for the table. If there is none for the search, the global allocator's handler is called.
    ///
    /// ```
    /// use symbols::SymbolTable;
    /// let urls: Vec<String> = (0..200).map(|page| format!("https://example.com/page/{page}")).collect();
    /// let table = SymbolTable::train(&urls)?;
    /// let mut buffer = Vec::new();
    /// assert!(table.encode(b"https://example.com/page/7", &mut buffer)?.len() <= 6);
    /// # Ok::<(), symbols::ReserveError>(())
    /// ```
    pub fn train<T: AsRef<[u8]>>(sample: &[T]) -> Result<Self, ReserveError> {
        let texts: Vec<&[u8]> = sample.iter().map(AsRef::as_ref).filter(|text| !text.is_empty()).collect();
        let trained = fsst::Compressor::train(&texts);
        let mut all = Symbols::EMPTY;
        for (symbol, &len) in trained.symbol_table().iter().zip(trained.symbol_lengths()) {
            let pushed = all.push(&symbol.to_u64().to_le_bytes()[..len.into()]);
            debug_assert_eq!(pushed, Ok(()), "the symbols are distinct");
        }
        Self::try_new(all)
    }
}

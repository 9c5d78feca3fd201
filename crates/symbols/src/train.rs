//! Training: a table from a sample of the texts.
//!
//! The search for symbols is that of the crate `fsst-rs`. It looks at up to 16 KiB of the sample.

use crate::table::{SymbolTable, Symbols};
use zmalloc::ReserveError;

impl SymbolTable {
    /// A table of the symbols that save the most bytes in a sample of the texts. The same sample always gives the same table.
    /// Takes some milliseconds, and up to some megabytes of the global allocator for that time.
    ///
    /// About 16 KiB of the sample are used, which are chosen by a hash of their number if there are more. So a sample had
    /// better have texts of all kinds.
    ///
    /// # Errors
    /// No memory for the table. Without memory for the search, the global allocator's handler is called.
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
            // A symbol that is there already adds nothing.
            let _ = all.push(&symbol.to_u64().to_le_bytes()[..len.into()]);
        }
        Self::try_new(all)
    }
}

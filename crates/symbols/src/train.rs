//! Training: making a table from a sample of the texts.
//!
//! Each round codes the sample with the table of the round before. The candidates for the next table are the
//! symbols that were used, the bytes without a symbol, and the pairs of neighbours. The candidates that cover
//! the most bytes become its symbols. The book's page makes a table by hand in this way.
//!
//! Learned from: FSST (P. Boncz, T. Neumann, V. Leis, VLDB 2020), for the rounds, for a small sample, and for
//! the weight of single bytes. The crate `fsst-rs` trains in the same way, but it does not compile for 32-bit
//! machines, and contains no code for big-endian ones.

use crate::table::{ESCAPE, SYMBOL_LEN_MAX, SymbolTable, Symbols};
use std::collections::{BTreeMap, BTreeSet};
use zmalloc::ReserveError;

/// The number of rounds. A round can double the length of a symbol, so three rounds reach eight bytes. The
/// other rounds let the choice settle.
const ROUNDS: usize = 6;

/// The largest number of bytes of a sample that are used.
const SAMPLE_MAX: usize = 16 << 10;
/// The longest piece of a text that is used, in bytes.
const PIECE_MAX: usize = 512;

/// How many times a single byte counts. A byte without a symbol takes two bytes, so a symbol of one byte
/// saves more than its length says.
const SINGLE_WEIGHT: u64 = 8;

/// A symbol of up to eight bytes as a little-endian word, and its length in bytes.
type Candidate = (u64, usize);

impl SymbolTable {
    /// Makes a table of the symbols that save the most bytes in a sample of the texts. The same sample always
    /// gives the same table.
    ///
    /// The sample should contain texts of all kinds. If it has more than 16 KiB, pieces of up to 512 bytes
    /// are chosen from it, up to 16 KiB in all. The choice depends only on the number of texts and on their
    /// lengths. O(texts). The search uses some megabytes of the global allocator, and frees them at its end.
    ///
    /// # Errors
    /// Returns an error if there is no memory for the table. If there is no memory for the search, the error
    /// handler of the global allocator is called.
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
        let pieces = pieces_of_sample(sample);
        let mut table = Self::try_new(Symbols::EMPTY)?;
        for round in 1..=ROUNDS {
            // The last round forms no pairs. So each symbol of several bytes in its table was in the table
            // before it, and its uses were counted.
            let gains = table.gains(&pieces, round < ROUNDS);
            let mut symbols = best_symbols(gains, round == ROUNDS);
            if round == ROUNDS {
                add_bytes(&mut symbols, &pieces);
            }
            table = Self::try_new(symbols)?;
        }
        Ok(table)
    }

    /// Returns the candidates for the next table, with the number of bytes of the texts that each of them
    /// covers. A single byte counts [`SINGLE_WEIGHT`] times. The candidates are the symbols that the texts
    /// use, and the bytes without a symbol. If `with_pairs` is set, they are also the pairs of neighbours,
    /// and the first byte of each symbol.
    fn gains(&self, texts: &[&[u8]], with_pairs: bool) -> BTreeMap<Candidate, u64> {
        let mut gains = BTreeMap::new();
        let mut add = |word: u64, len: usize| {
            let weight = if len == 1 { SINGLE_WEIGHT } else { 1 };
            *gains.entry((word, len)).or_default() += weight * len as u64;
        };
        for text in texts {
            let (mut rest, mut before) = (*text, None);
            while !rest.is_empty() {
                let (word, len) = self.first(rest);
                add(word, len);
                if with_pairs {
                    if let Some((before, before_len)) = before
                        && before_len + len <= SYMBOL_LEN_MAX
                    {
                        add(before | word << (8 * before_len), before_len + len);
                    }
                    // The first byte alone is a candidate too, in case the next table does not have this
                    // symbol.
                    if len > 1 {
                        add(word & 0xFF, 1);
                    }
                }
                (before, rest) = (Some((word, len)), &rest[len..]);
            }
        }
        gains
    }

    /// Returns the symbol that a text begins with, or its first byte.
    fn first(&self, text: &[u8]) -> Candidate {
        let (mut word, len) = ([0; SYMBOL_LEN_MAX], text.len().min(SYMBOL_LEN_MAX));
        word[..len].copy_from_slice(&text[..len]);
        let word = u64::from_le_bytes(word);
        let code = self.encoder.code_within(&self.symbols, word, len);
        let len = self.symbols.len(code);
        (word & u64::MAX >> (64 - 8 * len), len)
    }
}

/// Returns the texts of a sample, or pieces with at most 16 KiB in all if the sample is larger.
fn pieces_of_sample<T: AsRef<[u8]>>(sample: &[T]) -> Vec<&[u8]> {
    let texts = || sample.iter().map(AsRef::as_ref).filter(|text: &&[u8]| !text.is_empty());
    let bytes = texts().map(<[u8]>::len).sum::<usize>();
    if bytes <= SAMPLE_MAX {
        return texts().collect();
    }
    // The pieces are at equal distances, so that all parts of the sample are represented equally.
    let mean_len = bytes.div_ceil(texts().count()).min(PIECE_MAX);
    let count = (SAMPLE_MAX / mean_len) as u128;
    let mut places = (1..=count).map(|index| (bytes as u128 * index / (count + 1)) as usize).peekable();
    let (mut all, mut bytes_left, mut end) = (Vec::new(), SAMPLE_MAX, 0);
    for text in texts() {
        let start = end;
        end += text.len();
        while let Some(place) = places.next_if(|place| *place < end) {
            let rest = &text[(place - start) / PIECE_MAX * PIECE_MAX..];
            let piece = &rest[..rest.len().min(PIECE_MAX).min(bytes_left)];
            bytes_left -= piece.len();
            all.push(piece);
        }
    }
    all
}

/// Adds the bytes of the texts that are not symbols yet, the most frequent ones first, while codes are left.
/// Without a symbol, such a byte would take two bytes.
fn add_bytes(symbols: &mut Symbols, texts: &[&[u8]]) {
    let mut counts = [0_u64; 256];
    texts.iter().copied().flatten().for_each(|byte| counts[usize::from(*byte)] += 1);
    let mut bytes: Vec<u8> = (0..=u8::MAX).filter(|byte| counts[usize::from(*byte)] > 0).collect();
    bytes.sort_by_key(|byte| u64::MAX - counts[usize::from(*byte)]);
    // `push` refuses a byte that is a symbol already, and any byte if there is no code left.
    bytes.iter().for_each(|byte| _ = symbols.push(&[*byte]));
}

/// Returns the symbols of the next table: the candidates that cover the most bytes. Candidates that cover
/// equally many bytes are ordered by their length and their word, so the result is always the same.
fn best_symbols(gains: BTreeMap<Candidate, u64>, is_last: bool) -> Symbols {
    let mut all: Vec<_> = gains.into_iter().collect();
    all.sort_by_key(|&((word, len), gain)| (u64::MAX - gain, len, word));
    let (mut symbols, mut prefixes) = (Symbols::EMPTY, BTreeSet::new());
    for ((word, len), gain) in all {
        // A symbol that is used once saves nothing. Of the symbols with the same first three bytes, a table
        // uses only one.
        let uses = gain / if len == 1 { SINGLE_WEIGHT } else { len as u64 };
        let is_hidden = len >= 3 && prefixes.contains(&(word & 0x00FF_FFFF));
        if is_last && uses < 2 || is_hidden || symbols.iter().len() == usize::from(ESCAPE) {
            continue;
        }
        if len >= 3 {
            prefixes.insert(word & 0x00FF_FFFF);
        }
        let pushed = symbols.push(&word.to_le_bytes()[..len]);
        debug_assert_eq!(pushed, Ok(()), "candidates are distinct");
    }
    symbols
}

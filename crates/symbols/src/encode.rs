//! Encodes a text. At each place, the coder writes the code of the symbol that begins there, or an escape.
//!
//! ```text
//!  text   u s e r : 1 7 x     a word of eight bytes
//!         |---|               two: `short` has the code of a symbol of one or two bytes, or the escape
//!         |-----|             three, hashed: `long` has the code of a symbol of three bytes or more
//! ```
//!
//! If the word begins with the symbol in its slot of `long`, that symbol is used. Otherwise the code in
//! `short` is used. If several symbols share a slot of `long`, the slot has the first of them.
//!
//! The length of a symbol determines where the next one begins, so each step waits for the loads of the
//! previous step. To work on several steps at once, the coder cuts a long text into four *lanes*:
//!
//! ```text
//!  text     |---------------|---------------|---------------|---------------|
//!  lane 0    --->--->--->--->-->            goes on to a place where a symbol of lane 1 begins
//!  lane 1                    ->-->--->--->--->->            from there on, the codes of lane 1 are used
//! ```
//!
//! The codes after a place do not depend on the text before that place. So the codes are always the same as
//! with a single lane.
//!
//! The buffer has spare room after the codes of each lane, for the codes that the lane writes beyond its part.
//! If this room is full before the lane comes to a place where a symbol of the next lane begins, the codes of
//! the next lane are dropped. The lane then codes the next part itself.
//!
//! Learned from: FSST (P. Boncz, T. Neumann, V. Leis, VLDB 2020), for codes of one byte, and for a hash of
//! three bytes with one symbol per slot. A slot of FSST holds a whole symbol. Here it holds only the symbol's
//! code of one byte, so `long` takes 16 KiB. The lanes are our own idea.

use crate::table::{ESCAPE, SYMBOL_LEN_MAX, SymbolTable, Symbols};
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec as Vector;
use zmalloc::{ReserveError, Zmalloc};

/// The shortest text that is coded in lanes, in bytes.
const LANES_LEN_MIN: usize = 64;
/// The number of lanes.
const LANES: usize = 4;

/// The spare room after the codes of a lane, in bytes. A lane that goes on beyond its part can write at
/// least 32 codes there.
const SPARE: usize = 64;

/// Codes, indexed by a byte.
type Row = [u8; 256];

/// `short` has one row for each value of a word's second byte. A row has one code for each value of the first
/// byte.
const SHORT_ROWS: usize = 256;

/// `long` has 2^14 slots, each of which holds one code.
const LONG_SLOTS_BITS: u32 = 14;
const LONG_ROWS: usize = (1 << LONG_SLOTS_BITS) / size_of::<Row>();

/// The maximum number of multipliers that are tried for the hash.
const MULTIPLIERS: u64 = 512;

/// Finds the code of the symbol that a word begins with.
pub(crate) struct Encoder {
    /// Codes of symbols of one or two bytes, or escapes, indexed by the first two bytes of a word.
    short: Box<[Row; SHORT_ROWS], Zmalloc>,
    /// Codes of symbols of three bytes or more, or escapes, indexed by the hash of the first three bytes.
    long: Box<[Row; LONG_ROWS], Zmalloc>,
    /// Codes of symbols of one byte, or escapes, indexed by the first byte.
    single: Row,
    /// The multiplier of the hash.
    multiplier: u32,
}

impl Encoder {
    pub(crate) fn try_new(symbols: &Symbols) -> Result<Self, ReserveError> {
        let mut single = [ESCAPE; 256];
        for (code, symbol) in (0..ESCAPE).zip(symbols.iter()) {
            if let [byte] = *symbol {
                single[usize::from(byte)] = code;
            }
        }
        let mut short: Box<[Row; SHORT_ROWS], _> = try_rows(single)?;
        for (code, symbol) in (0..ESCAPE).zip(symbols.iter()) {
            if let [first, second] = *symbol {
                short[usize::from(second)][usize::from(first)] = code;
            }
        }
        let mut long: Box<[Row; LONG_ROWS], _> = try_rows([ESCAPE; 256])?;
        let multiplier = best_multiplier(symbols, long.as_flattened_mut());
        Ok(Self { short, long, single, multiplier })
    }

    /// Returns the code of the symbol that `word` begins with, or the escape. All eight bytes of the word
    /// must belong to the text.
    #[inline(always)]
    fn code(&self, symbols: &Symbols, word: u64) -> u8 {
        // Both codes are loaded before the comparison, so that the loads overlap.
        let [first, second, ..] = word.to_le_bytes();
        let long = self.long.as_flattened()[slot(word, self.multiplier)];
        let short = self.short[usize::from(second)][usize::from(first)];
        if symbols.is_prefix(long, word) { long } else { short }
    }

    /// Does the same as [`code`](Self::code) for a word whose first `len` bytes belong to the text.
    pub(crate) fn code_within(&self, symbols: &Symbols, word: u64, len: usize) -> u8 {
        let [first, second, ..] = word.to_le_bytes();
        let long = self.long.as_flattened()[slot(word, self.multiplier)];
        let short = self.short[usize::from(second)][usize::from(first)];
        if symbols.len(long) <= len && symbols.is_prefix(long, word) {
            long
        } else if symbols.len(short) <= len {
            short
        } else {
            self.single[usize::from(first)]
        }
    }

    pub(crate) fn allocation_size(&self) -> usize {
        zmalloc::good_size(size_of_val(&*self.short)) + zmalloc::good_size(size_of_val(&*self.long))
    }
}

/// Returns `N` copies of a row. They are written to the heap directly, because 64 KiB may be too much for a
/// stack.
fn try_rows<const N: usize>(row: Row) -> Result<Box<[Row; N], Zmalloc>, ReserveError> {
    let no_memory = || ReserveError::OutOfMemory { size: N * size_of::<Row>() };
    let mut rows = Vector::new_in(Zmalloc);
    rows.try_reserve_exact(N).map_err(|_| no_memory())?;
    rows.resize(N, row);
    rows.into_boxed_slice().try_into().map_err(|_| no_memory())
}

/// Returns the slot of a word in `long`.
#[inline]
fn slot(word: u64, multiplier: u32) -> usize {
    let hash = (word as u32 & 0x00FF_FFFF).wrapping_mul(multiplier);
    (hash >> (u32::BITS - LONG_SLOTS_BITS)) as usize
}

/// Writes the code of each symbol of three bytes or more into its slot. A symbol whose slot is taken is
/// *hidden*. Returns the number of hidden symbols. All slots must be empty at first.
fn fill_long(symbols: &Symbols, multiplier: u32, long: &mut [u8]) -> usize {
    let mut hidden = 0;
    for (code, slot) in long_slots(symbols, multiplier) {
        if long[slot] == ESCAPE {
            long[slot] = code;
        } else {
            hidden += 1;
        }
    }
    hidden
}

/// Returns an iterator over the symbols of three bytes or more: the code and the slot of each.
fn long_slots(symbols: &Symbols, multiplier: u32) -> impl Iterator<Item = (u8, usize)> {
    let long = (0..ESCAPE).filter(|&code| symbols.len(code) >= 3);
    long.map(move |code| (code, slot(u64::from_le_bytes(symbols.text(code)), multiplier)))
}

/// Finds the multiplier that hides the fewest symbols, fills `long` with it, and returns it. The slots of
/// `long` must be empty.
fn best_multiplier(symbols: &Symbols, long: &mut [u8]) -> u32 {
    // Symbols with the same first three bytes have the same slot, so any multiplier hides all but one of them.
    let prefixes = || symbols.iter().filter_map(|symbol| symbol.first_chunk::<3>());
    let hidden_min =
        prefixes().enumerate().filter(|&(index, prefix)| prefixes().take(index).any(|other| other == prefix));
    let hidden_min = hidden_min.count();
    let mut best = (usize::MAX, 0);
    for number in 0..MULTIPLIERS {
        // The multipliers are the high halves of odd multiples of 2^64 times the golden ratio's fraction.
        // These multiples are spread evenly.
        let multiplier = ((2 * number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32 | 1;
        best = best.min((fill_long(symbols, multiplier, long), multiplier));
        long_slots(symbols, multiplier).for_each(|(_, slot)| long[slot] = ESCAPE);
        if best.0 == hidden_min {
            break;
        }
    }
    fill_long(symbols, best.1, long);
    best.1
}

/// Methods that code texts.
impl SymbolTable {
    /// Codes a text and returns the codes, which begin at the start of `buffer`. O(len).
    ///
    /// The codes overwrite the contents of the buffer. A buffer of fewer than `2 * text.len() + 256` bytes
    /// grows to that length. A longer one is not reallocated and does not shrink. If a text has no symbols,
    /// its codes are twice as long as the text. So the caller should compare the lengths, and keep the text
    /// if the codes are longer.
    ///
    /// # Errors
    /// Returns an error if there is no memory for the buffer.
    pub fn encode<'b>(&self, text: &[u8], buffer: &'b mut Vec<u8>) -> Result<&'b [u8], ReserveError> {
        let room = text.len().saturating_mul(2).saturating_add(LANES * SPARE);
        if buffer.len() < room {
            let no_memory = |_| ReserveError::OutOfMemory { size: room };
            buffer.try_reserve(room - buffer.len()).map_err(no_memory)?;
            buffer.resize(room, 0);
        }
        let coder = Coder { table: self, text };
        let len = if text.len() < LANES_LEN_MIN {
            coder.finish(Lane::default(), buffer).codes_end
        } else {
            coder.encode_lanes(buffer)
        };
        Ok(&buffer[..len])
    }
}

/// A lane: where the next symbol begins in the text, and where its code goes in the buffer.
#[derive(Clone, Copy, Default)]
struct Lane {
    text_pos: usize,
    codes_end: usize,
}

/// A text, and the table that codes it.
struct Coder<'a> {
    table: &'a SymbolTable,
    text: &'a [u8],
}

impl Coder<'_> {
    /// Codes one symbol. Returns `false` and does nothing if fewer than eight bytes are left.
    #[inline(always)]
    fn step(&self, lane: &mut Lane, buffer: &mut [u8]) -> bool {
        let Some(word) = self.text.get(lane.text_pos..).and_then(|rest| rest.first_chunk()) else {
            return false;
        };
        let word = u64::from_le_bytes(*word);
        let code = self.table.encoder.code(&self.table.symbols, word);
        self.put(lane, code, word, buffer);
        true
    }

    /// Writes the code of the symbol that `word` begins with, and moves the lane past the symbol.
    #[inline(always)]
    fn put(&self, lane: &mut Lane, code: u8, word: u64, buffer: &mut [u8]) {
        // The second byte is used only after an escape. Otherwise the next code overwrites it.
        buffer[lane.codes_end..lane.codes_end + 2].copy_from_slice(&[code, word as u8]);
        lane.codes_end += 1 + usize::from(code == ESCAPE);
        lane.text_pos += self.table.symbols.len(code);
    }

    /// Codes the rest of the text from the lane's position. Returns the lane at the end of the text.
    fn finish(&self, mut lane: Lane, buffer: &mut [u8]) -> Lane {
        while self.step(&mut lane, buffer) {}
        while let Some(rest) = self.text.get(lane.text_pos..).filter(|rest| !rest.is_empty()) {
            let mut word = [0; SYMBOL_LEN_MAX];
            word[..rest.len()].copy_from_slice(rest);
            let word = u64::from_le_bytes(word);
            let code = self.table.encoder.code_within(&self.table.symbols, word, rest.len());
            self.put(&mut lane, code, word, buffer);
        }
        lane
    }

    /// Codes a text of at least [`LANES_LEN_MIN`] bytes, and returns where the codes end.
    fn encode_lanes(&self, buffer: &mut [u8]) -> usize {
        let start = |index: usize| {
            let text_pos = index * self.text.len() / LANES;
            Lane { text_pos, codes_end: 2 * text_pos + index * SPARE }
        };
        let mut lanes: [Lane; LANES] = core::array::from_fn(start);
        let ends: [usize; LANES] = core::array::from_fn(|index| match index + 1 {
            LANES => self.text.len() - SYMBOL_LEN_MAX,
            next => start(next).text_pos,
        });
        // All lanes advance in turn, until one of them reaches the end of its part.
        'lanes: loop {
            for (lane, end) in lanes.iter_mut().zip(ends) {
                if lane.text_pos >= end {
                    break 'lanes;
                }
                self.step(lane, buffer);
            }
        }
        let mut lane = lanes[0];
        for (index, next) in lanes.into_iter().enumerate().skip(1) {
            lane = self.join_lanes(lane, start(index), next, buffer);
        }
        self.finish(lane, buffer).codes_end
    }

    /// Continues `lane` to a place where a symbol of the next lane begins, and appends the codes of the next
    /// lane that follow this place. `next` is the start of the next lane, and `next_end` is its end. Returns
    /// the end of the joined lane.
    fn join_lanes(&self, mut lane: Lane, mut next: Lane, next_end: Lane, buffer: &mut [u8]) -> Lane {
        let room_end = next.codes_end;
        loop {
            while next.text_pos < lane.text_pos && next.codes_end < next_end.codes_end {
                let code = buffer[next.codes_end];
                next.text_pos += self.table.symbols.len(code);
                next.codes_end += 1 + usize::from(code == ESCAPE);
            }
            if next.text_pos == lane.text_pos {
                let len = next_end.codes_end - next.codes_end;
                buffer.copy_within(next.codes_end..next_end.codes_end, lane.codes_end);
                return Lane { text_pos: next_end.text_pos, codes_end: lane.codes_end + len };
            }
            // The lanes do not meet, or the spare room ends first. The codes of the next lane are dropped.
            if next.text_pos < lane.text_pos || lane.codes_end + 2 > room_end || !self.step(&mut lane, buffer)
            {
                return lane;
            }
        }
    }
}

//! Coding a text: at each place the symbol that the text goes on with, or the escape.
//!
//! ```text
//!  text   u s e r : 1 7 x     a word of eight bytes
//!         |---|               two of them: `short` has the code of a symbol of two bytes, of one, or the escape
//!         |-----|             three, hashed: `long` has the code of a symbol of three bytes or more
//! ```
//!
//! A symbol of `long` that the word begins with wins. It is the only one: of symbols that share a slot, the table has the
//! first.
//!
//! The length of a symbol says where the next one begins, so each step waits for the loads of the one before. To work on
//! several steps at once, a long text is cut into four *lanes*:
//!
//! ```text
//!  text     |---------------|---------------|---------------|---------------|
//!  lane 0    --->--->--->--->-->            goes on beyond its part, up to a symbol that begins where one of lane 1 does
//!  lane 1                    ->-->--->--->--->->            the codes of lane 1 from there on are the right ones
//! ```
//!
//! What follows a place of the text depends on nothing before it. So the codes are those of a single lane, always. Two lanes
//! that do not meet within 32 symbols are one lane.
//!
//! Learned from: FSST (P. Boncz, T. Neumann, V. Leis, VLDB 2020), for codes of one byte, and for a hash of three bytes with one
//! symbol a slot. The lanes are ours. The slots here hold codes where those of FSST hold symbols: 16 KiB instead of 32 or 64.

use crate::table::{ESCAPE, SYMBOL_LEN_MAX, SymbolTable, Symbols};
use allocator_api2::boxed::Box;
use zmalloc::{ReserveError, Zmalloc};

/// Texts of so many bytes or more are coded in lanes.
const LANES_LEN_MIN: usize = 64;
const LANES: usize = 4;

/// How many bytes of codes a lane can write beyond its part: 32 symbols.
const SPARE: usize = 64;

/// Two bytes have so many values.
const SHORT_SLOTS: usize = 1 << 16;

const LONG_SLOTS_BITS: u32 = 14;
const LONG_SLOTS: usize = 1 << LONG_SLOTS_BITS;

/// How many multipliers of the hash are tried at most.
const MULTIPLIERS: u64 = 512;

/// Where the code of the symbol that a word begins with is found.
pub(crate) struct Encoder {
    /// By the first two bytes of a word: the code of a symbol of two bytes, of one, or the escape.
    short: Box<[u8; SHORT_SLOTS], Zmalloc>,
    /// By the hash of the first three bytes: the code of a symbol of three bytes or more, or the escape.
    long: Box<[u8; LONG_SLOTS], Zmalloc>,
    /// By the first byte: the code of a symbol of one byte, or the escape.
    single: [u8; 256],
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
        let mut short = filled()?;
        for row in short.chunks_exact_mut(single.len()) {
            row.copy_from_slice(&single);
        }
        for (code, symbol) in (0..ESCAPE).zip(symbols.iter()) {
            if let [first, second] = *symbol {
                short[usize::from(u16::from_le_bytes([first, second]))] = code;
            }
        }
        let mut long = filled()?;
        let multiplier = best_multiplier(symbols, &mut long);
        Ok(Self { short, long, single, multiplier })
    }

    /// The code of the symbol that `word` begins with, or the escape. The word has eight bytes of the text.
    #[inline(always)]
    fn code(&self, symbols: &Symbols, word: u64) -> u8 {
        // Both are loaded before it is known which one is needed.
        let long = self.long[slot(word, self.multiplier)];
        let short = self.short[usize::from(word as u16)];
        if symbols.begins(long, word) { long } else { short }
    }

    /// The same for a word of which `len` bytes belong to the text. The others are any bytes.
    fn code_within(&self, symbols: &Symbols, word: u64, len: usize) -> u8 {
        let long = self.long[slot(word, self.multiplier)];
        let short = self.short[usize::from(word as u16)];
        if symbols.len(long) <= len && symbols.begins(long, word) {
            long
        } else if symbols.len(short) <= len {
            short
        } else {
            self.single[usize::from(word as u8)]
        }
    }

    pub(crate) fn allocation_size(&self) -> usize {
        zmalloc::good_size(SHORT_SLOTS) + zmalloc::good_size(LONG_SLOTS)
    }
}

/// A table that has the escape in every slot.
fn filled<const N: usize>() -> Result<Box<[u8; N], Zmalloc>, ReserveError> {
    Box::try_new_in([ESCAPE; N], Zmalloc).map_err(|_| ReserveError::OutOfMemory { size: N })
}

/// The slot of a word in `long`.
#[inline]
fn slot(word: u64, multiplier: u32) -> usize {
    let hash = (word as u32 & 0x00FF_FFFF).wrapping_mul(multiplier);
    (hash >> (u32::BITS - LONG_SLOTS_BITS)) as usize
}

/// Writes the code of each symbol of three bytes or more into its slot, if no other one is there. Returns how many found one.
/// The slots hold nothing else before.
fn fill_long(symbols: &Symbols, multiplier: u32, long: &mut [u8; LONG_SLOTS]) -> usize {
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

/// The codes of symbols of three bytes or more, and their slots.
fn long_slots(symbols: &Symbols, multiplier: u32) -> impl Iterator<Item = (u8, usize)> {
    let long = (0..ESCAPE).filter(|&code| symbols.len(code) >= 3);
    long.map(move |code| (code, slot(u64::from_le_bytes(symbols.text(code)), multiplier)))
}

/// Fills `long`, with the multiplier that hides the fewest symbols behind others.
fn best_multiplier(symbols: &Symbols, long: &mut [u8; LONG_SLOTS]) -> u32 {
    // Of those that begin with the same three bytes, all but the first are hidden by any multiplier.
    let prefixes = || symbols.iter().filter_map(|symbol| symbol.first_chunk::<3>());
    let hidden_min =
        prefixes().enumerate().filter(|&(at, prefix)| prefixes().take(at).any(|other| other == prefix));
    let hidden_min = hidden_min.count();
    let mut best = (usize::MAX, 0);
    for number in 0..MULTIPLIERS {
        // The fraction of the golden ratio, times odd numbers: no two look alike.
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

/// Coding.
impl SymbolTable {
    /// The codes of a text. They are in `buffer`, from its start on. O(len).
    ///
    /// The buffer grows to twice the bytes of the text and 256, and never shrinks. So with the buffer of an earlier call there
    /// is no allocation. A text without any symbol has twice as many codes as bytes: the caller decides whether coding pays.
    ///
    /// # Errors
    /// No memory for the buffer.
    pub fn encode<'b>(&self, text: &[u8], buffer: &'b mut Vec<u8>) -> Result<&'b [u8], ReserveError> {
        let room = 2 * text.len() + LANES * SPARE;
        if buffer.len() < room {
            let out_of_memory = |_| ReserveError::OutOfMemory { size: room };
            buffer.try_reserve_exact(room - buffer.len()).map_err(out_of_memory)?;
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
    at: usize,
    codes_end: usize,
}

struct Coder<'a> {
    table: &'a SymbolTable,
    text: &'a [u8],
}

impl Coder<'_> {
    /// Codes one symbol if eight bytes are left. Returns whether it has.
    #[inline(always)]
    fn step(&self, lane: &mut Lane, buffer: &mut [u8]) -> bool {
        let Some(word) = self.text.get(lane.at..).and_then(|rest| rest.first_chunk()) else { return false };
        let word = u64::from_le_bytes(*word);
        let code = self.table.encoder.code(&self.table.symbols, word);
        self.put(lane, code, word, buffer);
        true
    }

    /// Writes the code of the symbol that `word` begins with, and goes on behind the symbol.
    #[inline(always)]
    fn put(&self, lane: &mut Lane, code: u8, word: u64, buffer: &mut [u8]) {
        // The byte counts only behind an escape. Otherwise the next code overwrites it.
        if let Some(place) = buffer.get_mut(lane.codes_end..).and_then(|rest| rest.first_chunk_mut()) {
            *place = [code, word as u8];
        }
        lane.codes_end += 1 + usize::from(code == ESCAPE);
        lane.at += self.table.symbols.len(code);
    }

    /// Codes the text from the lane's place on.
    fn finish(&self, mut lane: Lane, buffer: &mut [u8]) -> Lane {
        while self.step(&mut lane, buffer) {}
        while let Some(rest) = self.text.get(lane.at..).filter(|rest| !rest.is_empty()) {
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
        let start = |number: usize| {
            let at = number * self.text.len() / LANES;
            Lane { at, codes_end: 2 * at + number * SPARE }
        };
        let mut lanes: [Lane; LANES] = core::array::from_fn(start);
        let ends: [usize; LANES] = core::array::from_fn(|number| match number + 1 {
            LANES => self.text.len() - SYMBOL_LEN_MAX,
            next => start(next).at,
        });
        'all: loop {
            for (lane, end) in lanes.iter_mut().zip(ends) {
                if lane.at >= end {
                    break 'all;
                }
                self.step(lane, buffer);
            }
        }
        let mut lane = lanes[0];
        for (number, next) in lanes.into_iter().enumerate().skip(1) {
            lane = self.join(lane, start(number), next, buffer);
        }
        self.finish(lane, buffer).codes_end
    }

    /// Goes on with `lane` until it meets the lane that has come from `next` to `next_end`. The codes of that one follow then.
    fn join(&self, mut lane: Lane, mut next: Lane, next_end: Lane, buffer: &mut [u8]) -> Lane {
        let room_end = next.codes_end;
        loop {
            while next.at < lane.at && next.codes_end < next_end.codes_end {
                let code = buffer[next.codes_end];
                next.at += self.table.symbols.len(code);
                next.codes_end += 1 + usize::from(code == ESCAPE);
            }
            if next.at == lane.at {
                let len = next_end.codes_end - next.codes_end;
                buffer.copy_within(next.codes_end..next_end.codes_end, lane.codes_end);
                return Lane { at: next_end.at, codes_end: lane.codes_end + len };
            }
            // They do not meet, or not soon enough: the codes of the next lane are not used.
            if next.at < lane.at || lane.codes_end + 2 > room_end || !self.step(&mut lane, buffer) {
                return lane;
            }
        }
    }
}

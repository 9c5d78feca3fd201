//! Suite `sds`: compares `Sds` with the growable strings of std and of well-known crates.
//!
//! All of them run the same loop, which is generic over [`Text`]. So each type does the same work on the same
//! bytes and the same allocator. The texts are ASCII, because two of the peers can hold only UTF-8. They are
//! passed as `&str`, so that these two need no check. `CompactString` stores up to 24 bytes inline, without
//! an allocation, and the 7-byte rows show the effect of this design. Only `Sds` keeps a NUL after the bytes
//! and is one word wide.
//!
//! A value is hidden from the optimizer by reference, never by value. If a `Vec` is moved as 16 bytes at once
//! after its fields were stored as 8 bytes each, the processor stalls for longer than the allocation takes.
//! Which of two identical loops is compiled in this way is a matter of chance.

use crate::measure::{Subject, handle_and_block, paired};
use crate::report::Row;
use crate::suite::{Ctx, Headline};
use bytes::{BufMut, BytesMut};
use compact_str::CompactString;
use sds::Sds;
use std::fmt::{Arguments, Write as _};
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// The operations that the suite needs of a string.
pub trait Text: Clone {
    /// The name of the type in the tables.
    const NAME: &'static str;
    /// Returns a string that holds `text`.
    fn holding(text: &str) -> Self;
    /// Appends one ASCII byte.
    fn push(&mut self, byte: u8);
    /// Appends formatted text.
    fn push_fmt(&mut self, text: Arguments);
    /// Appends a number in decimal.
    fn push_i64(&mut self, value: i64);
}

impl Text for Sds {
    const NAME: &'static str = "Sds";
    #[inline]
    fn holding(text: &str) -> Self {
        Sds::from_bytes(text.as_bytes())
    }
    #[inline]
    fn push(&mut self, byte: u8) {
        self.push(byte);
    }
    #[inline]
    fn push_fmt(&mut self, text: Arguments) {
        let _ = std::fmt::Write::write_fmt(self, text); // cannot fail: a failed allocation aborts
    }
    #[inline]
    fn push_i64(&mut self, value: i64) {
        self.push_i64(value);
    }
}

impl Text for Vec<u8> {
    const NAME: &'static str = "Vec<u8>";
    #[inline]
    fn holding(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
    #[inline]
    fn push(&mut self, byte: u8) {
        self.push(byte);
    }
    #[inline]
    fn push_fmt(&mut self, text: Arguments) {
        let _ = self.write_fmt(text);
    }
    #[inline]
    fn push_i64(&mut self, value: i64) {
        self.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

impl Text for String {
    const NAME: &'static str = "String";
    #[inline]
    fn holding(text: &str) -> Self {
        Self::from(text)
    }
    #[inline]
    fn push(&mut self, byte: u8) {
        self.push(char::from(byte));
    }
    #[inline]
    fn push_fmt(&mut self, text: Arguments) {
        let _ = self.write_fmt(text);
    }
    #[inline]
    fn push_i64(&mut self, value: i64) {
        self.push_str(itoa::Buffer::new().format(value));
    }
}

impl Text for BytesMut {
    const NAME: &'static str = "BytesMut";
    #[inline]
    fn holding(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
    #[inline]
    fn push(&mut self, byte: u8) {
        self.put_u8(byte);
    }
    #[inline]
    fn push_fmt(&mut self, text: Arguments) {
        let _ = self.write_fmt(text);
    }
    #[inline]
    fn push_i64(&mut self, value: i64) {
        self.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

impl Text for CompactString {
    const NAME: &'static str = "CompactString";
    #[inline]
    fn holding(text: &str) -> Self {
        Self::from(text)
    }
    #[inline]
    fn push(&mut self, byte: u8) {
        self.push(char::from(byte));
    }
    #[inline]
    fn push_fmt(&mut self, text: Arguments) {
        let _ = self.write_fmt(text);
    }
    #[inline]
    fn push_i64(&mut self, value: i64) {
        self.push_str(itoa::Buffer::new().format(value));
    }
}

/// Returns a text of `len` ASCII bytes.
pub fn text_of(len: usize) -> String {
    (b'a'..=b'z').cycle().take(len).map(char::from).collect()
}

/// One text at sixteen addresses that differ in their last four bits, like texts in the buffer of a socket.
/// The time of a copy depends on the alignment of both ends. With only one address, headers of one length
/// would have an advantage.
#[derive(Clone, Copy)]
pub struct Texts<'a>([&'a str; 16]);

impl<'a> Texts<'a> {
    /// Returns the texts of `len` bytes in `buffer`.
    ///
    /// # Panics
    /// If `buffer` is shorter than `len + 15`, or if it is not ASCII.
    pub fn new(buffer: &'a str, len: usize) -> Self {
        Self(std::array::from_fn(|offset| &buffer[offset..offset + len]))
    }

    #[inline]
    fn at(&self, i: usize) -> &'a str {
        black_box(self.0[i % 16])
    }
}

/// Creates and frees a string, `ops` times.
#[inline(never)]
pub fn create_and_free<T: Text>(texts: &Texts, ops: usize) -> Duration {
    let start = Instant::now();
    for i in 0..ops {
        let string = T::holding(texts.at(i));
        black_box(&string);
    }
    start.elapsed()
}

/// How many strings [`live`] keeps at once.
pub const LIVE: usize = 1000;

/// Creates and frees `ops` strings, of which [`LIVE`] exist at once.
#[inline(never)]
pub fn live<T: Text>(texts: &Texts, ops: usize) -> Duration {
    let mut all = Vec::with_capacity(LIVE);
    let start = Instant::now();
    for _ in 0..ops / LIVE {
        for i in 0..LIVE {
            all.push(T::holding(texts.at(i)));
        }
        black_box(&mut all);
        all.clear();
    }
    start.elapsed()
}

/// Clones a string and frees the clone, `ops` times.
#[inline(never)]
pub fn clone_and_free<T: Text>(texts: &Texts, ops: usize) -> Duration {
    let original = T::holding(texts.at(0));
    let start = Instant::now();
    for _ in 0..ops {
        let string = black_box(&original).clone();
        black_box(&string);
    }
    start.elapsed()
}

/// Appends `ops` bytes one by one to an empty string, and frees the string.
#[inline(never)]
pub fn push_bytes<T: Text>(ops: usize) -> Duration {
    let start = Instant::now();
    let mut text = T::holding("");
    for i in 0..ops {
        text.push(b'0' + (i & 0x3f) as u8);
    }
    black_box(&text);
    drop(text);
    start.elapsed()
}

/// Appends `ops` formatted lines to an empty string, and frees the string.
#[inline(never)]
pub fn push_lines<T: Text>(ops: usize) -> Duration {
    let start = Instant::now();
    let mut text = T::holding("");
    for i in 0..ops {
        let (id, name, load) = black_box((i, "somebody", 7));
        text.push_fmt(format_args!("user:{id}:name:{name}:load:{load}\r\n"));
    }
    black_box(&text);
    drop(text);
    start.elapsed()
}

/// Appends `ops` numbers of 1 to 19 digits to an empty string, and frees the string.
#[inline(never)]
pub fn push_numbers<T: Text>(ops: usize) -> Duration {
    let start = Instant::now();
    let mut text = T::holding("");
    for i in 0..ops {
        text.push_i64(black_box(i64::MAX >> (i % 61)));
    }
    black_box(&text);
    drop(text);
    start.elapsed()
}

/// The work of a round.
#[derive(Clone, Copy)]
enum Work<'a> {
    Create(&'a Texts<'a>),
    Live(&'a Texts<'a>),
    Clone(&'a Texts<'a>),
    Bytes,
    Lines,
    Numbers,
}

impl Work<'_> {
    fn run<T: Text>(self, ops: usize) -> Duration {
        match self {
            Self::Create(texts) => create_and_free::<T>(texts, ops),
            Self::Live(texts) => live::<T>(texts, ops),
            Self::Clone(texts) => clone_and_free::<T>(texts, ops),
            Self::Bytes => push_bytes::<T>(ops),
            Self::Lines => push_lines::<T>(ops),
            Self::Numbers => push_numbers::<T>(ops),
        }
    }
}

/// A key of a common length, in comparison with the type that Rust programs use for bytes.
pub const HEADLINE: Headline = Headline {
    what: "create and free a string of 44 B, beside Vec<u8>",
    rows: |row| row.case == "create and free" && row.n == 44 && row.peer == "Vec<u8>",
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let ops = ctx.settings.pick(LIVE, 20 * LIVE, 50 * LIVE);
    let buffer = text_of(1000 + 15);
    let lengths = [7, 44, 1000].map(|len| (len, Texts::new(&buffer, len)));
    for (len, texts) in &lengths {
        compare(ctx, "create and free", *len, ops, Work::Create(texts));
    }
    for (len, texts) in &lengths {
        compare(ctx, "1000 live, then freed", *len, ops, Work::Live(texts));
    }
    for (len, texts) in &lengths {
        compare(ctx, "clone and free", *len, ops, Work::Clone(texts));
    }
    let bytes = ctx.settings.pick(1000, 1_000_000, 1_000_000);
    compare(ctx, "append a byte", bytes, bytes, Work::Bytes);
    compare(ctx, "append formatted", 1000, 1000, Work::Lines);
    compare(ctx, "append an integer", 1000, 1000, Work::Numbers);
    for (_, texts) in &lengths {
        memory(ctx, texts.at(0));
    }
    ctx.report.note(
        ctx.suite,
        "n: length of the text, or how many appends one string takes. Memory: the handle and its block.",
    );
    Ok(())
}

fn compare(ctx: &mut Ctx, case: &str, n: usize, ops: usize, work: Work) {
    let rounds = ctx.settings.pick(2, 31, 101);
    fn subject<'a, T: Text>(work: Work<'a>, ops: usize) -> Subject<'a> {
        Subject::new(T::NAME, move || work.run::<T>(ops))
    }
    let mut subjects = [
        subject::<Sds>(work, ops),
        subject::<Vec<u8>>(work, ops),
        subject::<BytesMut>(work, ops),
        subject::<CompactString>(work, ops),
        subject::<String>(work, ops),
    ];
    ctx.progress.start(&format!("{case}, {n}"), rounds + 1);
    let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
    ctx.report.compare(ctx.suite, case, n as u64, ops as u64, &samples);
}

fn memory(ctx: &mut Ctx, text: &str) {
    fn of<T: Text>(text: &str) -> f64 {
        handle_and_block(|| T::holding(text))
    }
    let ours =
        Row::alone(ctx.suite, "one string", text.len() as u64, Sds::NAME, "memory", "B", of::<Sds>(text));
    for (peer, bytes) in [
        (Vec::<u8>::NAME, of::<Vec<u8>>(text)),
        (BytesMut::NAME, of::<BytesMut>(text)),
        (CompactString::NAME, of::<CompactString>(text)),
        (String::NAME, of::<String>(text)),
    ] {
        ctx.report.row(ours.clone().beside(peer, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All subjects must write the same bytes. Otherwise their times could not be compared.
    #[test]
    fn subjects_do_the_same_work() {
        fn written<T: Text + AsRef<[u8]>>() -> Vec<u8> {
            let mut text = T::holding("x");
            text.push(b'y');
            text.push_fmt(format_args!("<{}>", 12));
            text.push_i64(-345);
            text.as_ref().to_vec()
        }
        let expected = b"xy<12>-345";
        assert_eq!(written::<Sds>(), expected);
        assert_eq!(written::<Vec<u8>>(), expected);
        assert_eq!(written::<BytesMut>(), expected);
        assert_eq!(written::<CompactString>(), expected);
        assert_eq!(written::<String>(), expected);
    }
}

//! Suite `robj`: compares objects with the shared and owned byte strings that a Rust store would hold
//! instead.
//!
//! `Robj` is a reference-counted value of one word with a type, an encoding and a clock. `Arc<[u8]>` and
//! `Bytes` are only reference-counted. `Box<[u8]>` is owned, so a clone copies it. All of them hold the same
//! bytes on the same allocator. The rows about encoding show the cost of the compact form when a value
//! arrives. The peers have no such form, and keep the text.

use crate::measure::{Subject, handle_and_block, paired};
use crate::report::Row;
use crate::suite::{Ctx, Headline};
use crate::suites::sds::text_of;
use bytes::Bytes;
use robj::{EncodingLimits, Robj};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;

/// The operations that the suite needs of a value.
pub trait Value: Clone {
    /// The name of the type in the tables.
    const NAME: &'static str;
    /// Returns a value that holds `bytes` unchanged.
    fn holding(bytes: &[u8]) -> Self;
    /// Returns a value that holds `bytes` in its most compact form.
    #[inline]
    fn encoded(bytes: &[u8]) -> Self {
        Self::holding(bytes)
    }
    /// Returns a value that holds a number.
    #[inline]
    fn number(value: i64) -> Self {
        Self::holding(itoa::Buffer::new().format(value).as_bytes())
    }
}

impl Value for Robj {
    const NAME: &'static str = "Robj";
    #[inline]
    fn holding(bytes: &[u8]) -> Self {
        Self::from_bytes(bytes, &LIMITS)
    }
    #[inline]
    fn encoded(bytes: &[u8]) -> Self {
        Self::from_bytes(bytes, &LIMITS).encode(&LIMITS)
    }
    #[inline]
    fn number(value: i64) -> Self {
        Self::from_i64(value, &LIMITS)
    }
}

impl Value for Arc<[u8]> {
    const NAME: &'static str = "Arc<[u8]>";
    #[inline]
    fn holding(bytes: &[u8]) -> Self {
        bytes.into()
    }
}

impl Value for Bytes {
    const NAME: &'static str = "Bytes";
    #[inline]
    fn holding(bytes: &[u8]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl Value for Box<[u8]> {
    const NAME: &'static str = "Box<[u8]>";
    #[inline]
    fn holding(bytes: &[u8]) -> Self {
        bytes.into()
    }
}

/// Creates and frees a value, `ops` times.
#[inline(never)]
pub fn create_and_free<V: Value>(bytes: &[u8], ops: usize) -> Duration {
    time(ops, || V::holding(black_box(bytes)))
}

/// Creates, encodes and frees a value, `ops` times.
#[inline(never)]
pub fn encode_and_free<V: Value>(bytes: &[u8], ops: usize) -> Duration {
    time(ops, || V::encoded(black_box(bytes)))
}

/// Creates a value from a number and frees it, `ops` times.
#[inline(never)]
pub fn number_and_free<V: Value>(number: i64, ops: usize) -> Duration {
    time(ops, || V::number(black_box(number)))
}

/// Clones a value and drops the clone, `ops` times.
#[inline(never)]
pub fn clone_and_drop<V: Value>(bytes: &[u8], ops: usize) -> Duration {
    let original = V::holding(bytes);
    // `Bytes` begins to count references with its first clone, which is made before the clock starts.
    let _second = original.clone();
    time(ops, || black_box(&original).clone())
}

#[inline]
fn time<V>(ops: usize, mut make: impl FnMut() -> V) -> Duration {
    let start = Instant::now();
    for _ in 0..ops {
        let value = make();
        black_box(&value); // by reference: the suite `sds` gives the reason
    }
    start.elapsed()
}

/// The work of a round.
#[derive(Clone, Copy)]
enum Work<'a> {
    Create(&'a [u8]),
    Clone(&'a [u8]),
    Encode(&'a [u8]),
    Number(i64),
}

impl Work<'_> {
    fn run<V: Value>(self, ops: usize) -> Duration {
        match self {
            Self::Create(bytes) => create_and_free::<V>(bytes, ops),
            Self::Clone(bytes) => clone_and_drop::<V>(bytes, ops),
            Self::Encode(bytes) => encode_and_free::<V>(bytes, ops),
            Self::Number(number) => number_and_free::<V>(number, ops),
        }
    }
}

/// The longest string that is in the same block as its header, in comparison with a peer that counts
/// references too.
pub const HEADLINE: Headline = Headline {
    what: "create and free a value of 44 B, beside Arc<[u8]>",
    rows: |row| row.case == "create and free" && row.n == 44 && row.peer == "Arc<[u8]>",
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    let texts = [7, 44, 1000].map(text_of);
    for text in &texts {
        compare(ctx, "create and free", text.len(), Work::Create(text.as_bytes()));
    }
    for text in &texts {
        compare(ctx, "clone and drop", text.len(), Work::Clone(text.as_bytes()));
    }
    let digits = "1234567890";
    compare(ctx, "encode, a number", digits.len(), Work::Encode(digits.as_bytes()));
    compare(ctx, "encode, a word", 10, Work::Encode(text_of(10).as_bytes()));
    compare(ctx, "from an integer", 10, Work::Number(1_234_567_890));
    compare(ctx, "from a shared integer", 4, Work::Number(1234));
    for text in &texts {
        memory(ctx, "one value", text.as_bytes());
    }
    memory(ctx, "one number", digits.as_bytes());
    memory(ctx, "one shared number", b"1234");
    ctx.report.note(ctx.suite, "n: length of the text in bytes. Memory: the handle and its block.");
    Ok(())
}

fn compare(ctx: &mut Ctx, case: &str, n: usize, work: Work) {
    let ops = ctx.settings.pick(1000, 20_000, 50_000);
    let rounds = ctx.settings.pick(2, 31, 101);
    fn subject<'a, V: Value>(work: Work<'a>, ops: usize) -> Subject<'a> {
        Subject::new(V::NAME, move || work.run::<V>(ops))
    }
    let mut subjects = [
        subject::<Robj>(work, ops),
        subject::<Arc<[u8]>>(work, ops),
        subject::<Bytes>(work, ops),
        subject::<Box<[u8]>>(work, ops),
    ];
    ctx.progress.start(&format!("{case}, {n}"), rounds + 1);
    let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
    ctx.report.compare(ctx.suite, case, n as u64, ops as u64, &samples);
}

fn memory(ctx: &mut Ctx, case: &str, bytes: &[u8]) {
    let ours = handle_and_block(|| Robj::encoded(bytes));
    let ours = Row::alone(ctx.suite, case, bytes.len() as u64, Robj::NAME, "memory", "B", ours);
    for (peer, bytes) in [
        (<Arc<[u8]>>::NAME, handle_and_block(|| <Arc<[u8]>>::encoded(bytes))),
        (Bytes::NAME, handle_and_block(|| Bytes::encoded(bytes))),
        (<Box<[u8]>>::NAME, handle_and_block(|| <Box<[u8]>>::encoded(bytes))),
    ] {
        ctx.report.row(ours.clone().beside(peer, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_takes_the_forms_that_the_cases_name() {
        use values::Encoding;
        assert_eq!(Robj::encoded(b"1234567890").encoding(), Encoding::Int);
        assert_eq!(Robj::encoded(b"abcdefghij").encoding(), Encoding::EmbStr);
        assert!(Robj::number(1234).is_shared_integer());
        assert!(!Robj::number(1_234_567_890).is_shared_integer());
        assert_eq!(Robj::holding(&[b'x'; 44]).encoding(), Encoding::EmbStr);
        assert_eq!(Robj::holding(&[b'x'; 1000]).encoding(), Encoding::Raw);
    }
}

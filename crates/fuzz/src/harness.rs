//! Code that the targets share: decoding operations, failing allocations, and counting bytes.

use ::zmalloc::{Region, fault};
use arbitrary::{Arbitrary, Unstructured};
use std::fmt;
use std::time::Duration;

/// Decodes operations until the end of the input. An incomplete operation at the end is dropped.
pub(crate) fn operations<Op: for<'a> Arbitrary<'a>>(data: &[u8]) -> impl Iterator<Item = Op> {
    let mut input = Unstructured::new(data);
    std::iter::from_fn(move || if input.is_empty() { None } else { Op::arbitrary(&mut input).ok() })
}

/// A plan of failing allocations, decoded from an input. The numbers are small, so that operations reach
/// them.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Plan {
    None,
    Nth(u8),
    From(u8),
}

/// Makes allocations fail as the current plan says.
pub(crate) struct Faults {
    guard: Option<fault::Guard>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { guard: None }
    }

    pub(crate) fn follow(&mut self, plan: Plan) {
        // The old guard ends any plan when it is dropped, so it is dropped before the new plan begins.
        self.guard = None;
        self.guard = match plan {
            Plan::None => None,
            Plan::Nth(n) => Some(fault::fail_nth(u64::from(n % 16))),
            Plan::From(n) => Some(fault::fail_from(u64::from(n % 16))),
        };
    }

    /// Runs `operation` and returns its result. Also returns whether the plan made an allocation of the
    /// operation fail.
    pub(crate) fn watch<T>(&self, operation: impl FnOnce() -> T) -> (T, bool) {
        let failures = || self.guard.as_ref().map_or(0, fault::Guard::failures);
        let before = failures();
        let result = operation();
        (result, failures() > before)
    }
}

/// Checks, when it is dropped, that the thread has freed all memory that it has allocated since
/// [`open`](Self::open). Structures that are checked are declared after this value, so that they are dropped
/// before it.
pub(crate) struct LeakCheck {
    region: Region,
}

impl LeakCheck {
    pub(crate) fn open() -> Self {
        Self { region: Region::start() }
    }

    /// Returns the number of bytes that the thread has allocated since the start and not freed.
    pub(crate) fn used(&self) -> usize {
        self.region.held() as usize
    }
}

impl Drop for LeakCheck {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.region.held(), 0, "bytes lost or freed twice");
        }
    }
}

/// Returns a clock that advances by a millisecond at each call.
pub(crate) fn clock() -> impl FnMut() -> Duration {
    let mut time = Duration::ZERO;
    move || {
        time += Duration::from_millis(1);
        time
    }
}

/// Bytes that an input chooses. Short texts are bytes of the input. Long texts repeat one byte, so that a few
/// bytes of input reach the limits of headers.
#[derive(Clone)]
pub(crate) struct Text(pub(crate) Vec<u8>);

/// Shows only the start and the length of a long text.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, len) = (&self.0[..self.0.len().min(60)], self.0.len());
        write!(f, "\"{}\"", start.escape_ascii())?;
        if start.len() < len { write!(f, " and so on, {len} bytes") } else { Ok(()) }
    }
}

/// The limit of the length of a text. It is above all limits of structures, except those of gigabytes.
const TEXT_LEN_MAX: usize = 70_000;

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let kind: u8 = input.arbitrary()?;
        Ok(Self(match kind {
            0..224 => {
                let len = usize::from(kind % 56).min(input.len());
                input.bytes(len)?.to_vec()
            }
            224..248 => vec![input.arbitrary()?; usize::from(input.arbitrary::<u16>()?) % 600],
            248.. => vec![input.arbitrary()?; input.arbitrary::<u32>()? as usize % TEXT_LEN_MAX],
        }))
    }
}

/// A length or a position. It is often small, and sometimes near a limit of headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Len(pub(crate) usize);

impl<'a> Arbitrary<'a> for Len {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let small = usize::from(input.arbitrary::<u8>()?);
        let base = *input.choose(&[0, 0, 0, 0, 200, 65_400])?;
        Ok(Self(base + small))
    }
}

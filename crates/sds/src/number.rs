//! Numbers and formatted text.

use crate::Sds;
use crate::error::{FormatError, ReserveError, or_oom};
use core::fmt::{self, Write};

/// Doubles up to here are whole numbers that an `i64` and back does not change: 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Calls `write` with the shortest text that reads back as `value`: whole numbers up to 2^53 without a
/// point, as Redis writes them, the others as `0.1` or `1e+300`; `inf`, `-inf`, `nan`; `-0` keeps its sign.
fn with_f64_text<R>(value: f64, write: impl FnOnce(&[u8]) -> R) -> R {
    if value.is_nan() {
        write(b"nan")
    } else if value.is_infinite() {
        write(if value > 0.0 { b"inf" } else { b"-inf" })
    } else if value == 0.0 {
        write(if value.is_sign_negative() { b"-0" } else { b"0" })
    } else if value.abs() <= WHOLE_MAX && value.fract() == 0.0 {
        write(itoa::Buffer::new().format(value as i64).as_bytes())
    } else {
        write(zmij::Buffer::new().format_finite(value).as_bytes())
    }
}

impl Sds {
    /// `value` in decimal. In C: `sdsfromlonglong`.
    ///
    /// ```
    /// assert_eq!(sds::Sds::from_i64(i64::MIN), "-9223372036854775808");
    /// ```
    pub fn from_i64(value: i64) -> Self {
        or_oom(Self::try_from_i64(value))
    }

    /// [`from_i64`](Self::from_i64) that answers an error.
    pub fn try_from_i64(value: i64) -> Result<Self, ReserveError> {
        Self::try_from_bytes(itoa::Buffer::new().format(value).as_bytes())
    }

    /// The shortest decimal text that reads back as `value`; whole numbers up to 2^53 have no point, as in
    /// Redis' replies.
    ///
    /// ```
    /// use sds::Sds;
    /// assert_eq!(Sds::from_f64(3.0), "3");
    /// assert_eq!(Sds::from_f64(0.1 + 0.2), "0.30000000000000004");
    /// assert_eq!(Sds::from_f64(f64::NEG_INFINITY), "-inf");
    /// ```
    pub fn from_f64(value: f64) -> Self {
        or_oom(Self::try_from_f64(value))
    }

    /// [`from_f64`](Self::from_f64) that answers an error.
    pub fn try_from_f64(value: f64) -> Result<Self, ReserveError> {
        with_f64_text(value, Self::try_from_bytes)
    }

    /// Appends `value` in decimal. In C: `sdscatfmt` with `%I`.
    pub fn push_i64(&mut self, value: i64) {
        or_oom(self.try_push_i64(value));
    }

    /// [`push_i64`](Self::push_i64) that answers an error.
    pub fn try_push_i64(&mut self, value: i64) -> Result<(), ReserveError> {
        self.try_push_bytes(itoa::Buffer::new().format(value).as_bytes())
    }

    /// Appends `value` in decimal. In C: `sdscatfmt` with `%U`.
    pub fn push_u64(&mut self, value: u64) {
        or_oom(self.try_push_u64(value));
    }

    /// [`push_u64`](Self::push_u64) that answers an error.
    pub fn try_push_u64(&mut self, value: u64) -> Result<(), ReserveError> {
        self.try_push_bytes(itoa::Buffer::new().format(value).as_bytes())
    }

    /// Appends `value` as [`from_f64`](Self::from_f64) writes it.
    pub fn push_f64(&mut self, value: f64) {
        or_oom(self.try_push_f64(value));
    }

    /// [`push_f64`](Self::push_f64) that answers an error.
    pub fn try_push_f64(&mut self, value: f64) -> Result<(), ReserveError> {
        with_f64_text(value, |text| self.try_push_bytes(text))
    }

    /// Appends formatted text; after an error the string holds what it held. `write!` does the same with
    /// the OOM handler. In C: `sdscatprintf`, `sdscatfmt`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("--");
    /// s.try_push_fmt(format_args!("{}, {:>4}", "Hi!", 42))?;
    /// assert_eq!(s, "--Hi!,   42");
    /// # Ok::<(), sds::FormatError>(())
    /// ```
    pub fn try_push_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), FormatError> {
        let old_len = self.len();
        let mut writer = TryWriter { s: self, failure: None };
        let result = writer.write_fmt(text);
        let failure = match (writer.failure, result) {
            (None, Ok(())) => return Ok(()),
            (Some(error), _) => FormatError::Reserve(error),
            (None, Err(fmt::Error)) => FormatError::Display,
        };
        self.truncate(old_len);
        Err(failure)
    }
}

/// Remembers why it failed, which `fmt::Error` cannot say.
struct TryWriter<'a> {
    s: &'a mut Sds,
    failure: Option<ReserveError>,
}

impl Write for TryWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.s.try_push_bytes(text.as_bytes()).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }
}

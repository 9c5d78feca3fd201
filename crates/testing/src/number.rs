//! Numbers in text, for the models of `INCR`, `INCRBYFLOAT` and similar commands.

/// The maximum length of a text whose number an `f64` represents precisely enough: two different numbers of at
/// most 15 digits have different `f64`s.
const EXACT_LEN_MAX: usize = 15;

/// Returns the `i64` whose canonical decimal form is `text`, or `None` if `text` is not such a form.
///
/// ```
/// assert_eq!(testing::integer(b"-7"), Some(-7));
/// assert_eq!(testing::integer(b"+7"), None);
/// ```
pub fn integer(text: &[u8]) -> Option<i64> {
    let value: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (value.to_string().as_bytes() == text).then_some(value)
}

/// The expected result of `INCRBYFLOAT` for an increment in quarters, if an `f64` suffices to compute it.
///
/// ```
/// use testing::FloatSum;
/// assert_eq!(FloatSum::of(b"10.5", 1), FloatSum::Text(b"10.75".to_vec()));
/// assert_eq!(FloatSum::of(b"819778102212150", 101), FloatSum::Text(b"819778102212175.25".to_vec()));
/// assert_eq!(FloatSum::of(b"ten", 1), FloatSum::NotAFloat);
/// assert_eq!(FloatSum::of(b"1e5000", 1), FloatSum::Unknown); // too large for an f64
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FloatSum {
    /// The text is not a number.
    NotAFloat,
    /// The sum.
    Text(Vec<u8>),
    /// The sum is unknown: an `f64` rounds the number or cannot hold it, or std parses the text differently
    /// from C.
    Unknown,
}

impl FloatSum {
    /// Returns the sum of the number in `text` and `quarters / 4`.
    pub fn of(text: &[u8], quarters: i8) -> Self {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
        let has_letter = |letter: u8| text.iter().any(|byte| byte.eq_ignore_ascii_case(&letter));
        match number {
            None if has_letter(b'x') => Self::Unknown, // the number may be hexadecimal
            None => Self::NotAFloat,
            Some(number)
                if text.len() > EXACT_LEN_MAX || has_letter(b'e') || (number * 4.0).fract() != 0.0 =>
            {
                Self::Unknown
            }
            // The sum may have more digits than an `f64` prints, so whole quarters are added.
            Some(number) => Self::Text(text_of_quarters((number * 4.0) as i64 + i64::from(quarters))),
        }
    }
}

/// Returns the shortest decimal form of a number of quarters.
fn text_of_quarters(quarters: i64) -> Vec<u8> {
    let sign = if quarters < 0 { "-" } else { "" };
    let fraction = ["", ".25", ".5", ".75"][(quarters.unsigned_abs() % 4) as usize];
    format!("{sign}{}{fraction}", quarters.unsigned_abs() / 4).into_bytes()
}

//! [`Thousands`]: numbers as people read them.

use core::fmt;

/// The most bytes: twenty digits and six commas.
const LEN_MAX: usize = 26;

/// Prints a number with a comma between each three digits. A width and an alignment count for the whole.
///
/// ```
/// use common::Thousands;
/// assert_eq!(Thousands(8_248_576).to_string(), "8,248,576");
/// assert_eq!(format!("{:>7}|{:<4}|", Thousands(90_000), Thousands(7)), " 90,000|7   |");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thousands(pub u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Written from the end.
        let mut text = [b','; LEN_MAX];
        let (mut start, mut rest, mut digits) = (LEN_MAX, self.0, 0);
        while rest > 0 || digits == 0 {
            // Behind every third digit, the comma is there already.
            start -= 1 + usize::from(digits > 0 && digits % 3 == 0);
            text[start] = b'0' + (rest % 10) as u8;
            (rest, digits) = (rest / 10, digits + 1);
        }
        f.pad(core::str::from_utf8(&text[start..]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_stands_between_each_three_digits() {
        let cases = [
            (0, "0"),
            (7, "7"),
            (999, "999"),
            (1_000, "1,000"),
            (100_000, "100,000"),
            (1_000_001, "1,000,001"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ];
        for (number, text) in cases {
            assert_eq!(Thousands(number).to_string(), text);
        }
        assert_eq!(Thousands(u64::MAX).to_string().len(), LEN_MAX);
    }
}

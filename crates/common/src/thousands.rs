//! [`Thousands`] and [`SignedThousands`]: numbers with commas between groups of three digits.

use core::fmt;

/// The length of the longest text, in bytes: twenty digits and six commas.
const LEN_MAX: usize = 26;

/// Prints a number with commas between groups of three digits. Width, alignment, sign and precision work as
/// for an integer, except that the leading zeros of `{:010}` get no commas.
///
/// ```
/// use common::Thousands;
/// assert_eq!(Thousands(8_248_576).to_string(), "8,248,576");
/// assert_eq!(format!("{:7}|{:<4}|", Thousands(90_000), Thousands(7)), " 90,000|7   |");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thousands(pub u64);

/// Prints a signed number as [`Thousands`] does.
///
/// ```
/// use common::SignedThousands;
/// assert_eq!(SignedThousands(-8_248_576).to_string(), "-8,248,576");
/// assert_eq!(format!("{:7}|{:<4}|", SignedThousands(-9_000), SignedThousands(7)), " -9,000|7   |");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedThousands(pub i64);

/// Writes the digits and commas of a number to the end of `buffer`, and returns them.
fn text(number: u64, buffer: &mut [u8; LEN_MAX]) -> &str {
    // The text is written from its end.
    *buffer = [b','; LEN_MAX];
    let (mut start, mut rest, mut digits) = (LEN_MAX, number, 0);
    while rest > 0 || digits == 0 {
        // The buffer holds commas already, so a comma only has to be skipped after every third digit.
        start -= 1 + usize::from(digits > 0 && digits % 3 == 0);
        buffer[start] = b'0' + (rest % 10) as u8;
        (rest, digits) = (rest / 10, digits + 1);
    }
    core::str::from_utf8(&buffer[start..]).unwrap_or_default()
}

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad_integral(true, "", text(self.0, &mut [0; LEN_MAX]))
    }
}

impl fmt::Display for SignedThousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad_integral(self.0 >= 0, "", text(self.0.unsigned_abs(), &mut [0; LEN_MAX]))
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
        let cases = [(-1, "-1"), (0, "0"), (-1_000, "-1,000"), (i64::MIN, "-9,223,372,036,854,775,808")];
        for (number, text) in cases {
            assert_eq!(SignedThousands(number).to_string(), text);
        }
    }

    #[test]
    fn a_number_with_commas_is_padded_as_an_integer_is() {
        assert_eq!(format!("{:10}", Thousands(9_000)), "     9,000");
        assert_eq!(format!("{:10}", SignedThousands(9_000)), "     9,000");
        assert_eq!(format!("{:10}", SignedThousands(-9_000)), "    -9,000");
        assert_eq!(
            format!("{:.2}|{:<7}|{:^7}|", Thousands(9_000), Thousands(9_000), Thousands(9_000)),
            "9,000|9,000  | 9,000 |"
        );
        for (number, signed) in [(0, 0), (9_000, 9_000)] {
            let (number, signed) = (Thousands(number), SignedThousands(signed));
            assert_eq!(format!("{number:+08}"), format!("{signed:+08}"));
        }
    }
}

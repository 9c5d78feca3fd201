//! The three sizes that integers are stored in.

/// How the integers of a set are stored: all of them in 16, 32 or 64 bits, whatever the largest needs. The numbers are those
/// of the header, and the bytes of one integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Encoding {
    /// In C: `INTSET_ENC_INT16`.
    Int16 = 2,
    /// In C: `INTSET_ENC_INT32`.
    Int32 = 4,
    /// In C: `INTSET_ENC_INT64`.
    Int64 = 8,
}

impl Encoding {
    /// The smallest encoding that has `value`. In C: `_intsetValueEncoding`.
    #[inline]
    pub const fn of(value: i64) -> Self {
        if value == value as i16 as i64 {
            Self::Int16
        } else if value == value as i32 as i64 {
            Self::Int32
        } else {
            Self::Int64
        }
    }

    /// The encoding with this number; `None` if there is none.
    pub(crate) const fn from_number(number: u32) -> Option<Self> {
        match number {
            2 => Some(Self::Int16),
            4 => Some(Self::Int32),
            8 => Some(Self::Int64),
            _ => None,
        }
    }

    /// The encoding with this number. Returns [`Int64`](Self::Int64) for any other number.
    #[inline]
    pub(crate) const fn from_number_lossy(number: u32) -> Self {
        match number {
            2 => Self::Int16,
            4 => Self::Int32,
            _ => Self::Int64,
        }
    }

    /// Bytes of one integer.
    #[inline]
    pub const fn size(self) -> usize {
        self as usize
    }
}

/// An integer as it is stored: two, four or eight bytes at any address, the least significant first.
pub(crate) trait Item: Copy + AsRef<[u8]> {
    const ENCODING: Encoding;

    /// The number in its own size, in which it is compared.
    type Number: Ord + Copy + TryFrom<i64>;

    /// The integers that the bytes are, without a rest that is too short for one.
    fn slice(bytes: &[u8]) -> &[Self];

    fn slice_mut(bytes: &mut [u8]) -> &mut [Self];

    fn number(self) -> Self::Number;

    /// As it is stored; `None` if it needs more bytes.
    fn new(value: i64) -> Option<Self>;

    fn get(self) -> i64;
}

macro_rules! item {
    ($($int:ty = $encoding:ident),*) => { $(
        impl Item for [u8; size_of::<$int>()] {
            const ENCODING: Encoding = Encoding::$encoding;

            type Number = $int;

            #[inline]
            fn slice(bytes: &[u8]) -> &[Self] {
                bytes.as_chunks().0
            }

            #[inline]
            fn slice_mut(bytes: &mut [u8]) -> &mut [Self] {
                bytes.as_chunks_mut().0
            }

            #[inline]
            fn number(self) -> $int {
                <$int>::from_le_bytes(self)
            }

            #[inline]
            fn new(value: i64) -> Option<Self> {
                <$int>::try_from(value).ok().map(<$int>::to_le_bytes)
            }

            #[inline]
            fn get(self) -> i64 {
                self.number().into()
            }
        }
    )* };
}

item!(i16 = Int16, i32 = Int32, i64 = Int64);

/// The integers of a set, each as it is stored, in ascending order.
#[derive(Clone, Copy)]
pub(crate) enum Items<'a> {
    Int16(&'a [[u8; 2]]),
    Int32(&'a [[u8; 4]]),
    Int64(&'a [[u8; 8]]),
}

impl<'a> Items<'a> {
    /// The integers that the bytes are in the encoding of that number, as [`Encoding::from_number_lossy`] understands it. The
    /// compiler does not see through an [`Encoding`] on the way and would compare twice.
    #[inline]
    pub(crate) fn new(number: u32, bytes: &'a [u8]) -> Self {
        match number {
            2 => Self::Int16(Item::slice(bytes)),
            4 => Self::Int32(Item::slice(bytes)),
            _ => Self::Int64(Item::slice(bytes)),
        }
    }
}

/// `$body` with `$slice` as the slice of whichever encoding it is.
macro_rules! with_items {
    ($items:expr, $slice:ident => $body:expr) => {
        match $items {
            $crate::item::Items::Int16($slice) => $body,
            $crate::item::Items::Int32($slice) => $body,
            $crate::item::Items::Int64($slice) => $body,
        }
    };
}
pub(crate) use with_items;

/// The index of `value`, or where it would be inserted. O(log n), one comparison a step and no branch on its outcome:
/// the outcome is a coin toss, and a branch that is guessed wrong costs more than the step.
///
/// It is a call, so that finding the integers, which is a few instructions, is inlined where they are searched.
#[inline(never)]
pub(crate) fn search<T: Item>(items: &[T], value: i64) -> Result<usize, usize> {
    match T::Number::try_from(value) {
        Ok(number) => items.binary_search_by(|item| item.number().cmp(&number)),
        Err(_) => Err(if value < 0 { 0 } else { items.len() }), // too large for any of them
    }
}

/// The index of the first that is not below `least`, found by steps that double and then by halving: O(log d) for the `d` that
/// are below, where halving alone would take O(log n).
#[inline]
pub(crate) fn gallop<T: Item>(items: &[T], least: i64) -> usize {
    let Ok(least) = T::Number::try_from(least) else { return if least < 0 { 0 } else { items.len() } };
    // All before `low` are below; the one at `low + step - 1`, if there is one, is the next to be looked at.
    let (mut low, mut step) = (0, 1);
    while let Some(item) = items.get(low + step - 1) {
        if item.number() >= least {
            break;
        }
        low += step;
        step *= 2;
    }
    if step == 1 {
        return low; // as often in sets that are alike
    }
    let high = items.len().min(low + step - 1);
    low + items[low..high].partition_point(|item| item.number() < least)
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_smallest_that_has_the_value() {
        for (value, encoding) in [
            (0, Encoding::Int16),
            (i16::MAX.into(), Encoding::Int16),
            (i16::MIN.into(), Encoding::Int16),
            (i64::from(i16::MAX) + 1, Encoding::Int32),
            (i64::from(i16::MIN) - 1, Encoding::Int32),
            (i32::MAX.into(), Encoding::Int32),
            (i32::MIN.into(), Encoding::Int32),
            (i64::from(i32::MAX) + 1, Encoding::Int64),
            (i64::from(i32::MIN) - 1, Encoding::Int64),
            (i64::MAX, Encoding::Int64),
            (i64::MIN, Encoding::Int64),
        ] {
            assert_eq!(Encoding::of(value), encoding, "{value}");
        }
        for number in 0..20 {
            assert!(Encoding::from_number(number).is_none_or(|encoding| encoding as u32 == number));
        }
    }

    #[test]
    fn galloping_arrives_where_counting_does() {
        for len in 0..40_i64 {
            let items: Vec<[u8; 4]> = (0..len).filter_map(|n| Item::new(2 * n)).collect();
            for least in -1..2 * len + 2 {
                let below = (0..len).filter(|n| 2 * n < least).count();
                assert_eq!(gallop(&items, least), below, "{least} in {len}");
                assert_eq!(search(&items, least).unwrap_or_else(|at| at), below);
                assert_eq!(search(&items, least).is_ok(), least >= 0 && least % 2 == 0 && least < 2 * len);
            }
        }
    }
}

//! The three sizes in which integers are stored, and how integers of each size are searched.

/// How the integers of a set are stored: all of them have 16, 32 or 64 bits. The discriminant is the number
/// in the header, and also the size of one integer in bytes.
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
    /// Returns the smallest encoding that can store `value`. In C: `_intsetValueEncoding`.
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

    /// Returns the encoding with this number in the header. Returns `None` if there is none.
    pub(crate) const fn from_number(number: u32) -> Option<Self> {
        match number {
            2 => Some(Self::Int16),
            4 => Some(Self::Int32),
            8 => Some(Self::Int64),
            _ => None,
        }
    }

    /// Returns the encoding with this number in the header. Returns [`Int64`](Self::Int64) for any other
    /// number.
    #[inline]
    pub(crate) const fn from_number_lossy(number: u32) -> Self {
        match number {
            2 => Self::Int16,
            4 => Self::Int32,
            _ => Self::Int64,
        }
    }

    /// Returns the size of one integer in bytes.
    #[inline]
    pub const fn size(self) -> usize {
        self as usize
    }
}

/// An integer as it is stored: two, four or eight bytes, little-endian, at any address.
pub(crate) trait Item: Copy + AsRef<[u8]> {
    const ENCODING: Encoding;

    /// The primitive type of the same size. Integers are compared in this type.
    type Number: Ord + Copy + TryFrom<i64>;

    /// Returns the bytes as a slice of integers. Bytes at the end that are too few for an integer are left
    /// out.
    fn slice(bytes: &[u8]) -> &[Self];

    fn slice_mut(bytes: &mut [u8]) -> &mut [Self];

    fn number(self) -> Self::Number;

    /// Returns `value` as it is stored. Returns `None` if the value needs more bytes.
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

/// The integers of a set, as they are stored, in ascending order.
#[derive(Clone, Copy)]
pub(crate) enum Items<'a> {
    Int16(&'a [[u8; 2]]),
    Int32(&'a [[u8; 4]]),
    Int64(&'a [[u8; 8]]),
}

impl<'a> Items<'a> {
    /// Returns the bytes as integers. `number` is the encoding in the header. It is read as
    /// [`Encoding::from_number_lossy`] reads it.
    ///
    /// This takes a number and not an [`Encoding`], because the compiler would emit two comparisons for an
    /// `Encoding`.
    #[inline]
    pub(crate) fn new(number: u32, bytes: &'a [u8]) -> Self {
        match number {
            2 => Self::Int16(Item::slice(bytes)),
            4 => Self::Int32(Item::slice(bytes)),
            _ => Self::Int64(Item::slice(bytes)),
        }
    }
}

/// Evaluates `$body`, which is compiled once for each encoding, with `$slice` as the slice of integers.
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

/// Returns the index of `value`, or the index where it can be inserted. O(log n).
///
/// The simple version of a step is `if items[middle] < value { low = middle + 1 } else { high = middle }`.
/// Its branch is taken half of the time at random, and a wrong prediction costs more than the comparison.
/// [`slice::binary_search_by`] differs in one point: it selects the next start by a conditional move, so that
/// no branch depends on the outcome.
///
/// This function is never inlined. Its callers are then small enough to be inlined themselves.
#[inline(never)]
pub(crate) fn search<T: Item>(items: &[T], value: i64) -> Result<usize, usize> {
    match T::Number::try_from(value) {
        Ok(number) => items.binary_search_by(|item| item.number().cmp(&number)),
        Err(_) => Err(if value < 0 { 0 } else { items.len() }), // out of the range of the encoding
    }
}

/// Returns how many integers are less than `least`. This is the index of the first integer that is not.
///
/// The simple version is `items.partition_point(|item| item.number() < least)`, which takes O(log n). The
/// function differs in two points:
///
/// 1. It first doubles the step, from 1 on, until an integer is not less than `least` or the slice ends.
/// 2. It calls `partition_point` only for the last step. So it takes O(log d) for a result of `d`.
#[inline]
pub(crate) fn gallop<T: Item>(items: &[T], least: i64) -> usize {
    let Ok(least) = T::Number::try_from(least) else { return if least < 0 { 0 } else { items.len() } };
    // Invariant: all integers before `low` are less than `least`. The next one to look at is at
    // `low + step - 1`.
    let (mut low, mut step) = (0, 1);
    while let Some(item) = items.get(low + step - 1) {
        if item.number() >= least {
            break;
        }
        low += step;
        step *= 2;
    }
    if step == 1 {
        return low; // the first integer is not less: common if two sets have similar members
    }
    let high = items.len().min(low + step - 1);
    low + items[low..high].partition_point(|item| item.number() < least)
}

#[cfg(all(test, not(miri)))] // there is no unsafe code here
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

//! String operations: the work of commands such as `APPEND`, `INCRBY` and `BITFIELD`. The string may be
//! stored anywhere.
//!
//! Functions that only read a string take its bytes. [`get_range`] takes an [`Element`](crate::Element), so
//! that the caller need not format an integer. Functions that write take a [`StringMut`]: an
//! [`Sds`](sds::Sds), or the caller's own type. Functions for arithmetic take an `Element` and return the new
//! number. The caller stores it.
//!
//! ```
//! use sds::Sds;
//! use values::{EncodingLimits, string};
//! let limits = EncodingLimits::DEFAULT;
//! let mut text = Sds::from_bytes(b"Hello World");
//! assert_eq!(string::try_set_range(&mut text, 6, b"Redis", &limits)?, 11);
//! assert_eq!(string::try_append(&mut text, b"!", &limits)?, 12);
//! assert_eq!(&*string::get_range(&*text, -6, -1), b"Redis!");
//! assert_eq!(string::incr_by("41", 1)?, 42);
//! # Ok::<(), string::StringError>(())
//! ```
//!
//! Learned from: Redis' `t_string.c` and `bitops.c`, for the rules of each command.

mod bitfield;
mod bitop;
mod bits;
mod edit;
pub(crate) mod long_double;
mod number;
mod range;
mod words;

pub use crate::error::StringError;
pub use bitfield::{BitFieldType, BitOverflow, bitfield_get, try_bitfield_incr_by, try_bitfield_set};
pub use bitop::{BitOp, bit_not, bit_op, try_bit_not, try_bit_op};
pub use bits::{bit_count, bit_pos, get_bit, try_set_bit};
pub use edit::{StringMut, get_range, try_append, try_set_range};
pub use long_double::LongDouble;
pub use number::{decr_by, incr_by, incr_by_float};
pub use range::BitRange;

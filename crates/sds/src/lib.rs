#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod convert;
mod edit;
mod error;
pub mod layout;
mod number;
mod room;
mod string;
mod traits;

pub use error::{FormatError, ReserveError};
pub use room::MAX_PREALLOC;
pub use string::Sds;

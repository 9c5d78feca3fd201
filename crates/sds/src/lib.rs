#![doc = include_str!("../README.md")]

mod args;
mod bytes_impl;
mod convert;
mod copy;
mod decimal;
mod double;
mod edit;
mod error;
mod header_type;
pub mod layout;
mod number;
mod parts;
mod repr;
mod room;
#[cfg(feature = "serde")]
mod serde_impl;
mod split;
mod string;
mod tail;
mod template;
mod traits;

pub use args::{Args, split_args};
pub use common::{Part, PartBytes};
pub use error::{FormatError, SplitArgsError, TemplateError};
pub use repr::needs_repr;
pub use room::MAX_PREALLOC;
pub use split::{Split, join, split, try_join};
pub use string::Sds;
pub use template::template;
pub use zmalloc::ReserveError;

#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod error;
mod table;
mod train;

pub use common::ReserveError;
pub use error::{
    CodesFault, DecodeError, FromBytesError, FromSymbolsError, MalformedCodes, MalformedTable, TableFault,
};
pub use table::{SYMBOL_LEN_MAX, SymbolTable};

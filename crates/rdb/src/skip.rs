//! Skips values that a keyspace cannot hold: streams and the values of modules.
//!
//! ```text
//!  module   | id | opcode 1, 2: a number; 3: 4 bytes; 4: 8 bytes; 5: a string | ... | 0 |
//!
//!  stream   | nodes | id, listpack | ... | length | last id |
//!           | from 19 on: first id, largest deleted id, entries added |
//!           | groups | name | last id | from 19 on: entries read | pending | id 16, time 8, count | ... |
//!                    | consumers | name | seen 8 | from 21 on: active 8 | pending | id 16 | ... |
//! ```
//!
//! A stream has the value type 15, 19 or 21. "From 19 on" and "from 21 on" are about this number. In the
//! drawing of a stream, a number after a name is a size in bytes.
//!
//! Learned from: Redis' `rdbLoadObject` and `rdbLoadCheckModuleValue`.

use crate::error::{Error, Fault};
use crate::format::ValueType;
use crate::input::Input;
use std::io::Read;

/// The size of the ID of a stream entry, in bytes. Some IDs are instead written as two numbers, in the
/// encoding of lengths.
const ID: u64 = 16;
const TIME: u64 = 8;

/// Skips a module's value: its opcodes with their operands, and the opcode that ends them.
pub(crate) fn module<R: Read>(input: &mut Input<R>) -> Result<(), Error> {
    loop {
        let offset = input.offset();
        match input.len()? {
            0 => return Ok(()),
            1 | 2 => drop(input.len()?),
            3 => input.skip(4)?,
            4 => input.skip(8)?,
            5 => input.skip_text()?,
            _ => return input.fault(offset, Fault::ModuleOpcode),
        }
    }
}

fn lens<R: Read>(input: &mut Input<R>, count: usize) -> Result<(), Error> {
    (0..count).try_for_each(|_| input.len().map(drop))
}

/// Skips a stream.
pub(crate) fn stream<R: Read>(input: &mut Input<R>, value_type: ValueType) -> Result<(), Error> {
    let is_2 = value_type != ValueType::Stream;
    let is_3 = value_type == ValueType::Stream3;
    for _ in 0..input.len()? {
        input.skip_text()?;
        input.skip_text()?;
    }
    lens(input, if is_2 { 8 } else { 3 })?;
    for _ in 0..input.len()? {
        input.skip_text()?;
        lens(input, if is_2 { 3 } else { 2 })?;
        for _ in 0..input.len()? {
            input.skip(ID + TIME)?;
            input.len()?;
        }
        for _ in 0..input.len()? {
            input.skip_text()?;
            input.skip(if is_3 { 2 * TIME } else { TIME })?;
            for _ in 0..input.len()? {
                input.skip(ID)?;
            }
        }
    }
    Ok(())
}

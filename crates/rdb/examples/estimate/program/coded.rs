//! What the strings of a dump take here if they are coded: [`Keyspace::train_symbols`].
//!
//! After all keys have been measured as they are, each database trains a table from a sample of its strings, and
//! codes them all. Then the strings are measured once more.

use super::figures::{Figures, Form};
use super::scan::BEFORE_ALL;
use super::survey::Survey;
use keyspace::estimate::ClassicRedis;
use keyspace::{Key, Keyspace, ValueRef};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// How many bytes of strings a table is trained with.
const SAMPLE_BYTES: usize = 64 << 10;

/// Codes the strings of all databases, and adds what they take then.
pub(crate) fn add_coded(survey: &mut Survey, redis: &ClassicRedis) {
    for database in survey.databases.values_mut() {
        let keyspace = &mut database.keyspace;
        let (strings, bytes_saved) = code(keyspace);
        survey.advisor.add_coded(strings, bytes_saved);
        for (key, value) in keyspace.iter(BEFORE_ALL) {
            let ValueRef::String(_) = value else { continue };
            let name = Key::with_hash(key, keyspace.hash_key(key));
            let (Some(encoding), Some(bytes)) =
                (keyspace.encoding(name, BEFORE_ALL), keyspace.memory_usage(name, BEFORE_ALL))
            else {
                continue;
            };
            let form =
                Form { object_type: value.object_type(), redis: redis.value(value).encoding, here: encoding };
            let figures = Figures { coded: bytes as u64, ..Figures::default() };
            survey.types.add(form, figures);
            survey.prefixes.add(key, figures);
        }
    }
}

/// Codes the strings of a keyspace. Returns how many, and how many bytes that saves, less those of the table. Strings
/// stay as they are without memory for the table, or if it would not win its own bytes.
fn code(keyspace: &mut Keyspace) -> (u64, i64) {
    let mut random = SmallRng::seed_from_u64(0);
    let Ok(Some(table)) = keyspace.train_symbols(SAMPLE_BYTES, || random.random(), BEFORE_ALL) else {
        return (0, 0);
    };
    let recode = |keyspace: &mut Keyspace| {
        let done = keyspace.recode_for(Duration::MAX, || Duration::ZERO);
        (done.strings as u64, done.bytes_saved)
    };
    let (strings, bytes_saved) = recode(keyspace);
    let saved = bytes_saved - table.allocation_size() as i64;
    if saved > 0 {
        return (strings, saved);
    }
    // There is a table, so that none is refused.
    let _ = keyspace.set_symbols(None);
    recode(keyspace);
    (0, 0)
}

//! Measures the keys of a dump with coded strings and keys ([`Keyspace::train_symbols`]).
//!
//! First, all keys are measured as they are. Then each database trains a symbol table from a sample of its
//! strings and keys, and codes all of them with it. Then the keys are measured once more.

use super::figures::{Figures, Form};
use super::scan::TIME_ZERO;
use super::survey::Survey;
use keyspace::estimate::ClassicRedis;
use keyspace::{Key, Keyspace};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// The number of bytes of strings and keys from which a table is trained.
const SAMPLE_BYTES: usize = 64 << 10;

/// The result of coding the strings and keys of a database.
#[derive(Default)]
pub(crate) struct Coded {
    pub(crate) keys: u64,
    pub(crate) bytes_saved: i64,
    pub(crate) table_bytes: u64,
}

/// Codes the strings and keys of all databases, and adds the bytes of all keys to the survey.
pub(crate) fn add_coded(survey: &mut Survey, redis: &ClassicRedis) {
    let one_of = survey.options.one_of;
    for database in survey.databases.values_mut() {
        let keyspace = &mut database.keyspace;
        let coded = code(keyspace, one_of);
        survey.advisor.add_coded(&coded);
        survey.symbol_tables += coded.table_bytes;
        for (key, value) in keyspace.iter(TIME_ZERO) {
            let key = key.text();
            let name = Key::with_hash(&key, keyspace.hash_key(&key));
            let (Some(encoding), Some(bytes)) =
                (keyspace.encoding(name, TIME_ZERO), keyspace.memory_usage(name, TIME_ZERO))
            else {
                continue;
            };
            let form =
                Form { object_type: value.object_type(), redis: redis.value(value).encoding, here: encoding };
            let figures = Figures { coded: bytes as u64, ..Figures::default() };
            survey.types.add(form, figures);
            survey.prefixes.add(&key, figures);
        }
    }
}

/// Codes the strings and keys of a keyspace. Each of its keys stands for `one_of` keys of the file. All stay
/// plain if there is no memory for the table, or if coding all keys of the file would save fewer bytes than
/// the table takes.
fn code(keyspace: &mut Keyspace, one_of: u64) -> Coded {
    let mut random = SmallRng::seed_from_u64(0);
    let Ok(Some(table)) = keyspace.train_symbols(SAMPLE_BYTES, || random.random(), TIME_ZERO) else {
        return Coded::default();
    };
    let recode = |keyspace: &mut Keyspace| keyspace.recode_for(Duration::MAX, || Duration::ZERO);
    let (done, table_bytes) = (recode(keyspace), table.allocation_size() as u64);
    let saved = u64::try_from(done.bytes_saved).unwrap_or(0);
    if saved.saturating_mul(one_of) > table_bytes {
        return Coded { keys: done.keys as u64, bytes_saved: done.bytes_saved, table_bytes };
    }
    // This cannot fail, because nothing is coded with a table before the current one.
    let _ = keyspace.set_symbols(None);
    recode(keyspace);
    Coded::default()
}

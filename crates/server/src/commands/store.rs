//! The step that commands such as `SUNIONSTORE`, `ZRANGESTORE` and `SORT .. STORE` share: the result becomes the
//! value of a key.

use crate::call::Call;
use crate::error::Outcome;
use crate::notify;
use keyspace::Value;

/// Replaces the value of a key by a collection of `len` elements, and writes `len`. An empty collection removes the
/// key. `changes` is how much a collection that is not empty counts towards the next snapshot.
pub(super) fn store(
    call: &mut Call<'_>,
    key: &[u8],
    (value, len): (impl Into<Value>, usize),
    (class, event): (u32, &str),
    changes: usize,
) -> Outcome {
    let now = call.now;
    let existed = call.exists(key);
    call.parts().0.insert(key, value, None, now)?;
    if len > 0 {
        call.changed(class, event, key, changes);
    } else if existed {
        call.changed(notify::GENERIC, "del", key, 1);
    }
    call.reply().count(len);
    Ok(())
}

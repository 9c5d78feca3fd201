//! Helpers for commands on one collection.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::integer;
use crate::reply::Reply;
use values::Collection;

/// Calls `write` with the collection of the first key, or with `None` if there is no such key. Counts the hit
/// or the miss. In C: `lookupKeyReadOrReply`, `checkType`.
pub(super) fn read<C: Collection>(
    call: &mut Call<'_>,
    write: impl FnOnce(&mut Reply, Option<C::View<'_>>) -> Outcome,
) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    let view = keys.get_as::<C>(key, now)?;
    let is_hit = view.is_some();
    write(reply, view)?;
    if is_hit {
        call.state.stats.keyspace_hits += 1;
    } else {
        call.missed(key);
    }
    Ok(())
}

/// Makes room for the arguments of a command that adds elements.
pub(super) fn make_room(call: &mut Call<'_>) -> Outcome {
    let (size, now) = (call.args.size(), call.now);
    Ok(call.parts().0.make_room(size, now)?)
}

/// How many random elements a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RandomCount {
    /// At most so many, and none of them twice.
    Distinct(usize),
    /// So many, each of which is drawn from all elements.
    Repeated(usize),
}

/// Parses the count of `SRANDMEMBER` and similar commands. A negative one allows an element to occur twice.
pub(super) fn random_count(text: &[u8]) -> Result<RandomCount, CommandError> {
    let count = integer(text)?;
    if count == i64::MIN {
        return Err(CommandError::new(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ));
    }
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(if count < 0 { RandomCount::Repeated(size) } else { RandomCount::Distinct(size) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_of_a_count_allows_repetitions() {
        assert_eq!(random_count(b"3"), Ok(RandomCount::Distinct(3)));
        assert_eq!(random_count(b"-3"), Ok(RandomCount::Repeated(3)));
        assert_eq!(random_count(b"0"), Ok(RandomCount::Distinct(0)));
        assert!(random_count(b"-9223372036854775808").is_err() && random_count(b"x").is_err());
    }
}

//! Helpers for commands that look keys up: for reading, which is counted, and for several keys at once.

use crate::args::Args;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::{between, natural, natural_or};
use crate::reply::Reply;
use values::{Collection, Element, ObjectType};

/// Calls `write` with the collection of the first key, or with `None` if there is no such key. Counts the look-up.
/// In C: `lookupKeyRead`, `checkType`.
pub(super) fn read<C: Collection>(
    call: &mut Call<'_>,
    write: impl FnOnce(&mut Reply, Option<C::View<'_>>) -> Outcome,
) -> Outcome {
    let (key, now) = (call.args.at(1), call.now);
    let (keys, reply) = call.parts();
    let view = keys.get_as::<C>(key, now);
    // A value of another type is found, too.
    let is_found = !matches!(view, Ok(None));
    let outcome = view.map_err(CommandError::from).and_then(|view| write(reply, view));
    call.count_read(key, is_found);
    outcome
}

/// Counts the look-ups of several keys, and checks that each value has one of these types. The caller then gets
/// all values at once.
pub(super) fn count_reads(call: &mut Call<'_>, keys: Args<'_>, types: &[ObjectType]) -> Outcome {
    for key in keys.iter() {
        if call.read_type(key).is_some_and(|found| !types.contains(&found)) {
            return Err(CommandError::WRONG_TYPE);
        }
    }
    Ok(())
}

/// How many random elements a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RandomCount {
    /// At most so many, and none of them twice.
    Distinct(usize),
    /// So many, each of which is drawn from all elements.
    Repeated(usize),
}

impl RandomCount {
    /// Parses the count of `SRANDMEMBER` and similar commands. A negative one allows an element to occur twice.
    pub(super) fn parse(text: &[u8]) -> Result<Self, CommandError> {
        let count = between(text, -i64::MAX, i64::MAX)?;
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(if count < 0 { Self::Repeated(size) } else { Self::Distinct(size) })
    }

    /// Parses the arguments from the count on: the count and `word`, which asks for pairs. Returns the count and
    /// whether the word is there.
    pub(super) fn parse_with(args: Args<'_>, word: &str) -> Result<(Self, bool), CommandError> {
        let count = Self::parse(args.at(0))?;
        let has_pairs = args.is(1, word);
        if args.len() > 2 || args.len() == 2 && !has_pairs {
            return Err(CommandError::SYNTAX);
        }
        let (Self::Distinct(size) | Self::Repeated(size)) = count;
        if has_pairs && size > i64::MAX as usize / 2 {
            return Err(CommandError::new("ERR value is out of range"));
        }
        Ok((count, has_pairs))
    }

    /// Returns how many of `len` elements are returned.
    pub(super) fn of(self, len: usize) -> usize {
        match self {
            Self::Distinct(size) => size.min(len),
            Self::Repeated(size) => size,
        }
    }
}

/// Calls `draw` with numbers of elements that add up to `size`. Stops when the reply has passed its limit, because
/// the client says how large `size` is.
pub(super) fn in_pieces(reply: &mut Reply, size: usize, mut draw: impl FnMut(&mut Reply, usize)) {
    const PIECE: usize = 1_000;
    let mut left = size;
    while left > 0 && !reply.is_over_limit() {
        let piece = left.min(PIECE);
        draw(reply, piece);
        left -= piece;
    }
}

/// Begins an array of `len` elements, each of them with a second one if `has_pairs` is set.
pub(super) fn begin_pairs(reply: &mut Reply, len: usize, has_pairs: bool) {
    if has_pairs { reply.pairs(len) } else { reply.array(len) }
}

/// Writes an element of [`begin_pairs`]. `second` writes the one that belongs to it.
pub(super) fn write_pair(
    reply: &mut Reply,
    has_pairs: bool,
    first: Element<'_>,
    second: impl FnOnce(&mut Reply),
) {
    if has_pairs {
        reply.pair();
    }
    reply.element(first);
    if has_pairs {
        second(reply);
    }
}

/// Splits arguments that begin with a number of keys into the keys and the rest. `few` is the error if the number
/// is not positive, and `many` if there are fewer arguments.
pub(super) fn counted_keys(
    args: Args<'_>,
    few: CommandError,
    many: CommandError,
) -> Result<(Args<'_>, Args<'_>), CommandError> {
    let number = positive(args.at(0)).ok_or(few)?;
    let keys = args.from(1);
    if number > keys.len() {
        return Err(many);
    }
    Ok((keys.first(number), keys.from(number)))
}

/// The error of a number of keys that is not positive.
pub(super) const FEW_KEYS: CommandError = CommandError::new("ERR numkeys should be greater than 0");

/// Parses the arguments of `SINTERCARD` and `ZINTERCARD` after the keys. Returns the limit, or 0 if there is none.
pub(super) fn intercard_limit(args: Args<'_>) -> Result<usize, CommandError> {
    let mut limit = 0;
    for index in (0..args.len()).step_by(2) {
        let number = args.get(index + 1).filter(|_| args.is(index, "LIMIT"));
        limit = natural_or(number.ok_or(CommandError::SYNTAX)?, "ERR LIMIT can't be negative")?;
    }
    Ok(limit)
}

/// Parses an integer from 1 on.
fn positive(text: &[u8]) -> Option<usize> {
    natural(text).ok().filter(|number| *number > 0)
}

/// The arguments of `LMPOP`, `ZMPOP` and their like.
pub(super) struct Mpop<'a, End> {
    /// The keys, in the order in which they are tried.
    pub(super) keys: Args<'a>,
    /// The end that the elements are taken from.
    pub(super) end: End,
    /// The largest number of elements. It is not 0.
    pub(super) count: usize,
}

impl<'a, End> Mpop<'a, End> {
    /// Parses the arguments from the number of keys on. `end` parses the word after the keys.
    pub(super) fn parse(
        args: Args<'a>,
        end: impl FnOnce(&[u8]) -> Result<End, CommandError>,
    ) -> Result<Self, CommandError> {
        let (keys, rest) = counted_keys(args, FEW_KEYS, CommandError::SYNTAX)?;
        let end = end(rest.get(0).ok_or(CommandError::SYNTAX)?)?;
        let count = match rest.len() {
            1 => 1,
            3 if rest.is(1, "COUNT") => {
                positive(rest.at(2)).ok_or(CommandError::new("ERR count should be greater than 0"))?
            }
            _ => return Err(CommandError::SYNTAX),
        };
        Ok(Self { keys, end, count })
    }
}

/// Calls `pop` with one key after the other until it returns `true`. Returns whether it has.
pub(super) fn pop_first<'k>(
    keys: Args<'k>,
    mut pop: impl FnMut(&'k [u8]) -> Result<bool, CommandError>,
) -> Result<bool, CommandError> {
    for key in keys.iter() {
        if pop(key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Splits the arguments of a blocking pop into its keys and its timeout, which is the last argument.
pub(super) fn keys_and_timeout<'a>(call: &Call<'a>) -> Result<(Args<'a>, u64), CommandError> {
    let last = call.args.len() - 1;
    Ok((call.args.first(last).from(1), Call::timeout(call.args.at(last))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_of_a_count_allows_repetitions() {
        assert_eq!(RandomCount::parse(b"3"), Ok(RandomCount::Distinct(3)));
        assert_eq!(RandomCount::parse(b"-3"), Ok(RandomCount::Repeated(3)));
        assert_eq!(RandomCount::parse(b"0"), Ok(RandomCount::Distinct(0)));
        assert!(RandomCount::parse(b"-9223372036854775808").is_err() && RandomCount::parse(b"x").is_err());
        assert_eq!([RandomCount::Distinct(3), RandomCount::Repeated(3)].map(|count| count.of(2)), [2, 3]);
    }
}

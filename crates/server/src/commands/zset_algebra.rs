//! Commands for several sorted sets.

use super::read::{count_reads, counted_keys, intercard_limit};
use super::zset_args::{store, write_members};
use crate::args::Args;
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::{integer, parse_float};
use crate::spec::flags::{DENYOOM, MOVABLEKEYS, READONLY, WRITE};
use crate::spec::{Keys, Spec, row};
use keyspace::{Keyspace, ValueRef};
use values::zset::{self, Aggregate, Source};
use values::{ObjectType, ZSet};

const READ: u32 = READONLY | MOVABLEKEYS;
const STORE: u32 = WRITE | DENYOOM | MOVABLEKEYS;
const SOURCES: Keys = Keys::Counted { at: 1, destination: 0 };
const WITH_TARGET: Keys = Keys::Counted { at: 2, destination: 1 };

pub(super) const COMMANDS: &[Spec] = &[
    row("zdiff", -3, READ, SOURCES, zdiff)
        .doc("6.2.0", "Returns the members that the other sets do not have."),
    row("zdiffstore", -4, STORE, WITH_TARGET, zdiffstore).doc("6.2.0", "Stores what ZDIFF returns."),
    row("zinter", -3, READ, SOURCES, zinter).doc("6.2.0", "Returns the members that all sets have."),
    row("zintercard", -3, READ, SOURCES, zintercard).doc("7.0.0", "Counts the members that all sets have."),
    row("zinterstore", -4, STORE, WITH_TARGET, zinterstore).doc("2.0.0", "Stores what ZINTER returns."),
    row("zunion", -3, READ, SOURCES, zunion).doc("6.2.0", "Returns the members of all sets."),
    row("zunionstore", -4, STORE, WITH_TARGET, zunionstore).doc("2.0.0", "Stores what ZUNION returns."),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Union,
    Inter,
    Diff,
}

/// The arguments of an operation.
struct Operands<'a> {
    keys: Args<'a>,
    /// As many as there are keys.
    weights: Vec<f64>,
    aggregate: Aggregate,
    has_scores: bool,
}

/// Splits arguments that begin with a number of keys into the keys and the rest, and counts the look-ups of the
/// keys. Values of wrong types are reported before wrong options.
fn source_keys<'a>(call: &mut Call<'a>, at: usize, name: &str) -> Result<(Args<'a>, Args<'a>), CommandError> {
    let args = call.args.from(at);
    integer(args.at(0))?;
    let few = CommandError::of(format!("ERR at least 1 input key is needed for '{name}' command"));
    let (keys, rest) = counted_keys(args, few, CommandError::SYNTAX)?;
    count_reads(call, keys, &[ObjectType::ZSet, ObjectType::Set])?;
    Ok((keys, rest))
}

impl<'a> Operands<'a> {
    /// Parses the arguments from the number of keys at index `at` on.
    fn parse(call: &mut Call<'a>, at: usize, operation: Operation, name: &str) -> Result<Self, CommandError> {
        let (keys, rest) = source_keys(call, at, name)?;
        let stores = at > 1;
        let weights = vec![1.0; keys.len()];
        let mut operands = Self { keys, weights, aggregate: Aggregate::Sum, has_scores: false };
        let mut index = 0;
        while index < rest.len() {
            if operation != Operation::Diff && rest.is(index, "WEIGHTS") && rest.len() - index > keys.len() {
                for (weight, text) in operands.weights.iter_mut().zip(rest.from(index + 1).iter()) {
                    *weight =
                        parse_float(text).ok_or(CommandError::new("ERR weight value is not a float"))?;
                }
                index += 1 + keys.len();
            } else if operation != Operation::Diff && rest.is(index, "AGGREGATE") {
                operands.aggregate = match () {
                    () if rest.is(index + 1, "SUM") => Aggregate::Sum,
                    () if rest.is(index + 1, "MIN") => Aggregate::Min,
                    () if rest.is(index + 1, "MAX") => Aggregate::Max,
                    () => return Err(CommandError::SYNTAX),
                };
                index += 2;
            } else if !stores && rest.is(index, "WITHSCORES") {
                operands.has_scores = true;
                index += 1;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(operands)
    }
}

/// Returns the sources of some keys. A key that does not exist has none.
fn sources<'c>(
    keys: &'c Keyspace,
    names: Args<'c>,
    now: u64,
) -> Result<Vec<Option<Source<'c>>>, CommandError> {
    let source = |name| match keys.get(name, now) {
        None => Ok(None),
        Some(ValueRef::ZSet(set)) => Ok(Some(Source::ZSet(set))),
        Some(ValueRef::Set(set)) => Ok(Some(Source::Set(set))),
        Some(_) => Err(CommandError::WRONG_TYPE),
    };
    names.iter().map(source).collect()
}

fn compute(call: &Call<'_>, operands: &Operands<'_>, operation: Operation) -> Result<ZSet, CommandError> {
    let (limits, now) = (call.limits(), call.now);
    let all = sources(call.keys(), operands.keys, now)?;
    let is_complete = all.iter().all(Option::is_some);
    let weighted = || -> Vec<_> {
        let pairs = all.iter().copied().zip(operands.weights.iter().copied());
        pairs.filter_map(|(source, weight)| Some((source?, weight))).collect()
    };
    Ok(match operation {
        Operation::Union => zset::try_union_store(&weighted(), operands.aggregate, &limits)?,
        Operation::Inter if !is_complete => ZSet::new(),
        Operation::Inter => zset::try_inter_store(&weighted(), operands.aggregate, &limits)?,
        Operation::Diff if all.first().is_none_or(Option::is_none) => ZSet::new(),
        Operation::Diff => {
            let present: Vec<_> = all.iter().copied().flatten().collect();
            zset::try_diff_store(&present, &limits)?
        }
    })
}

fn zunion(call: &mut Call<'_>) -> Outcome {
    read(call, Operation::Union, "zunion")
}

fn zinter(call: &mut Call<'_>) -> Outcome {
    read(call, Operation::Inter, "zinter")
}

fn zdiff(call: &mut Call<'_>) -> Outcome {
    read(call, Operation::Diff, "zdiff")
}

fn read(call: &mut Call<'_>, operation: Operation, name: &str) -> Outcome {
    let operands = Operands::parse(call, 1, operation, name)?;
    let result = compute(call, &operands, operation)?;
    write_members(call.reply(), result.iter(), operands.has_scores);
    Ok(())
}

fn zunionstore(call: &mut Call<'_>) -> Outcome {
    compute_and_store(call, Operation::Union, "zunionstore")
}

fn zinterstore(call: &mut Call<'_>) -> Outcome {
    compute_and_store(call, Operation::Inter, "zinterstore")
}

fn zdiffstore(call: &mut Call<'_>) -> Outcome {
    compute_and_store(call, Operation::Diff, "zdiffstore")
}

fn compute_and_store(call: &mut Call<'_>, operation: Operation, name: &str) -> Outcome {
    let operands = Operands::parse(call, 2, operation, name)?;
    let result = compute(call, &operands, operation)?;
    let target = call.args.at(1);
    store(call, target, result, name)
}

fn zintercard(call: &mut Call<'_>) -> Outcome {
    let (names, rest) = source_keys(call, 1, "zintercard")?;
    let limit = intercard_limit(rest)?;
    let all = sources(call.keys(), names, call.now)?;
    let count = match all.into_iter().collect::<Option<Vec<_>>>() {
        Some(mut all) => zset::inter_card(&mut all, limit),
        None => 0,
    };
    call.reply().count(count);
    Ok(())
}

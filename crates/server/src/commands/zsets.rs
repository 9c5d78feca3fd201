//! Commands for sorted sets: members and scores.

use super::read::{RandomCount, begin_pairs, in_pieces, read as read_as, write_pair};
use super::zset_args::{lex_range, read, score_range};
use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::notify;
use crate::numbers::float;
use crate::reply::Reply;
use crate::spec::flags::{DENYOOM, FAST, READONLY, WRITE};
use crate::spec::{Spec, on_key};
use values::zset::{AddError, AddOptions, Added};
use values::{Element, ZSet};

pub(super) const COMMANDS: &[Spec] = &[
    on_key("zadd", -4, WRITE | DENYOOM | FAST, zadd).doc("1.2.0", "Adds members, or changes their scores."),
    on_key("zcard", 2, READONLY | FAST, zcard).doc("1.2.0", "Returns the number of members."),
    on_key("zcount", 4, READONLY | FAST, zcount).doc("2.0.0", "Counts the members in a range of scores."),
    on_key("zincrby", 4, WRITE | DENYOOM | FAST, zincrby)
        .doc("1.2.0", "Adds a number to the score of a member."),
    on_key("zlexcount", 4, READONLY | FAST, zlexcount)
        .doc("2.8.9", "Counts the members in a lexicographical range."),
    on_key("zmscore", -3, READONLY | FAST, zmscore).doc("6.2.0", "Returns the scores of several members."),
    on_key("zrandmember", -2, READONLY, zrandmember).doc("6.2.0", "Returns random members."),
    on_key("zrank", -3, READONLY | FAST, zrank).doc("2.0.0", "Returns the rank of a member."),
    on_key("zrem", -3, WRITE | FAST, zrem).doc("1.2.0", "Removes members."),
    on_key("zrevrank", -3, READONLY | FAST, zrevrank)
        .doc("2.0.0", "Returns the rank of a member, from the highest score."),
    on_key("zscore", 3, READONLY | FAST, zscore).doc("1.2.0", "Returns the score of a member."),
];

fn zadd(call: &mut Call<'_>) -> Outcome {
    let mut options = AddOptions::default();
    let (mut index, mut counts_changes) = (2, false);
    while index < call.args.len() {
        match () {
            () if call.args.is(index, "NX") => options.nx = true,
            () if call.args.is(index, "XX") => options.xx = true,
            () if call.args.is(index, "GT") => options.gt = true,
            () if call.args.is(index, "LT") => options.lt = true,
            () if call.args.is(index, "CH") => counts_changes = true,
            () if call.args.is(index, "INCR") => options.incr = true,
            () => break,
        }
        index += 1;
    }
    let arguments = call.args.len() - index;
    if arguments == 0 || !arguments.is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    if options.nx && options.xx {
        return Err(CommandError::new("ERR XX and NX options at the same time are not compatible"));
    }
    if !options.are_compatible() {
        return Err(CommandError::new("ERR GT, LT, and/or NX options at the same time are not compatible"));
    }
    if options.incr && arguments > 2 {
        return Err(CommandError::new("ERR INCR option supports a single increment-element pair"));
    }
    add(call, index, options, counts_changes)
}

fn zincrby(call: &mut Call<'_>) -> Outcome {
    add(call, 2, AddOptions { incr: true, ..AddOptions::default() }, false)
}

/// Adds the pairs of scores and members from an argument on, and writes the reply.
fn add(call: &mut Call<'_>, first: usize, options: AddOptions, counts_changes: bool) -> Outcome {
    let (key, now, limits) = (call.args.at(1), call.now, call.limits());
    let pairs = call.args.from(first);
    let pairs = (0..pairs.len()).step_by(2).map(move |at| (pairs.at(at), pairs.at(at + 1)));
    // All scores are checked before the first member is added.
    for (score, _) in pairs.clone() {
        float(score)?;
    }
    let len = pairs.len();
    let (mut added, mut updated, mut last) = (0, 0, None);
    let edit = |set: &mut ZSet<keyspace::InEntry<'_>>| -> Result<(), AddError> {
        set.try_convert_for(len, &limits)?;
        for (score, member) in pairs {
            let score = float(score).unwrap_or_default();
            let outcome = set.try_add(member, score, options, &limits)?;
            match outcome {
                Added::Added(_) => added += 1,
                Added::Updated(_) => updated += 1,
                Added::Unchanged(_) | Added::Skipped => {}
            }
            last = outcome.score();
        }
        Ok(())
    };
    let (keys, _) = call.parts();
    if options.xx {
        keys.modify_as::<ZSet, _, _>(key, now, edit)?;
    } else {
        keys.edit_as::<ZSet, _, _>(key, now, edit)?;
    }
    if added + updated > 0 {
        call.changed(notify::ZSET, if options.incr { "zincr" } else { "zadd" }, key, added + updated);
    }
    match last {
        _ if !options.incr => call.reply().count(if counts_changes { added + updated } else { added }),
        Some(score) => call.reply().double(score),
        None => call.reply().null(),
    }
    Ok(())
}

fn zrem(call: &mut Call<'_>) -> Outcome {
    let (key, now, members) = (call.args.at(1), call.now, call.args.from(2));
    let edit = |set: &mut ZSet<keyspace::InEntry<'_>>| -> Result<usize, AddError> {
        Ok(members.iter().filter(|member| set.remove(*member).is_some()).count())
    };
    let removed = call.parts().0.modify_as::<ZSet, _, _>(key, now, edit)?.unwrap_or(0);
    if removed > 0 {
        call.changed(notify::ZSET, "zrem", key, removed);
        call.notify_if_removed(key);
    }
    call.reply().count(removed);
    Ok(())
}

fn zscore(call: &mut Call<'_>) -> Outcome {
    let member = call.args.at(2);
    read(call, Reply::null, |set, reply| write_score(reply, set.score(member)))
}

fn write_score(reply: &mut Reply, score: Option<f64>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

fn zmscore(call: &mut Call<'_>) -> Outcome {
    let members = call.args.from(2);
    let absent = |reply: &mut Reply| {
        reply.array(members.len());
        members.iter().for_each(|_| reply.null());
    };
    read(call, absent, |set, reply| {
        reply.array(members.len());
        members.iter().for_each(|member| write_score(reply, set.score(member)));
    })
}

fn zcard(call: &mut Call<'_>) -> Outcome {
    read(call, |reply| reply.count(0), |set, reply| reply.count(set.len()))
}

fn zcount(call: &mut Call<'_>) -> Outcome {
    let scores = score_range(call.args.at(2), call.args.at(3))?;
    read(call, |reply| reply.count(0), |set, reply| reply.count(set.ranks_by_score(scores).len()))
}

fn zlexcount(call: &mut Call<'_>) -> Outcome {
    let members = lex_range(call.args.at(2), call.args.at(3))?;
    read(
        call,
        |reply| reply.count(0),
        |set, reply| reply.count(members.map_or(0, |members| set.ranks_by_lex(members).len())),
    )
}

fn zrank(call: &mut Call<'_>) -> Outcome {
    rank(call, "zrank", false)
}

fn zrevrank(call: &mut Call<'_>) -> Outcome {
    rank(call, "zrevrank", true)
}

fn rank(call: &mut Call<'_>, name: &str, is_reversed: bool) -> Outcome {
    let member = call.args.at(2);
    let has_score = match call.args.len() {
        3 => false,
        4 if call.args.is(3, "WITHSCORE") => true,
        4 => return Err(CommandError::SYNTAX),
        _ => return Err(CommandError::arity(name)),
    };
    let absent = |reply: &mut Reply| if has_score { reply.null_array() } else { reply.null() };
    read(call, absent, |set, reply| match if is_reversed { set.rev_rank(member) } else { set.rank(member) } {
        Some((rank, score)) if has_score => {
            reply.array(2);
            reply.count(rank);
            reply.double(score);
        }
        Some((rank, _)) => reply.count(rank),
        None => absent(reply),
    })
}

fn zrandmember(call: &mut Call<'_>) -> Outcome {
    let mut rng = call.random_source();
    if call.args.len() == 2 {
        return read(call, Reply::null, |set, reply| match set.random(rng) {
            Some((member, _)) => reply.element(member),
            None => reply.null(),
        });
    }
    let (count, has_scores) = RandomCount::parse_with(call.args.from(2), "WITHSCORES")?;
    read_as::<ZSet>(call, |reply, set| {
        let Some(set) = set else {
            reply.array(0);
            return Ok(());
        };
        let write = |reply: &mut Reply, member: Element<'_>, score: f64| {
            write_pair(reply, has_scores, member, |reply| reply.double(score));
        };
        let len = count.of(set.len());
        begin_pairs(reply, len, has_scores);
        match count {
            RandomCount::Distinct(_) => {
                set.try_random_unique(len, &mut rng, |member, score| write(reply, member, score))?;
            }
            RandomCount::Repeated(_) => in_pieces(reply, len, |reply, piece| {
                set.random_many(piece, &mut rng, |member, score| write(reply, member, score));
            }),
        }
        Ok(())
    })
}

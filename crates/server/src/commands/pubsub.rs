//! Publish and subscribe.

use super::admin::{container, help};
use crate::call::Call;
use crate::error::Outcome;
use crate::pubsub::Kind;
use crate::spec::flags::{FAST, LOADING, MAY_REPLICATE, NOSCRIPT, PUBSUB, STALE};
use crate::spec::{Keys, Spec, keyless, on_key, row};

const ALWAYS: u32 = PUBSUB | LOADING | STALE;
const LISTEN: u32 = ALWAYS | NOSCRIPT;

pub(super) const COMMANDS: &[Spec] = &[
    keyless("psubscribe", -2, LISTEN, psubscribe).doc("2.0.0", "Listens to channels that match."),
    keyless("publish", 3, ALWAYS | FAST | MAY_REPLICATE, publish)
        .doc("2.0.0", "Sends a message to a channel."),
    keyless("pubsub", -2, 0, container).with(OF_PUBSUB).doc("2.8.0", "Returns who listens to which channel."),
    keyless("punsubscribe", -1, LISTEN, punsubscribe).doc("2.0.0", "Ends `PSUBSCRIBE`."),
    on_key("spublish", 3, ALWAYS | FAST | MAY_REPLICATE, spublish)
        .doc("7.0.0", "Sends a message to a shard channel."),
    row("ssubscribe", -2, LISTEN, Keys::ALL, ssubscribe).doc("7.0.0", "Listens to shard channels."),
    keyless("subscribe", -2, LISTEN, subscribe).doc("2.0.0", "Listens to channels."),
    row("sunsubscribe", -1, LISTEN, Keys::ALL, sunsubscribe).doc("7.0.0", "Ends `SSUBSCRIBE`."),
    keyless("unsubscribe", -1, LISTEN, unsubscribe).doc("2.0.0", "Ends `SUBSCRIBE`."),
];

const OF_PUBSUB: &[Spec] = &[
    keyless("channels", -2, ALWAYS, channels).doc("2.8.0", "Returns the channels with listeners."),
    keyless("help", 2, LOADING | STALE, pubsub_help).doc("6.2.0", "Returns what the subcommands do."),
    keyless("numpat", 2, ALWAYS, numpat).doc("2.8.0", "Returns the number of patterns."),
    keyless("numsub", -2, ALWAYS, numsub).doc("2.8.0", "Returns the number of listeners of channels."),
    keyless("shardchannels", -2, ALWAYS, shardchannels)
        .doc("7.0.0", "Returns the shard channels with listeners."),
    keyless("shardnumsub", -2, ALWAYS, shardnumsub)
        .doc("7.0.0", "Returns the number of listeners of shard channels."),
];

/// Returns the number of subscriptions that the replies of a kind tell.
fn subscriptions(call: &Call<'_>, kind: Kind) -> usize {
    let of = &call.client.subscriptions;
    match kind {
        Kind::Channel | Kind::Pattern => of.channels.len() + of.patterns.len(),
        Kind::Shard => of.shard_channels.len(),
    }
}

/// Writes that a subscription has begun or ended. There is no name if there was nothing to end.
fn write_change(call: &mut Call<'_>, kind: Kind, word: &str, name: Option<&[u8]>) {
    let count = subscriptions(call, kind);
    let reply = call.reply();
    reply.push(3);
    reply.bulk(word.as_bytes());
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.count(count);
}

fn listen(call: &mut Call<'_>, kind: Kind, word: &str) -> Outcome {
    for name in call.args.from(1).iter() {
        call.state.channels.subscribe(kind, name, call.client);
        write_change(call, kind, word, Some(name));
    }
    Ok(())
}

fn end(call: &mut Call<'_>, kind: Kind, word: &str) -> Outcome {
    if call.args.len() > 1 {
        for name in call.args.from(1).iter() {
            call.state.channels.unsubscribe(kind, name, call.client);
            write_change(call, kind, word, Some(name));
        }
        return Ok(());
    }
    let mut ended = false;
    while let Some(name) = call.client.subscriptions.of(kind).first().cloned() {
        call.state.channels.unsubscribe(kind, &name, call.client);
        write_change(call, kind, word, Some(&name));
        ended = true;
    }
    if !ended {
        write_change(call, kind, word, None);
    }
    Ok(())
}

fn subscribe(call: &mut Call<'_>) -> Outcome {
    listen(call, Kind::Channel, "subscribe")
}

fn psubscribe(call: &mut Call<'_>) -> Outcome {
    listen(call, Kind::Pattern, "psubscribe")
}

fn ssubscribe(call: &mut Call<'_>) -> Outcome {
    listen(call, Kind::Shard, "ssubscribe")
}

fn unsubscribe(call: &mut Call<'_>) -> Outcome {
    end(call, Kind::Channel, "unsubscribe")
}

fn punsubscribe(call: &mut Call<'_>) -> Outcome {
    end(call, Kind::Pattern, "punsubscribe")
}

fn sunsubscribe(call: &mut Call<'_>) -> Outcome {
    end(call, Kind::Shard, "sunsubscribe")
}

fn publish(call: &mut Call<'_>) -> Outcome {
    let (channel, message) = (call.args.at(1), call.args.at(2));
    let receivers = call.state.channels.publish(channel, message, &mut call.state.clients);
    call.reply().count(receivers);
    Ok(())
}

fn spublish(call: &mut Call<'_>) -> Outcome {
    let (channel, message) = (call.args.at(1), call.args.at(2));
    let receivers = call.state.channels.publish_to_shard(channel, message, &mut call.state.clients);
    call.reply().count(receivers);
    Ok(())
}

fn write_names(call: &mut Call<'_>, kind: Kind) -> Outcome {
    if call.args.len() > 3 {
        let name = call.args.at(1);
        return Err(crate::error::CommandError::subcommand_syntax("PUBSUB", name));
    }
    let pattern = call.args.get(2);
    let reply = &mut call.client.reply;
    let head = reply.defer();
    let mut count = 0;
    for name in call.state.channels.names(kind, pattern) {
        reply.bulk(name);
        count += 1;
    }
    reply.end_array(head, count);
    Ok(())
}

fn channels(call: &mut Call<'_>) -> Outcome {
    write_names(call, Kind::Channel)
}

fn shardchannels(call: &mut Call<'_>) -> Outcome {
    write_names(call, Kind::Shard)
}

fn write_counts(call: &mut Call<'_>, kind: Kind) -> Outcome {
    let names = call.args.from(2);
    call.client.reply.array(2 * names.len());
    for name in names.iter() {
        call.client.reply.bulk(name);
        call.client.reply.count(call.state.channels.count(kind, name));
    }
    Ok(())
}

fn numsub(call: &mut Call<'_>) -> Outcome {
    write_counts(call, Kind::Channel)
}

fn shardnumsub(call: &mut Call<'_>) -> Outcome {
    write_counts(call, Kind::Shard)
}

fn numpat(call: &mut Call<'_>) -> Outcome {
    let patterns = call.state.channels.names(Kind::Pattern, None).count();
    call.reply().count(patterns);
    Ok(())
}

fn pubsub_help(call: &mut Call<'_>) -> Outcome {
    let lines = [
        "CHANNELS [<pattern>]",
        "    Return the currently active channels matching a <pattern> (default: '*').",
        "NUMPAT",
        "    Return number of subscriptions to patterns.",
        "NUMSUB [<channel> ...]",
        "    Return the number of subscribers for the specified channels, excluding",
        "    pattern subscriptions(default: no channels).",
        "SHARDCHANNELS [<pattern>]",
        "    Return the currently active shard level channels matching a <pattern> (default: '*').",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    Return the number of subscribers for the specified shard level channel(s)",
    ];
    help(call, "PUBSUB", &lines)
}

//! The subcommands of `CLIENT` for clients that keep copies of keys: `TRACKING`, `CACHING`, `GETREDIR` and
//! `TRACKINGINFO`. Keys and messages are the business of [`tracking`](crate::tracking).

use crate::call::Call;
use crate::client::ClientId;
use crate::error::{CommandError, Outcome};
use crate::numbers::integer;
use crate::tracking::{Mode, Tracker};

/// The options of `CLIENT TRACKING`.
#[derive(Debug, Default)]
struct Choice<'a> {
    redirect: Option<ClientId>,
    is_broadcast: bool,
    is_optin: bool,
    is_optout: bool,
    is_noloop: bool,
    prefixes: Vec<&'a [u8]>,
}

fn choice<'a>(call: &Call<'a>) -> Result<Choice<'a>, CommandError> {
    let args = call.args;
    let mut choice = Choice::default();
    let mut index = 3;
    while index < args.len() {
        let value = args.get(index + 1);
        match (&*args.at(index).to_ascii_lowercase(), value) {
            (b"redirect", Some(value)) => {
                if choice.redirect.is_some() {
                    return Err(CommandError::new("ERR A client can only redirect to a single other client"));
                }
                let id = u64::try_from(integer(value)?).ok();
                let id = id.filter(|id| call.state.clients.slot_of(*id).is_some());
                choice.redirect = Some(
                    id.ok_or(CommandError::new("ERR The client ID you want redirect to does not exist"))?,
                );
                index += 1;
            }
            (b"prefix", Some(prefix)) => {
                choice.prefixes.push(prefix);
                index += 1;
            }
            (b"bcast", _) => choice.is_broadcast = true,
            (b"optin", _) => choice.is_optin = true,
            (b"optout", _) => choice.is_optout = true,
            (b"noloop", _) => choice.is_noloop = true,
            _ => return Err(CommandError::SYNTAX),
        }
        index += 1;
    }
    Ok(choice)
}

/// Checks that options agree with each other, and with what the client has chosen before.
fn mode(choice: &Choice<'_>, before: Option<Mode>) -> Result<Mode, CommandError> {
    let error = |text| Err(CommandError::new(text));
    if !choice.is_broadcast && !choice.prefixes.is_empty() {
        return error("ERR PREFIX option requires BCAST mode to be enabled");
    }
    if before.is_some_and(|before| (before == Mode::Broadcast) != choice.is_broadcast) {
        return error(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then \
             re-enabling it with a different mode.",
        );
    }
    let mode = match (choice.is_broadcast, choice.is_optin, choice.is_optout) {
        (true, false, false) => Mode::Broadcast,
        (true, ..) => return error("ERR OPTIN and OPTOUT are not compatible with BCAST"),
        (_, true, true) => return error("ERR You can't specify both OPTIN mode and OPTOUT mode"),
        (_, true, false) => Mode::OptIn,
        (_, false, true) => Mode::OptOut,
        (_, false, false) => Mode::All,
    };
    match (before, mode) {
        (Some(Mode::OptOut), Mode::OptIn) | (Some(Mode::OptIn), Mode::OptOut) => error(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then \
             re-enabling it with a different mode.",
        ),
        _ => Ok(mode),
    }
}

pub(super) fn tracking(call: &mut Call<'_>) -> Outcome {
    let (id, choice) = (call.client.id, choice(call)?);
    if call.args.is(2, "OFF") {
        call.state.tracking.disable(id);
        call.reply().ok();
        return Ok(());
    }
    if !call.args.is(2, "ON") {
        return Err(CommandError::SYNTAX);
    }
    let mode = mode(&choice, call.state.tracking.get(id).map(|tracker| tracker.mode))?;
    if let Some(overlap) = call.state.tracking.overlap(id, &choice.prefixes) {
        let shown = String::from_utf8_lossy;
        let which = if overlap.is_known { "an existing prefix" } else { "another provided prefix" };
        return Err(CommandError::of(format!(
            "ERR Prefix '{}' overlaps with {which} '{}'. Prefixes for a single client must not overlap.",
            shown(overlap.prefix),
            shown(overlap.other)
        )));
    }
    let tracker = Tracker {
        redirect: choice.redirect,
        mode,
        is_noloop: choice.is_noloop,
        prefixes: choice.prefixes.into_iter().map(<[u8]>::to_vec).collect(),
        ..Tracker::default()
    };
    call.state.track(id, tracker)?;
    call.reply().ok();
    Ok(())
}

pub(super) fn caching(call: &mut Call<'_>) -> Outcome {
    let id = call.client.id;
    let Some(tracker) = call.state.tracking.get_mut(id) else {
        return Err(CommandError::new(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode \
             enabled",
        ));
    };
    let (wanted, error) = match () {
        () if call.args.is(2, "YES") => {
            (Mode::OptIn, "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
        }
        () if call.args.is(2, "NO") => {
            (Mode::OptOut, "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
        }
        () => return Err(CommandError::SYNTAX),
    };
    if tracker.mode != wanted {
        return Err(CommandError::new(error));
    }
    tracker.is_caching_given = true;
    call.reply().ok();
    Ok(())
}

/// Returns the client that is sent the messages: 0 if it is the client itself, and -1 if it does not track.
pub(super) fn redirect(tracker: Option<&Tracker>) -> i64 {
    tracker.map_or(-1, |tracker| tracker.redirect.unwrap_or(0) as i64)
}

pub(super) fn getredir(call: &mut Call<'_>) -> Outcome {
    let id = redirect(call.state.tracking.get(call.client.id));
    call.reply().integer(id);
    Ok(())
}

pub(super) fn trackinginfo(call: &mut Call<'_>) -> Outcome {
    let tracker = call.state.tracking.get(call.client.id);
    let flags: Vec<&str> = match tracker {
        None => vec!["off"],
        Some(tracker) => {
            let given = tracker.is_caching_given;
            [
                (true, "on"),
                (tracker.mode == Mode::Broadcast, "bcast"),
                (tracker.mode == Mode::OptIn, "optin"),
                (tracker.mode == Mode::OptIn && given, "caching-yes"),
                (tracker.mode == Mode::OptOut, "optout"),
                (tracker.mode == Mode::OptOut && given, "caching-no"),
                (tracker.is_noloop, "noloop"),
                (tracker.is_redirect_broken, "broken_redirect"),
            ]
            .into_iter()
            .filter_map(|(is_set, word)| is_set.then_some(word))
            .collect()
        }
    };
    let reply = &mut call.client.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    flags.iter().for_each(|word| reply.bulk(word.as_bytes()));
    reply.bulk(b"redirect");
    reply.integer(redirect(tracker));
    reply.bulk(b"prefixes");
    let prefixes = tracker.into_iter().flat_map(|tracker| &tracker.prefixes);
    reply.array(prefixes.clone().count());
    prefixes.for_each(|prefix| reply.bulk(prefix));
    Ok(())
}

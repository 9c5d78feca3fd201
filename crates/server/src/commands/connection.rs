//! Commands about the connection itself. Those of `CLIENT` have their own file.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::integer;
use crate::reply::Protocol;
use crate::spec::flags::{FAST, LOADING, NO_AUTH, NOSCRIPT, STALE};
use crate::spec::{Spec, keyless};

const ALWAYS: u32 = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH;

pub(super) const COMMANDS: &[Spec] = &[
    keyless("auth", -2, ALWAYS, auth).doc("1.0.0", "Gives the password."),
    keyless("echo", 2, LOADING | STALE | FAST, echo).doc("1.0.0", "Returns the text."),
    keyless("hello", -1, ALWAYS, hello).doc("6.0.0", "Chooses the version of the protocol."),
    keyless("ping", -1, FAST, ping).doc("1.0.0", "Answers, to show that the server lives."),
    keyless("quit", -1, ALWAYS, quit).doc("1.0.0", "Closes the connection."),
    keyless("reset", 1, ALWAYS, reset).doc("6.2.0", "Returns the connection to its first state."),
    keyless("select", 2, LOADING | STALE | FAST, select).doc("1.0.0", "Chooses the database."),
];

fn ping(call: &mut Call<'_>) -> Outcome {
    if call.args.len() > 2 {
        return Err(CommandError::arity("ping"));
    }
    let text = call.args.get(1);
    if call.client.is_subscriber() {
        let reply = call.reply();
        reply.array(2);
        reply.bulk(b"pong");
        reply.bulk(text.unwrap_or_default());
        return Ok(());
    }
    match text {
        Some(text) => call.reply().bulk(text),
        None => call.reply().simple("PONG"),
    }
    Ok(())
}

fn echo(call: &mut Call<'_>) -> Outcome {
    let text = call.args.at(1);
    call.reply().bulk(text);
    Ok(())
}

fn quit(call: &mut Call<'_>) -> Outcome {
    call.client.closes_after_reply = true;
    call.reply().ok();
    Ok(())
}

fn select(call: &mut Call<'_>) -> Outcome {
    let number = integer(call.args.at(1))?;
    let number = usize::try_from(number).ok().filter(|number| *number < call.state.dbs.len());
    call.client.db = number.ok_or(CommandError::new("ERR DB index is out of range"))?;
    call.reply().ok();
    Ok(())
}

/// The user that a password belongs to, if a name is given.
const USER: &[u8] = b"default";

fn check_password(call: &mut Call<'_>, user: &[u8], password: &[u8]) -> Outcome {
    let expected = &call.state.config.requirepass;
    let is_right = expected.is_empty() || is_equal(expected, password);
    if user != USER || !is_right {
        return Err(CommandError::new("WRONGPASS invalid username-password pair or user is disabled."));
    }
    call.client.is_authenticated = true;
    Ok(())
}

/// Compares in a time that does not depend on where the texts differ.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | a ^ b) == 0
}

fn auth(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let (user, password) = match args.len() {
        2 => (USER, args.at(1)),
        3 => (args.at(1), args.at(2)),
        _ => return Err(CommandError::SYNTAX),
    };
    if args.len() == 2 && call.state.config.requirepass.is_empty() {
        return Err(CommandError::new(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        ));
    }
    check_password(call, user, password)?;
    call.reply().ok();
    Ok(())
}

fn hello(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let protocol = match args.get(1) {
        None => None,
        Some(version) => {
            let version = integer(version)
                .map_err(|_| CommandError::new("ERR Protocol version is not an integer or out of range"))?;
            Some(match version {
                2 => Protocol::Resp2,
                3 => Protocol::Resp3,
                _ => return Err(CommandError::new("NOPROTO unsupported protocol version")),
            })
        }
    };
    let mut index = 2;
    let (mut name, mut password) = (None, None);
    while index < args.len() {
        if args.is(index, "AUTH") && index + 2 < args.len() {
            password = Some((args.at(index + 1), args.at(index + 2)));
            index += 3;
        } else if args.is(index, "SETNAME") && index + 1 < args.len() {
            name = Some(valid_name(args.at(index + 1))?);
            index += 2;
        } else {
            let text = String::from_utf8_lossy(args.at(index));
            return Err(CommandError::of(format!("ERR Syntax error in HELLO option '{text}'")));
        }
    }
    if let Some((user, password)) = password {
        check_password(call, user, password)?;
    }
    if !call.client.is_authenticated {
        if !call.state.config.requirepass.is_empty() {
            return Err(CommandError::new(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> \
                 AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol \
                 version at the same time",
            ));
        }
        call.client.is_authenticated = true;
    }
    if let Some(name) = name {
        call.client.name = name;
    }
    if let Some(protocol) = protocol {
        call.client.reply.set_protocol(protocol);
    }
    let id = call.client.id;
    let reply = call.reply();
    let version = if reply.protocol() == Protocol::Resp3 { 3 } else { 2 };
    reply.map(7);
    for (field, value) in [("server", "redis"), ("version", super::VERSION)] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    for (field, value) in [("proto", version), ("id", id as i64)] {
        reply.bulk(field.as_bytes());
        reply.integer(value);
    }
    for (field, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
    Ok(())
}

/// Returns the name of a client, if it has only visible characters.
pub(super) fn valid_name(name: &[u8]) -> Result<Vec<u8>, CommandError> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        Ok(name.to_vec())
    } else {
        Err(CommandError::new("ERR Client names cannot contain spaces, newlines or special characters."))
    }
}

fn reset(call: &mut Call<'_>) -> Outcome {
    call.state.forget(call.client);
    call.client.transaction = None;
    call.client.db = 0;
    call.client.name.clear();
    call.client.reply.set_protocol(Protocol::Resp2);
    call.client.reply_mode = crate::client::ReplyMode::On;
    call.client.is_no_evict = false;
    call.client.is_no_touch = false;
    call.client.is_authenticated = call.state.config.requirepass.is_empty();
    call.reply().simple("RESET");
    Ok(())
}

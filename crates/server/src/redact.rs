//! [`shown`]: hides passwords in the arguments that `MONITOR` and the slow log show.

use crate::args::Args;
use crate::config::Directive;

/// The text that is shown instead of a secret argument.
const REDACTED: &[u8] = b"(redacted)";

/// Returns an argument, or [`REDACTED`] if the argument is secret. In C: `redactClientCommandArgument`.
pub(crate) fn shown<'a>(args: Args<'a>, index: usize) -> &'a [u8] {
    if is_secret(args, index) { REDACTED } else { args.at(index) }
}

/// Returns whether an argument is secret. All arguments of `AUTH` are secret. The two arguments after the option `AUTH`
/// of `HELLO` and the values of secret settings in `CONFIG SET` are secret, too.
fn is_secret(args: Args<'_>, index: usize) -> bool {
    let follows = |distance: usize, word: &str| {
        index.checked_sub(distance).is_some_and(|at| at > 0 && args.is(at, word))
    };
    let is_secret_directive = |at: usize| Directive::find(args.at(at)).is_some_and(Directive::is_secret);
    index > 0
        && (args.is(0, "auth")
            || args.is(0, "hello") && (follows(1, "auth") || follows(2, "auth"))
            || args.is(0, "config") && args.is(1, "set") && index % 2 == 1 && is_secret_directive(index - 1))
}

#[cfg(test)]
mod tests {
    use super::is_secret;
    use crate::args::OwnedArgs;

    #[test]
    fn passwords_are_secret_and_other_arguments_are_not() {
        for (text, secrets) in [
            ("AUTH password", &[1][..]),
            ("auth user password", &[1, 2]),
            ("HELLO 3 AUTH user password SETNAME me", &[3, 4]),
            ("hello AUTH user password", &[2, 3]),
            ("HELLO 3 AUTH", &[]),
            ("CONFIG SET maxmemory 1 requirepass password", &[5]),
            ("CONFIG SET logfile requirepass save x", &[]),
            ("CONFIG GET requirepass port", &[]),
            ("SET auth AUTH", &[]),
        ] {
            let args: OwnedArgs = text.split(' ').map(str::as_bytes).collect();
            let args = args.as_args();
            let found: Vec<usize> = (0..args.len()).filter(|index| is_secret(args, *index)).collect();
            assert_eq!(found, secrets, "{text}");
        }
    }
}

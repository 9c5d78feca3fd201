//! The lines that the server prints about itself.

/// Prints a line with the process id and the time, as Redis does.
pub(crate) fn line(level: char, text: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let now = jiff::Zoned::now().strftime("%d %b %Y %H:%M:%S%.3f");
    // A closed output does not stop the server.
    let _ignored = writeln!(std::io::stdout().lock(), "{}:M {now} {level} {text}", std::process::id());
}

/// Prints a line that is of interest in production.
macro_rules! notice {
    ($($part:tt)*) => { $crate::log::line('*', format_args!($($part)*)) };
}

/// Prints a line about something that may be wrong.
macro_rules! warning {
    ($($part:tt)*) => { $crate::log::line('#', format_args!($($part)*)) };
}

pub(crate) use {notice, warning};

//! The levels of the lines about the server, with the names that Redis has for them. The lines go to the crate
//! `log`, so a program that embeds the server decides where they are written.

/// Logs what is of interest in production. In C: `LL_NOTICE`.
macro_rules! notice {
    ($($part:tt)*) => { ::log::info!($($part)*) };
}

/// Logs what may be wrong. In C: `LL_WARNING`.
macro_rules! warning {
    ($($part:tt)*) => { ::log::warn!($($part)*) };
}

pub(crate) use {notice, warning};

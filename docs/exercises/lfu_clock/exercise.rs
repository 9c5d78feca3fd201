//! The clock of a key under LFU.

/// How the counter rises and falls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params {
    /// How much less probable each step is than the one before.
    pub(crate) log_factor: u32,
    /// The minutes after which the counter loses one, or 0 if it does not decay.
    pub(crate) decay_time: u32,
}

/// Returns the counter of a clock at `now`, in minutes.
pub(crate) fn freq(clock: u32, now: u64, params: &Params) -> u8 {
    todo!("the counter of {clock:#08x} at {now}, with a decay time of {}", params.decay_time)
}

/// Returns the clock after a use at `now`, in minutes. `random` is any number of 32 bits with the same probability.
pub(crate) fn touched(clock: u32, now: u64, random: u32, params: &Params) -> u32 {
    todo!("the clock after {clock:#08x} at {now}, with {random} and the factor {}", params.log_factor)
}

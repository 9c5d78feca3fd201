//! The clock of a key under LFU.

/// The counter of a new key. Up to here, each use counts.
const NEW: u8 = 5;

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
    let [minutes, counter] = [clock >> 8, clock & 0xff];
    let elapsed = (now as u16).wrapping_sub(minutes as u16);
    let lost = u32::from(elapsed).checked_div(params.decay_time).unwrap_or(0);
    counter.saturating_sub(lost) as u8
}

/// Returns the clock after a use at `now`, in minutes. `random` is any number of 32 bits with the same probability.
pub(crate) fn touched(clock: u32, now: u64, random: u32, params: &Params) -> u32 {
    let counter = freq(clock, now, params);
    let above_new = counter.saturating_sub(NEW);
    let d = u128::from(params.log_factor) * u128::from(above_new) + 1;
    let rises = u128::from(random) * d < 1 << 32;
    let counter = counter.saturating_add(u8::from(rises));
    u32::from(now as u16) << 8 | u32::from(counter)
}

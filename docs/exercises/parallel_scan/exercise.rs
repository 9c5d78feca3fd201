//! The parts of a scan with several workers.

/// Returns the cursor of the first call of a worker. The workers have the numbers 0 to `workers - 1`.
pub(crate) fn start(worker: u32, workers: u32) -> u64 {
    todo!("the first cursor of worker {worker} of {workers}")
}

/// Returns whether a worker has finished, after a call that returned `cursor`.
pub(crate) fn is_done(worker: u32, workers: u32, cursor: u64) -> bool {
    todo!("whether worker {worker} of {workers} has finished at {cursor}")
}

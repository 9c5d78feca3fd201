//! The parts of a scan with several workers.

/// Returns the place on the line at which the part of a worker begins. It is 2^64 for the worker after the last.
fn place(worker: u32, workers: u32) -> u128 {
    (u128::from(worker) << 64) / u128::from(workers)
}

/// Returns the cursor of the first call of a worker. The workers have the numbers 0 to `workers - 1`.
pub(crate) fn start(worker: u32, workers: u32) -> u64 {
    (place(worker, workers) as u64).reverse_bits()
}

/// Returns whether a worker has finished, after a call that returned `cursor`.
pub(crate) fn is_done(worker: u32, workers: u32, cursor: u64) -> bool {
    // A call that returns 0 has reached the end of the line.
    let place_of_cursor = match cursor {
        0 => 1 << 64,
        _ => u128::from(cursor.reverse_bits()),
    };
    place_of_cursor >= place(worker + 1, workers)
}

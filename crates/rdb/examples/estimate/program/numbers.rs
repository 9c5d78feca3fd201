//! The estimate from numbers, for keys that do not exist yet.

use super::cli::Args;
use keyspace::estimate::{EstimateError, Quantum, Store};
use std::fmt::Write;

/// The stores that are compared.
const STORES: [Store; 3] =
    [Store::Keyspace, Store::Classic(Quantum::Sixteen), Store::Classic(Quantum::Eight)];

/// Returns an estimate for each store, with the advice that follows from it.
pub(crate) fn report(arguments: &Args) -> Result<String, EstimateError> {
    let workload = arguments.workload();
    let mut report = format!("{workload}\n");
    for store in STORES {
        let _ = writeln!(report, "\n{}", workload.estimate(store)?);
        for advice in workload.advice(store)? {
            let _ = writeln!(report, "  - {advice}");
        }
    }
    Ok(report)
}

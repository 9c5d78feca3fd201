//! Measures parts in separate processes, so that the allocator holds no other data.
//!
//! The process is this program with the hidden option `--part`. It prints its results as JSON.

use super::{churn, expire};
use crate::error::BadInput;
use crate::settings::Settings;
use anyhow::{Context, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::process::{Command, Stdio};

/// Measures the part `kind name` in a new process.
pub(super) fn measured<T: DeserializeOwned>(
    settings: &Settings,
    kind: &str,
    name: &str,
) -> anyhow::Result<T> {
    let which = format!("{kind} {name}");
    // The program of a test does not have this option.
    let text = if cfg!(test) { part(&which, settings)? } else { output(settings, &which)? };
    serde_json::from_str(&text).context(which)
}

fn output(settings: &Settings, which: &str) -> anyhow::Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--part", which, "--seed", &settings.seed.to_string()]);
    command.args(settings.pick(Some("--smoke"), Some("--quick"), None));
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the process for '{which}' has failed: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Measures a part in this process, and returns the results as JSON.
pub fn part(which: &str, settings: &Settings) -> anyhow::Result<String> {
    let found = match which.split_once(' ') {
        Some(("churn", name)) => churn::measure(name, settings).map(json),
        Some(("expire", name)) => expire::measure(name, settings).map(json),
        _ => None,
    };
    found.unwrap_or_else(|| Err(BadInput::CommandLine(format!("no part '{which}'")).into()))
}

fn json<T: Serialize>(found: T) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&found)?)
}

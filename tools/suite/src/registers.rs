// SPDX-License-Identifier: GPL-2.0

//! Checks of every access to the registers of virtio devices, as QEMU has traced them.
//!
//! A test whose guest has `trace` in its declaration lets QEMU write such a trace while it works the
//! driver. When the guest has ended, the trace is read here, and each requirement is an outcome: it
//! fails when it was violated, and also when nothing in the trace was subject to it.

mod rules;
mod trace;

use crate::outcome::{Outcome, tail};
use anyhow::{Context as _, Result};
use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    time::Duration,
};

/// Name of the trace in the guest's scratch directory.
pub const FILE: &str = "trace.log";

/// Judges a trace.
pub fn judge(path: &Path) -> Result<Vec<Outcome>> {
    let file = File::open(path).with_context(|| format!("there is no trace {}", path.display()))?;
    let mut devices = rules::Devices::default();
    for line in BufReader::new(file).lines() {
        if let Some(access) = trace::Access::parse(&line?) {
            devices.observe(&access);
        }
    }
    Ok(devices.verdicts().map(|(id, verdict)| outcome(id, verdict)).collect())
}

fn outcome(id: &str, verdict: &rules::Verdict) -> Outcome {
    let name = format!("registers/{id}");
    if !verdict.violations.is_empty() {
        return Outcome::failed(name, Duration::ZERO, tail(&verdict.violations.join("\n")));
    }
    if verdict.applied == 0 {
        return Outcome::failed(name, Duration::ZERO, "nothing in the trace was subject to it");
    }
    Outcome::passed(name, Duration::ZERO)
}

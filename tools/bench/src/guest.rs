// SPDX-License-Identifier: GPL-2.0

//! One guest that follows a plan.

use crate::{
    lab::Lab,
    outcome::{self, Outcome},
    symbols::Symbols,
};
use anyhow::{Context as _, Result, bail};
use flate2::read::GzDecoder;
use rvirtio_plugin::record::Snapshot;
use std::{
    fs::{self, File},
    io::{BufReader, Read as _},
    path::Path,
    process::Stdio,
};

/// Kernel arguments: functions where the list of symbols says they are, nothing that depends on the
/// processor's bugs, and no kernel threads that look at memory in the background.
const BOOT: [&str; 4] = ["nokaslr", "mitigations=off", "transparent_hugepage=never", "damon_stat.enabled=0"];

/// What QEMU's plugin counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// Nothing: no plugin, full speed.
    Off,
    /// Executions of blocks of code.
    Instructions,
    /// Accesses to devices as well.
    Devices,
}

/// A guest to be.
pub struct Guest<'a> {
    /// For the progress report.
    pub name: &'a str,
    /// Its devices, as arguments of `tools/vm exec`.
    pub devices: Vec<String>,
    /// Virtual CPUs.
    pub cpus: u32,
    /// What is counted.
    pub counting: Counting,
}

impl Guest<'_> {
    /// Starts it, has it do `plan`, shell commands with `phases` phases in it, and waits for its end.
    ///
    /// # Errors
    ///
    /// When anything at all went wrong: then no figure of this guest counts.
    pub fn run(&self, lab: &Lab, plan: &str, phases: usize) -> Result<Outcome> {
        let step = lab.step(self.name);
        let outcome = self.attempt(lab, plan, phases).with_context(|| format!("{} failed", self.name))?;
        step.done();
        Ok(outcome)
    }

    fn attempt(&self, lab: &Lab, plan: &str, phases: usize) -> Result<Outcome> {
        let plan_file = lab.files().join("plan");
        let counts = lab.files().join("counts");
        let known = lab.symbols();
        fs::write(&plan_file, plan.to_owned() + &self.ending(known.exists()))?;

        let mut exec = lab.exec();
        // Everything stays in the kernel's own drivers but the device that we take.
        exec.args(["--drivers", "c", "--timeout", "1800", "--smp", &self.cpus.to_string()]);
        exec.arg("--copy").arg(&plan_file);
        for word in BOOT {
            exec.args(["--append", word]);
        }
        exec.args(&self.devices);
        if self.counting != Counting::Off {
            lab.needs_plugins()?;
            // What runs on the processor itself cannot be counted.
            exec.args(["--accel", "tcg"]);
            let devices = if self.counting == Counting::Devices { "on" } else { "off" };
            let plugin = format!("{},out={},devices={devices}", lab.plugin.display(), counts.display());
            exec.args(["--qemu", "-plugin", "--qemu", &plugin]);
        }
        exec.args(["--", "sh", "/host/bench.sh"]);
        let output = exec.stdin(Stdio::null()).output().context("tools/vm cannot be run")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("the guest ended with {}:\n{}", output.status, errors.trim_end());
        }

        let (text, compressed) = outcome::split(&output.stdout)?;
        let mut outcome = outcome::parse(text, phases)?;
        outcome.accelerator = outcome::accelerator(&errors)?.to_owned();
        if self.counting != Counting::Off {
            outcome.symbols = symbols(&known, compressed)?;
            outcome.snapshots = snapshots(&counts, phases)?;
        }
        Ok(outcome)
    }

    /// Commands after the plan: what was found out, and where functions are.
    fn ending(&self, symbols_known: bool) -> String {
        let mut ending = "cat $RESULTS\necho symbols\n".to_owned();
        if self.counting != Counting::Off {
            // The kernel's own never change; all of them take a while through a serial port.
            let which = if symbols_known { "grep -F '['" } else { "cat" };
            ending += &format!("{which} /proc/kallsyms | grep -i ' [tw] ' | gzip -c\n");
        }
        ending
    }
}

/// The snapshot of each phase.
fn snapshots(counts: &Path, phases: usize) -> Result<Vec<Snapshot>> {
    let mut file = BufReader::new(File::open(counts).context("the plugin wrote no counts")?);
    let mut snapshots = Vec::new();
    while let Some(snapshot) = Snapshot::read(&mut file).context("the plugin's counts are cut off")? {
        snapshots.push(snapshot);
    }
    // One before the first phase, one at the end.
    if snapshots.len() != phases + 2 {
        bail!("the plugin made {} snapshots for {phases} phases", snapshots.len());
    }
    snapshots.pop();
    snapshots.remove(0);
    Ok(snapshots)
}

/// The kernel's functions from the cache, where they are put when they are not there, and the modules'.
fn symbols(known: &Path, compressed: &[u8]) -> Result<Symbols> {
    let mut text = String::new();
    GzDecoder::new(compressed).read_to_string(&mut text).context("the guest's list of symbols is cut off")?;
    if !known.exists() {
        let kernel: String =
            text.lines().filter(|line| !line.contains('[')).flat_map(|line| [line, "\n"]).collect();
        let dir = known.parent().context("the cache has no directory")?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        std::io::Write::write_all(&mut file, kernel.as_bytes())?;
        file.persist(known)?;
    }
    let modules: String =
        text.lines().filter(|line| line.contains('[')).flat_map(|line| [line, "\n"]).collect();
    Ok(Symbols::parse(&(fs::read_to_string(known)? + &modules)))
}

// SPDX-License-Identifier: GPL-2.0

//! What on real hardware would leave the guest: accesses to devices, and interrupts.

use crate::{
    backend::Backend,
    guest::Counting,
    lab::Lab,
    session::{Phase, Session},
    side::Side,
    stats::Summary,
    workload::{Length, Workload},
};
use anyhow::{Context as _, Result};
use rvirtio_plugin::record::{Kind, Snapshot};
use serde::{Deserialize, Serialize};

/// Operations of the short run, and how many more the long one does.
const SHORT: u64 = 500;
const MORE: u64 = 3000;

/// Accesses to devices per operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accesses {
    /// The load.
    pub workload: Workload,
    /// The driver.
    pub side: Side,
    /// Writes to device memory: doorbells.
    pub writes: Summary,
    /// Reads of device memory.
    pub reads: Summary,
    /// Instructions that access I/O ports.
    pub ports: Summary,
    /// Interrupts of the disk.
    pub interrupts: Summary,
}

/// Counts for all `sides`, which take turns, and `workloads`: `rounds` times each.
///
/// # Errors
///
/// Those of [`Session::run`].
pub fn run(
    lab: &Lab,
    name: &str,
    sides: &[Side],
    workloads: &[Workload],
    rounds: usize,
) -> Result<Vec<Accesses>> {
    let mut phases = Vec::new();
    for &workload in workloads {
        for _ in 0..rounds {
            for &side in sides {
                for operations in [SHORT, SHORT + MORE] {
                    phases.push(Phase { side, workload, length: Length::Operations(operations) });
                }
            }
        }
    }
    let session = Session {
        name,
        sides,
        backend: Backend::Nothing,
        device_options: "",
        cpus: 1,
        counting: Counting::Devices,
        phases,
        finally: String::new(),
    };
    let (outcome, done) = session.run(lab)?;
    let mut accesses = Vec::new();
    for (number, &workload) in workloads.iter().enumerate() {
        for (index, &side) in sides.iter().enumerate() {
            let per_operation = |of: &dyn Fn(usize) -> u64| {
                Summary::of((0..rounds).map(|round| {
                    let short = 2 * ((number * rounds + round) * sides.len() + index);
                    (of(short + 1) as f64 - of(short) as f64) / MORE as f64
                }))
                .context("nothing was to be counted")
            };
            let counted = |kind| per_operation(&|phase| total(&outcome.snapshots[phase], kind));
            accesses.push(Accesses {
                workload,
                side,
                writes: counted(Kind::DeviceWrite)?,
                reads: counted(Kind::DeviceRead)?,
                ports: counted(Kind::Port)?,
                interrupts: per_operation(&|phase| done[phase].interrupts)?,
            });
        }
    }
    Ok(accesses)
}

/// Interrupt controllers and timers of the PC: from the first I/O APIC to the end of the local ones.
const PLATFORM: std::ops::Range<u64> = 0xfec0_0000..0xfef0_0000;

/// Accesses of one kind, those to the platform's own devices left out.
pub fn total(snapshot: &Snapshot, kind: Kind) -> u64 {
    let counted = snapshot.entries.iter().filter(|entry| entry.kind == kind);
    counted
        .filter(|entry| kind == Kind::Port || !PLATFORM.contains(&entry.address))
        .map(|entry| entry.count)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rvirtio_plugin::record::Entry;

    #[test]
    fn interrupt_controllers_are_no_disks() {
        let entry = |kind, address, count| Entry { kind, address, len: 1, count };
        let snapshot = Snapshot {
            entries: vec![
                entry(Kind::DeviceWrite, 0xfe00_3000, 5),
                entry(Kind::DeviceWrite, 0xfee0_00b0, 70),
                entry(Kind::DeviceRead, 0xfe00_3000, 900),
                entry(Kind::Port, 0xffff_ffff_8100_0000, 11),
            ],
        };
        assert_eq!(total(&snapshot, Kind::DeviceWrite), 5);
        assert_eq!(total(&snapshot, Kind::Port), 11);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What on real hardware would leave the guest: accesses to devices, and interrupts.

use crate::{
    backend::Backend,
    guest::Counting,
    lab::Lab,
    session::{Phase, Session},
    side::Side,
    workload::{Length, Workload},
};
use anyhow::Result;
use rvirtio_plugin::record::{Kind, Snapshot};
use serde::{Deserialize, Serialize};

/// Operations of the short run, and how many more the long one does.
const SHORT: u64 = 500;
const MORE: u64 = 4000;

/// Accesses to devices per operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accesses {
    /// The load.
    pub workload: Workload,
    /// The driver.
    pub side: Side,
    /// Writes to device memory: doorbells.
    pub writes: f64,
    /// Reads of device memory.
    pub reads: f64,
    /// Instructions that access I/O ports.
    pub ports: f64,
    /// Interrupts of the disk.
    pub interrupts: f64,
}

/// Counts for all `sides` and `workloads`.
///
/// # Errors
///
/// Those of [`Session::run`].
pub fn run(lab: &Lab, name: &str, sides: &[Side], workloads: &[Workload]) -> Result<Vec<Accesses>> {
    let pairs: Vec<(Workload, Side)> =
        workloads.iter().flat_map(|&workload| sides.iter().map(move |&side| (workload, side))).collect();
    let phases = pairs.iter().flat_map(|&(workload, side)| {
        [SHORT, SHORT + MORE].map(|operations| Phase {
            side,
            workload,
            length: Length::Operations(operations),
        })
    });
    let session = Session {
        name,
        sides,
        backend: Backend::Nothing,
        device_options: "",
        cpus: 1,
        counting: Counting::Devices,
        phases: phases.collect(),
        finally: String::new(),
    };
    let (outcome, done) = session.run(lab)?;
    let accesses = pairs.into_iter().enumerate().map(|(index, (workload, side))| {
        let (short, long) = (2 * index, 2 * index + 1);
        let per_operation = |of: &dyn Fn(usize) -> u64| (of(long) as f64 - of(short) as f64) / MORE as f64;
        let counted = |kind| per_operation(&|phase| total(&outcome.snapshots[phase], kind));
        Accesses {
            workload,
            side,
            writes: counted(Kind::DeviceWrite),
            reads: counted(Kind::DeviceRead),
            ports: counted(Kind::Port),
            interrupts: per_operation(&|phase| done[phase].interrupts),
        }
    });
    Ok(accesses.collect())
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

// SPDX-License-Identifier: GPL-2.0

//! What on real hardware would leave the guest: accesses to devices, and interrupts.

use crate::{
    guest::Counting,
    lab::Lab,
    session::Session,
    side::Side,
    stats::Summary,
    turns::cells,
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

/// Counts.
///
/// # Errors
///
/// Those of [`Session::run`].
pub fn accesses(session: &Session<'_>, lab: &Lab) -> Result<Vec<Accesses>> {
    let lengths = [SHORT, SHORT + MORE].map(Length::Operations);
    let ran = session.run(lab, Counting::Devices, &lengths, "")?;
    let mut accesses = Vec::new();
    for (workload, side, turns) in cells(&ran.turns) {
        let per_operation = |of: &dyn Fn(usize) -> u64| {
            let slope = |pair: &[usize]| (of(pair[1]) as f64 - of(pair[0]) as f64) / MORE as f64;
            Summary::of(turns.chunks_exact(2).map(slope)).context("nothing was to be counted")
        };
        let counted = |kind| per_operation(&|turn| total(&ran.outcome.snapshots[turn], kind));
        accesses.push(Accesses {
            workload,
            side,
            writes: counted(Kind::DeviceWrite)?,
            reads: counted(Kind::DeviceRead)?,
            ports: counted(Kind::Port)?,
            interrupts: per_operation(&|turn| ran.done[turn].interrupts)?,
        });
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

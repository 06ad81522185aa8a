// SPDX-License-Identifier: GPL-2.0

//! Executed guest instructions per operation.

use crate::{
    backend::Backend,
    guest::Counting,
    lab::Lab,
    profile::Profile,
    session::{Phase, Session},
    side::Side,
    stats::Summary,
    workload::{Length, Workload},
};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// How a guest's instructions are counted.
pub struct Plan<'a> {
    /// For the progress report.
    pub name: &'a str,
    /// Whose disks.
    pub sides: &'a [Side],
    /// Options of the virtio devices, each after a comma.
    pub device_options: &'a str,
    /// What they do.
    pub workloads: &'a [Workload],
    /// How often each is measured, the sides taking turns.
    pub rounds: usize,
    /// Operations of the short run, and how many more the long one does.
    pub operations: (u64, u64),
}

/// What one operation costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Options of the virtio device that are not QEMU's defaults.
    pub device_options: String,
    /// The load.
    pub workload: Workload,
    /// The driver.
    pub side: Side,
    /// Driver, ring, transport, helpers and allocator.
    pub driver: Summary,
    /// Block layer, all of `driver`, and interrupts.
    pub work: Summary,
    /// The whole kernel.
    pub kernel: Summary,
    /// By function, of the last round.
    pub profile: Profile,
}

impl Plan<'_> {
    /// Measures.
    ///
    /// # Errors
    ///
    /// Those of [`Session::run`].
    pub fn run(&self, lab: &Lab) -> Result<Vec<Cost>> {
        let (short, more) = self.operations;
        let mut phases = Vec::new();
        for &workload in self.workloads {
            for _ in 0..self.rounds {
                for &side in self.sides {
                    for operations in [short, short + more] {
                        phases.push(Phase { side, workload, length: Length::Operations(operations) });
                    }
                }
            }
        }
        let session = Session {
            name: self.name,
            sides: self.sides,
            backend: Backend::Nothing,
            device_options: self.device_options,
            cpus: 1,
            counting: Counting::Instructions,
            phases,
            finally: String::new(),
        };
        let (outcome, _) = session.run(lab)?;

        let profile = |pair: usize| {
            let at = 2 * pair;
            Profile::slope(&outcome.snapshots[at], &outcome.snapshots[at + 1], more, &outcome.symbols)
        };
        let mut costs = Vec::new();
        for (number, &workload) in self.workloads.iter().enumerate() {
            for (index, &side) in self.sides.iter().enumerate() {
                let rounds =
                    (0..self.rounds).map(|round| (number * self.rounds + round) * self.sides.len() + index);
                let profiles: Vec<Profile> = rounds.map(profile).collect();
                costs.extend(self.cost(workload, side, profiles));
            }
        }
        Ok(costs)
    }

    /// None without rounds.
    fn cost(&self, workload: Workload, side: Side, mut profiles: Vec<Profile>) -> Option<Cost> {
        let summary = |of: fn(&Profile) -> f64| Summary::of(profiles.iter().map(of));
        Some(Cost {
            device_options: self.device_options.trim_start_matches(',').to_owned(),
            workload,
            side,
            driver: summary(Profile::driver)?,
            work: summary(Profile::below_files)?,
            kernel: summary(Profile::kernel)?,
            profile: profiles.pop()?.trimmed(),
        })
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Operations per second, by the clock.

use crate::{
    backend::Backend,
    guest::Counting,
    lab::Lab,
    session::{Phase, Session},
    side::Side,
    stats::Summary,
    workload::{Length, Workload},
};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// What is run, the sides taking turns.
pub struct Plan<'a> {
    /// For the progress report.
    pub name: &'a str,
    /// Whose disks.
    pub sides: &'a [Side],
    /// Their back end.
    pub backend: Backend,
    /// Virtual CPUs, and queues of the virtio disks.
    pub cpus: u32,
    /// What they do.
    pub workloads: &'a [Workload],
    /// How often each is measured.
    pub rounds: usize,
    /// How long each time.
    pub seconds: u32,
}

/// Operations per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// What executed the guest's code, KVM or TCG.
    #[serde(default)]
    pub accelerator: String,
    /// The back end of the disks.
    pub backend: String,
    /// Virtual CPUs and queues.
    pub cpus: u32,
    /// The load.
    pub workload: Workload,
    /// The driver.
    pub side: Side,
    /// Operations per second.
    pub iops: Summary,
    /// Against the first side, round by round.
    pub ratio: Summary,
}

impl Plan<'_> {
    /// Measures.
    ///
    /// # Errors
    ///
    /// Those of [`Session::run`].
    pub fn run(&self, lab: &Lab) -> Result<Vec<Rate>> {
        let length = Length::Seconds(self.seconds);
        let mut phases = Vec::new();
        for &workload in self.workloads {
            for _ in 0..self.rounds {
                phases.extend(self.sides.iter().map(|&side| Phase { side, workload, length }));
            }
        }
        let session = Session {
            name: self.name,
            sides: self.sides,
            backend: self.backend.clone(),
            device_options: "",
            cpus: self.cpus,
            counting: Counting::Off,
            phases,
            finally: String::new(),
        };
        let (outcome, done) = session.run(lab)?;
        let iops = |number: usize, round: usize, index: usize| {
            done[(number * self.rounds + round) * self.sides.len() + index].iops
        };
        let mut rates = Vec::new();
        for (number, &workload) in self.workloads.iter().enumerate() {
            for (index, &side) in self.sides.iter().enumerate() {
                let rounds = 0..self.rounds;
                let samples = Summary::of(rounds.clone().map(|round| iops(number, round, index)));
                let ratios =
                    Summary::of(rounds.map(|round| iops(number, round, index) / iops(number, round, 0)));
                if let (Some(iops), Some(ratio)) = (samples, ratios) {
                    let accelerator = outcome.accelerator.clone();
                    let backend = self.backend.title().to_owned();
                    rates.push(Rate { accelerator, backend, cpus: self.cpus, workload, side, iops, ratio });
                }
            }
        }
        Ok(rates)
    }
}

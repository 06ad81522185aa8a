// SPDX-License-Identifier: GPL-2.0

//! One guest whose disks go through a list of phases.

use crate::{
    backend::Backend,
    fio::{self, Done},
    guest::{Counting, Guest},
    lab::Lab,
    outcome::Outcome,
    side::Side,
    workload::{Length, Workload},
};
use anyhow::Result;

/// One run of fio.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// On whose disk.
    pub side: Side,
    /// What it does.
    pub workload: Workload,
    /// How long.
    pub length: Length,
}

/// A guest and what it does.
pub struct Session<'a> {
    /// For the progress report.
    pub name: &'a str,
    /// Whose disks it has.
    pub sides: &'a [Side],
    /// Their back end.
    pub backend: Backend,
    /// Options of the virtio devices, each after a comma.
    pub device_options: &'a str,
    /// Virtual CPUs.
    pub cpus: u32,
    /// What is counted.
    pub counting: Counting,
    /// The runs, in order.
    pub phases: Vec<Phase>,
    /// Shell commands after them.
    pub finally: String,
}

impl Session<'_> {
    /// Starts the guest and waits for its end. Returns what was counted, and what fio did in each phase.
    ///
    /// # Errors
    ///
    /// When anything at all went wrong: then no figure of this guest counts.
    pub fn run(&self, lab: &Lab) -> Result<(Outcome, Vec<Done>)> {
        let arguments = |side: &Side| side.arguments(&self.backend.options(*side), self.device_options);
        let guest = Guest {
            name: self.name,
            devices: self.sides.iter().flat_map(arguments).collect(),
            cpus: self.cpus,
            counting: self.counting,
        };
        let outcome = guest.run(lab, &self.plan(), self.phases.len())?;
        let done =
            outcome.phases.iter().zip(&self.phases).map(|(found, phase)| fio::done(found, phase.length));
        let done = done.collect::<Result<_>>()?;
        Ok((outcome, done))
    }

    /// The commands that the guest runs.
    fn plan(&self) -> String {
        let mut plan = String::new();
        for side in self.sides {
            plan += &side.set_up();
        }
        // Once each, in the order of their first phase.
        let mut warm = Vec::new();
        for phase in &self.phases {
            let key = (phase.side, phase.workload);
            if !warm.contains(&key) {
                warm.push(key);
                let options = phase.workload.options(Length::Operations(300));
                plan += &format!("warm_up ${} {options}\n", phase.side.variable());
            }
        }
        plan += "marker\n";
        for phase in &self.phases {
            let (side, options) = (phase.side, phase.workload.options(phase.length));
            plan += &format!("phase ${} {} {options}\n", side.variable(), side.interrupts());
        }
        plan + &self.finally
    }
}

// SPDX-License-Identifier: GPL-2.0

//! One guest whose disks take turns.

use crate::{
    backend::Backend,
    fio::{self, Done},
    guest::{Counting, Guest},
    lab::Lab,
    outcome::Outcome,
    side::Side,
    turns::{self, Turn},
    workload::{Length, Workload},
};
use anyhow::Result;

/// A guest and what its disks do.
pub struct Session<'a> {
    /// For the progress report.
    pub name: &'a str,
    /// Whose disks it has.
    pub sides: &'a [Side],
    /// Their back end.
    pub backend: Backend,
    /// Options of the virtio devices, each after a comma.
    pub device_options: &'a str,
    /// Virtual CPUs, and queues of the virtio disks.
    pub cpus: u32,
    /// What they do.
    pub workloads: &'a [Workload],
    /// How often each is measured, the sides taking turns.
    pub rounds: usize,
}

/// What became of a session.
pub struct Ran {
    /// Its turns.
    pub turns: Vec<Turn<Workload, Side>>,
    /// What fio did in each.
    pub done: Vec<Done>,
    /// What was counted.
    pub outcome: Outcome,
}

impl<'a> Session<'a> {
    /// With one CPU, QEMU's own options and no back end.
    pub fn new(name: &'a str, sides: &'a [Side], workloads: &'a [Workload], rounds: usize) -> Self {
        Self { name, sides, backend: Backend::Nothing, device_options: "", cpus: 1, workloads, rounds }
    }

    /// Starts the guest and waits for its end. In each turn a load has all `lengths`; `finally` are shell
    /// commands after them.
    ///
    /// # Errors
    ///
    /// When anything at all went wrong: then no figure of this guest counts.
    pub fn run(&self, lab: &Lab, counting: Counting, lengths: &[Length], finally: &str) -> Result<Ran> {
        let turns = turns::turns(self.workloads, self.sides, self.rounds, |_| lengths.to_vec());
        let arguments = |side: &Side| side.arguments(&self.backend.options(*side), self.device_options);
        let devices = self.sides.iter().flat_map(arguments).collect();
        let guest = Guest { name: self.name, devices, cpus: self.cpus, counting };
        let warm_up = |turn: &Turn<Workload, Side>| {
            let options = turn.load.options(Length::Operations(300));
            format!("warm_up ${} {options}\n", turn.side.variable())
        };
        let run = |turn: &Turn<Workload, Side>| {
            let (side, options) = (turn.side, turn.load.options(turn.length));
            format!("phase ${} {} {options}\n", side.variable(), side.interrupts())
        };
        let plan = turns::plan(self.sides.iter().map(|side| side.set_up()), &turns, warm_up, run);
        let outcome = guest.run(lab, &(plan + finally), turns.len())?;
        let done = outcome.phases.iter().zip(&turns).map(|(found, turn)| fio::done(found, turn.length));
        Ok(Ran { done: done.collect::<Result<_>>()?, turns, outcome })
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The device: all of its state, and what can happen to it as a whole.

mod registers;
#[cfg(test)]
mod tests;
mod work;

use crate::{
    back_end::{self, BackEnd, Role},
    breach::{Breach, Findings},
    common::Common,
    faults::{Faults, Treatment, Until},
    interrupts::{CONFIG, Interrupts, QUEUE},
    mailbox::Mailbox,
    memory::Memory,
    pci::ConfigSpace,
    ring::{Ring, chain::Chain},
    rules::{Devices, status},
    script::{Line, Mischief},
    spec::Spec,
};
use std::{collections::VecDeque, time::Instant};

/// The device needs a reset.
const NEEDS_RESET: u8 = 0x40;
const DRIVER_OK: u8 = status::DRIVER_OK as u8;
const FEATURES_OK: u8 = status::FEATURES_OK as u8;

/// A queue that the driver has enabled, or not.
#[derive(Default)]
struct Queue {
    ring: Option<Ring>,
    /// The driver has notified the device.
    kicked: bool,
    taken: VecDeque<Taken>,
}

impl Queue {
    /// Does not look at it any more until it is enabled again. After the device was wrong about a ring,
    /// what the driver does to it says nothing about the driver, and memory that the device still knows
    /// may be in use for something else.
    fn abandon(&mut self) {
        self.ring = None;
        self.taken.clear();
    }
}

/// A buffer that the device has taken from the ring.
struct Taken {
    chain: Chain,
    treatment: Treatment,
    until: Until,
    /// Another request has ended it, with this response.
    ended: Option<u8>,
}

/// What the device has seen.
#[derive(Default)]
struct Counts {
    requests: u64,
    completed: u64,
    notifications: u64,
    resets: u64,
    function_resets: u64,
    starts: u64,
}

pub struct Device {
    spec: Spec,
    pub memory: Memory,
    pci: ConfigSpace,
    common: Common,
    pub interrupts: Interrupts,
    queues: Vec<Queue>,
    back_end: Box<dyn BackEnd>,
    faults: Faults,
    /// The driver has asked for a reset that the device has not done yet.
    resetting: Option<Until>,
    findings: Findings,
    rules: Devices,
    counts: Counts,
    mailbox: Mailbox,
    /// Nobody needs the device any more.
    pub ended: bool,
}

impl Device {
    pub fn new(spec: Spec) -> Self {
        Self {
            memory: Memory::default(),
            pci: ConfigSpace::new(&spec),
            common: Common::new(&spec),
            interrupts: Interrupts::new(spec.vectors),
            queues: (0..spec.all_queues()).map(|_| Queue::default()).collect(),
            back_end: back_end::new(&spec),
            faults: Faults::default(),
            resetting: None,
            findings: Findings::default(),
            rules: Devices::default(),
            counts: Counts::default(),
            mailbox: Mailbox::default(),
            ended: false,
            spec,
        }
    }

    /// What the driver did wrong.
    pub fn findings(&mut self) -> Vec<String> {
        let mut lines = self.findings.lines();
        for (id, verdict) in self.rules.verdicts() {
            lines.extend(verdict.violations.iter().take(4).map(|what| format!("{id}: {what}")));
        }
        lines
    }

    /// Counts that tests can ask for.
    fn count(&mut self, word: &str) -> Option<u64> {
        Some(match word {
            "requests" => self.counts.requests,
            "completed" => self.counts.completed,
            "notifications" => self.counts.notifications,
            "interrupts" => self.interrupts.sent,
            "resets" => self.counts.resets,
            "function-resets" => self.counts.function_resets,
            "starts" => self.counts.starts,
            "faults" => self.faults.done,
            "in-flight" => {
                let queues = self.queues.iter().enumerate();
                let queues = queues.filter(|(index, _)| self.back_end.role(*index) == Role::Requests);
                queues.map(|(_, queue)| queue.taken.len() as u64).sum()
            }
            "findings" => self.findings().len() as u64,
            _ => return self.back_end.count(word),
        })
    }

    /// Does what a test says in its own words, and answers.
    fn obey(&mut self, text: &str) -> String {
        if let Some(word) = text.strip_prefix("count ") {
            return self.count(word).map_or("error: no such count".to_owned(), |count| count.to_string());
        }
        if text == "name" {
            return self.spec.name.clone();
        }
        if text == "findings" {
            return self.findings().join("; ");
        }
        match text.parse() {
            Ok(line) => {
                self.plan(&line);
                "ok".to_owned()
            }
            Err(why) => format!("error: {why}"),
        }
    }

    /// Takes a line of a script.
    pub fn plan(&mut self, line: &Line) {
        if let Some(mischief) = self.faults.plan(line) {
            self.mischief(mischief, Instant::now());
        }
    }

    fn mischief(&mut self, mischief: Mischief, now: Instant) {
        match mischief {
            Mischief::Stall(time) => self.faults.stalled = Some(Until::of(time, now)),
            Mischief::Scribble => self.scribble(),
            Mischief::NeedsReset => self.fail(),
            Mischief::Drop => {
                self.common.status &= !DRIVER_OK;
                self.interrupts.raise(CONFIG, self.common.config_vector);
            }
            Mischief::Vanish => {
                // What was unplugged does not access memory, and has forgotten everything when it is back.
                self.reset();
                self.faults.vanished = true;
            }
            Mischief::Return => self.faults.vanished = false,
            Mischief::Storm(count) => self.storm(count),
            Mischief::KeepReset(time) => self.faults.keep_reset = Some(time),
            Mischief::Refuse(times) => self.faults.refuse = times,
            Mischief::Churn => self.faults.churn = true,
            Mischief::Deaf(times) => self.faults.deaf = times,
            Mischief::Withhold(bit) => self.common.withhold(bit),
            Mischief::Random(seed) => self.faults.random(seed),
            Mischief::Honest => self.be_honest(),
            other => {
                if self.back_end.mischief(other) {
                    self.configuration_changed();
                }
            }
        }
    }

    fn configuration_changed(&mut self) {
        self.common.generation = self.common.generation.wrapping_add(1);
        self.interrupts.raise(CONFIG, self.common.config_vector);
    }

    fn be_honest(&mut self) {
        self.faults.end();
        self.common.offer(self.spec.features);
        if self.back_end.be_honest() {
            self.configuration_changed();
        }
        if self.resetting.is_some() {
            self.reset();
        }
        // What it was told while it did not listen.
        self.queues.iter_mut().for_each(|queue| queue.kicked = true);
    }

    fn storm(&mut self, count: u32) {
        for _ in 0..count {
            self.interrupts.raise(CONFIG, self.common.config_vector);
            for index in 0..self.queues.len() {
                self.interrupts.raise(QUEUE, self.common.queues[index].vector);
            }
        }
    }

    /// Writes at random to its part of all rings, and does not look at them any more.
    fn scribble(&mut self) {
        for (index, queue) in self.queues.iter_mut().enumerate() {
            if queue.ring.is_none() {
                continue;
            }
            queue.abandon();
            let setup = self.common.setup(index as u16);
            let packed = self.common.has(crate::spec::feature::RING_PACKED);
            let size = usize::from(setup.size);
            let (at, len) = if packed { (setup.desc, 16 * size) } else { (setup.device, 4 + 8 * size) };
            let mut bytes = vec![0; len];
            self.faults.bytes(&mut bytes);
            // A driver that has given a wrong address is told so when it does something.
            let _ = self.memory.write(at, &bytes);
            self.interrupts.raise(QUEUE, self.common.queues[index].vector);
        }
    }

    /// The device does not go on without a reset.
    fn fail(&mut self) {
        self.common.status |= NEEDS_RESET;
        self.interrupts.raise(CONFIG, self.common.config_vector);
    }

    /// Notes a breach, after which the device does not go on.
    fn give_up(&mut self, breach: Breach) {
        self.findings.add(breach);
        self.fail();
    }

    fn reset(&mut self) {
        self.counts.resets += 1;
        self.resetting = None;
        self.common.reset_all();
        self.interrupts.reset();
        self.queues.iter_mut().for_each(|queue| *queue = Queue::default());
        self.back_end.reset();
    }

    /// The function is reset, or the machine.
    pub fn reset_function(&mut self) {
        self.counts.function_resets += 1;
        self.pci.reset();
        self.interrupts.has_vectors = false;
        self.reset();
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The work of a device: its queues.

use super::{DRIVER_OK, Device, NEEDS_RESET, Taken};
use crate::{
    breach::Breach,
    faults::{Treatment, Until},
    interrupts::QUEUE,
    ring::{Done, chain::Chain},
    spec::feature,
};
use std::time::Instant;

impl Device {
    /// Does all that there is to do. Returns when there will be more without a notification.
    pub fn work(&mut self, now: Instant) -> Option<Instant> {
        if self.resetting.is_some_and(|until| until.is_over(now)) {
            self.reset();
        }
        if self.faults.stalled.is_some_and(|until| until.is_over(now)) {
            self.faults.stalled = None;
        }
        let mut next: Vec<Until> = Vec::new();
        for index in 0..self.queues.len() {
            if !self.is_working() {
                break;
            }
            let result = self.take(index, now).and_then(|()| self.complete(index, now));
            if let Err(breach) = result {
                self.give_up(breach);
            }
            next.extend(self.queues[index].taken.iter().map(|taken| taken.until));
        }
        // What the device stopped in the middle of is noticed when it goes on. A request may have made it stop.
        next.extend([self.resetting, self.faults.stalled].into_iter().flatten());
        next.into_iter()
            .filter_map(|until| match until {
                Until::Time(time) if time > now => Some(time),
                _ => None,
            })
            .min()
    }

    fn is_working(&self) -> bool {
        self.common.status & DRIVER_OK != 0
            && self.common.status & NEEDS_RESET == 0
            && self.faults.stalled.is_none()
            && !self.faults.vanished
            && self.pci.is_master()
    }

    /// Takes what is available.
    fn take(&mut self, index: usize, now: Instant) -> Result<(), Breach> {
        let queue = &mut self.queues[index];
        if !std::mem::take(&mut queue.kicked) {
            return Ok(());
        }
        let mut listening = false;
        loop {
            let queue = &mut self.queues[index];
            let Some(ring) = &mut queue.ring else { return Ok(()) };
            if !listening {
                ring.suppress(&self.memory)?;
            }
            let Some(chain) = ring.take(&self.memory)? else {
                if listening {
                    return Ok(());
                }
                ring.listen(&self.memory)?;
                listening = true;
                continue;
            };
            listening = false;
            self.accept(index, chain, now);
            if !self.is_working() {
                // The rest is for later.
                self.queues[index].kicked = true;
                return Ok(());
            }
        }
    }

    fn accept(&mut self, index: usize, chain: Chain, now: Instant) {
        self.counts.requests += 1;
        let (treatment, mischief) = self.faults.request();
        let until = if treatment.lose { Until::Never } else { Until::Time(now + treatment.delay) };
        self.queues[index].taken.push_back(Taken { chain, treatment, until });
        for what in mischief {
            self.mischief(what, now);
        }
    }

    /// Completes what is due.
    fn complete(&mut self, index: usize, now: Instant) -> Result<(), Breach> {
        if !self.is_working() {
            return Ok(());
        }
        let due = self.due(index, now);
        if due.is_empty() {
            return Ok(());
        }
        let mut used = Vec::new();
        let mut silent = true;
        let queue = &mut self.queues[index];
        let Some(ring) = &mut queue.ring else { return Ok(()) };
        let mut taints = false;
        for Taken { chain, treatment, .. } in due {
            let written = self.disk.serve(
                self.common.accepted,
                &self.memory,
                &chain,
                &treatment,
                &mut self.findings,
            )?;
            silent &= treatment.silent;
            taints = treatment.taints();
            used.push(done(chain, &treatment, written));
            if taints {
                break;
            }
        }
        self.counts.completed += used.len() as u64;
        let wanted = ring.complete(&self.memory, &used)?;
        if taints {
            queue.abandon();
        }
        if wanted && !silent {
            self.interrupts.raise(QUEUE, self.common.queues[index].vector);
        }
        Ok(())
    }

    /// Takes what is due from the list: in order all that is before something that is not.
    fn due(&mut self, index: usize, now: Instant) -> Vec<Taken> {
        let in_order = self.common.has(feature::IN_ORDER);
        let taken = std::mem::take(&mut self.queues[index].taken);
        let mut waits = false;
        let (due, rest): (Vec<_>, Vec<_>) = taken.into_iter().partition(|taken| {
            waits = in_order && waits || !taken.until.is_over(now);
            !waits
        });
        self.queues[index].taken = rest.into();
        due
    }
}

fn done(chain: Chain, treatment: &Treatment, written: u32) -> Done {
    Done {
        id: treatment.id.unwrap_or(chain.id.into()),
        len: treatment.length.unwrap_or(written),
        twice: treatment.twice,
        skip: treatment.skip,
        chain,
    }
}

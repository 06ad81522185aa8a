// SPDX-License-Identifier: GPL-2.0

//! The work of a device: its queues.

use super::{DRIVER_OK, Device, NEEDS_RESET, Taken};
use crate::{
    back_end::{Request, Role, Scope},
    breach::Breach,
    faults::{Treatment, Until},
    interrupts::QUEUE,
    ring::{Done, chain::Chain},
    script::{Mischief, Stream},
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
        // First all are taken, because some are about others.
        // What is reported may be because of them.
        for step in [Self::take, Self::complete, Self::report] {
            for index in 0..self.queues.len() {
                if !self.is_working() {
                    break;
                }
                if let Err(breach) = step(self, index, now) {
                    self.give_up(breach);
                }
            }
        }
        next.extend(self.queues.iter().flat_map(|queue| &queue.taken).map(|taken| taken.until));
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
        self.back_end.taken(index, &self.memory, &chain, &mut self.findings);
        let (mut treatment, mischief) = match self.back_end.role(index) {
            Role::Requests => {
                self.counts.requests += 1;
                self.treatment(Stream::Requests)
            }
            Role::Control { .. } => self.treatment(Stream::Control),
            Role::Events => Default::default(),
        };
        if self.back_end.role(index) == (Role::Control { answers: false }) {
            treatment.lose = true;
        }
        let until = if treatment.lose { Until::Never } else { Until::Time(now + treatment.delay) };
        self.queues[index].taken.push_back(Taken { chain, treatment, until, ended: None });
        for what in mischief {
            self.mischief(what, now);
        }
    }

    fn treatment(&mut self, of: Stream) -> (Treatment, Vec<Mischief>) {
        self.faults.next(of, self.back_end.odds(of), |value| self.back_end.random(of, value))
    }

    /// Reports what there is to report. It needs no notification to look for buffers.
    fn report(&mut self, index: usize, now: Instant) -> Result<(), Breach> {
        if self.back_end.role(index) != Role::Events {
            return Ok(());
        }
        self.queues[index].kicked = true;
        self.take(index, now)?;
        self.complete(index, now)
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
        let mut taints = false;
        let mut mischief = Vec::new();
        for Taken { chain, mut treatment, ended, .. } in due {
            if self.back_end.role(index) == Role::Events {
                let more;
                (treatment, more) = self.treatment(Stream::Reports);
                mischief.extend(more);
            }
            let request = Request {
                queue: index,
                features: self.common.accepted,
                memory: &self.memory,
                chain: &chain,
                treatment: &treatment,
                ended,
            };
            let served = self.back_end.serve(&request, &mut self.findings)?;
            if let Some((scope, response)) = served.ends {
                self.end(&scope, response, now)?;
            }
            silent &= treatment.silent;
            taints = treatment.taints();
            used.push(done(chain, &treatment, served.written));
            if taints {
                break;
            }
        }
        let queue = &mut self.queues[index];
        let Some(ring) = &mut queue.ring else { return Ok(()) };
        if self.back_end.role(index) == Role::Requests {
            self.counts.completed += used.len() as u64;
        }
        // Of what was reported the driver needs to know how long each piece is.
        let batch = self.common.has(feature::IN_ORDER) && self.back_end.role(index) != Role::Events;
        let wanted = ring.complete(&self.memory, &used, batch)?;
        if taints {
            queue.abandon();
        }
        if wanted && !silent {
            self.interrupts.raise(QUEUE, self.common.queues[index].vector);
            self.back_end.notified(index, false);
        }
        for what in mischief {
            self.mischief(what, now);
        }
        Ok(())
    }

    /// Ends requests because of another one.
    fn end(&mut self, scope: &Scope, response: u8, now: Instant) -> Result<(), Breach> {
        for index in 0..self.queues.len() {
            if self.back_end.role(index) != Role::Requests {
                continue;
            }
            for taken in &mut self.queues[index].taken {
                if self.back_end.is_in(scope, &self.memory, &taken.chain) {
                    (taken.treatment, taken.until) = (Treatment::default(), Until::Time(now));
                    taken.ended = Some(response);
                }
            }
            self.complete(index, now)?;
        }
        Ok(())
    }

    /// Takes what is due from the list: in order all that is before something that is not.
    fn due(&mut self, index: usize, now: Instant) -> Vec<Taken> {
        let in_order = self.common.has(feature::IN_ORDER);
        let taken = std::mem::take(&mut self.queues[index].taken);
        let events = match self.back_end.role(index) {
            Role::Events => {
                let rooms: Vec<u64> = taken.iter().map(|taken| taken.chain.writable()).collect();
                self.back_end.ready(index, &rooms)
            }
            _ => usize::MAX,
        };
        let mut waits = false;
        let mut place = 0;
        let (due, rest): (Vec<_>, Vec<_>) = taken.into_iter().partition(|taken| {
            place += 1;
            waits = in_order && waits || place > events || !taken.until.is_over(now);
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

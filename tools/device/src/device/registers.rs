// SPDX-License-Identifier: GPL-2.0

//! Accesses to configuration space and registers.

use super::{DRIVER_OK, Device, FEATURES_OK, Queue};
use crate::{
    breach::{Breach, require},
    common::Effect,
    faults::Until,
    pci::{self, MAILBOX_OUT},
    ring::Ring,
    spec::feature,
    trace::{Access, Region},
};
use std::time::Instant;

impl Device {
    pub fn config_read(&mut self, at: usize, data: &mut [u8]) {
        self.pci.read(at, data);
        if self.faults.vanished {
            data.fill(0xff);
        }
        if let Some(place) = MAILBOX_OUT.checked_sub(at).and_then(|at| data.get_mut(at)) {
            *place = self.mailbox.read();
        }
    }

    pub fn config_write(&mut self, at: usize, data: &[u8]) {
        let (written, result) = self.pci.write(at, data);
        if let Some(text) = written.letter.and_then(|letter| self.mailbox.write(letter)) {
            let answer = self.obey(&text);
            self.mailbox.answer(&answer);
        }
        if self.faults.vanished {
            return;
        }
        self.findings.check(result);
        self.interrupts.has_vectors = self.pci.has_vectors();
        if written.reset {
            self.reset_function();
        }
    }

    /// The driver reads a register.
    pub fn register_read(&mut self, at: u64, data: &mut [u8]) {
        let Some((region, offset)) = place(at).filter(|_| !self.faults.vanished) else {
            data.fill(0xff);
            return;
        };
        let value = match region {
            Region::Common => self.common.read(offset),
            Region::Isr => self.interrupts.take_isr().into(),
            Region::Device => self.field(offset as usize, data.len()),
            Region::Notify => 0,
        };
        for (byte, from) in data.iter_mut().zip(value.to_le_bytes()) {
            *byte = from;
        }
        self.observe(region, offset, false, value, data.len());
    }

    /// The driver writes a register.
    pub fn register_write(&mut self, at: u64, data: &[u8]) {
        let Some((region, offset)) = place(at).filter(|_| !self.faults.vanished) else { return };
        let value = data.iter().take(8).rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        self.observe(region, offset, true, value, data.len());
        match region {
            Region::Common => match self.common.write(offset, value, self.interrupts.vector_count()) {
                Ok(effect) => self.effect(effect),
                Err(breach) => self.findings.add(breach),
            },
            Region::Notify => {
                self.counts.notifications += 1;
                if let Err(breach) = self.notified(offset, value, data.len()) {
                    self.findings.add(breach);
                }
            }
            Region::Device => self.back_end.written(offset, value, &mut self.findings),
            Region::Isr => {}
        }
    }

    /// Has the access judged.
    fn observe(&mut self, region: Region, offset: u64, write: bool, value: u64, size: usize) {
        let kind = self.spec.kind.name().to_owned();
        self.rules.observe(&Access { device: 0, kind, region, offset, write, value, size: size as u8 });
    }

    fn field(&mut self, at: usize, len: usize) -> u64 {
        let mut bytes = [0; pci::DEVICE_LEN as usize];
        self.back_end.configure(&self.spec, &mut bytes);
        if self.faults.churn {
            self.common.generation = self.common.generation.wrapping_add(1);
        }
        bytes.iter().skip(at).take(len.min(8)).rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Status(0) => match self.faults.keep_reset {
                Some(time) => self.resetting = Some(Until::of(time, Instant::now())),
                None => self.reset(),
            },
            Effect::Status(value) => self.status_written(value),
            Effect::Enable(index) => self.enable(index),
            Effect::ResetQueue(index) => {
                self.common.reset_queue(index);
                self.queues[usize::from(index)] = Queue::default();
                self.back_end.enabled(index.into(), None);
            }
        }
    }

    fn status_written(&mut self, value: u8) {
        let added = value & !self.common.status;
        self.common.status = value | self.common.status & super::NEEDS_RESET;
        if added & FEATURES_OK != 0 {
            let refused = self.faults.refuse > 0;
            self.faults.refuse = self.faults.refuse.saturating_sub(1);
            if !self.findings.check(self.common.check_features()) || refused {
                self.common.status &= !FEATURES_OK;
            }
            self.back_end.negotiated(self.common.accepted, &mut self.findings);
        }
        if added & DRIVER_OK != 0 {
            self.counts.starts += 1;
        }
    }

    fn enable(&mut self, index: u16) {
        let packed = self.common.has(feature::RING_PACKED);
        let fine = self.check_size(index);
        match fine.and_then(|()| Ring::new(&self.memory, self.common.setup(index), packed)) {
            Ok(ring) => {
                self.queues[usize::from(index)] = Queue { ring: Some(ring), ..Queue::default() };
                self.back_end.enabled(index.into(), Some(self.common.setup(index).size));
            }
            Err(breach) => self.give_up(breach),
        }
    }

    fn check_size(&self, index: u16) -> Result<(), Breach> {
        let size = self.common.setup(index).size;
        let fine = (1..=self.spec.queue_size).contains(&size);
        require(fine, "PCI-16", || format!("a queue of {size}, of at most {}", self.spec.queue_size))
    }

    /// A notification: to the doorbell of which queue, and what it says.
    fn notified(&mut self, offset: u64, value: u64, len: usize) -> Result<(), Breach> {
        let index = (offset / u64::from(pci::NOTIFY_MULTIPLIER)) as u16;
        let (has_data, has_config) =
            (self.common.has(feature::NOTIFICATION_DATA), self.common.has(feature::NOTIF_CONFIG_DATA));
        let (wanted, id) = if has_data { (4, "PCI-38") } else { (2, "PCI-37") };
        require(len == wanted, id, || format!("a notification of {len} bytes"))?;
        let id = match (has_data, has_config) {
            (false, false) => "PCI-39",
            (true, false) => "PCI-40",
            (false, true) => "PCI-41",
            (true, true) => "PCI-42",
        };
        let doorbell = self.common.doorbell(index);
        require(value as u16 == doorbell, id, || format!("a notification of queue {index} says {value:#x}"))?;
        let Some(queue) = self.queues.get_mut(usize::from(index)) else { return Ok(()) };
        if self.faults.deaf > 0 {
            self.faults.deaf -= 1;
        } else {
            queue.kicked = true;
            self.back_end.notified(index.into(), true);
        }
        match &queue.ring {
            Some(ring) if has_data => ring.check_notification(&self.memory, (value >> 16) as u16),
            _ => Ok(()),
        }
    }
}

/// Which structure a place in the BAR belongs to, and where it is in it.
fn place(at: u64) -> Option<(Region, u64)> {
    let region = match at / pci::PAGE {
        0 => Region::Common,
        1 => Region::Isr,
        2 => Region::Device,
        3 => Region::Notify,
        _ => return None,
    };
    Some((region, at % pci::PAGE))
}

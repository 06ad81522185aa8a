// SPDX-License-Identifier: GPL-2.0

//! Registers of the common configuration (virtio 1.4, 4.1.4.3).

use crate::{
    breach::{Breach, require},
    interrupts::NO_VECTOR,
    ring::Setup,
    rules::common as offset,
    spec::{Spec, feature},
};

/// A doorbell of a driver with NOTIF_CONFIG_DATA gets this and the number of its queue.
const NOTIFY_DATA: u16 = 0x300;

/// What a write means to the device.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    None,
    /// The driver writes the device status.
    Status(u8),
    Enable(u16),
    ResetQueue(u16),
}

/// Registers of a queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueRegisters {
    pub size: u16,
    pub vector: u16,
    pub enabled: bool,
    pub desc: u64,
    pub driver: u64,
    pub device: u64,
}

pub struct Common {
    offered: u128,
    device_select: u32,
    driver_select: u32,
    pub accepted: u128,
    pub config_vector: u16,
    pub status: u8,
    pub generation: u8,
    selected: u16,
    queue_size: u16,
    pub queues: Vec<QueueRegisters>,
}

impl Common {
    pub fn new(spec: &Spec) -> Self {
        let mut common = Self {
            offered: spec.features,
            device_select: 0,
            driver_select: 0,
            accepted: 0,
            config_vector: 0,
            status: 0,
            generation: 0,
            selected: 0,
            queue_size: spec.queue_size,
            queues: Vec::new(),
        };
        common.reset(spec.all_queues());
        common
    }

    fn reset(&mut self, queues: u16) {
        (self.device_select, self.driver_select, self.selected) = (0, 0, 0);
        (self.accepted, self.status, self.config_vector) = (0, 0, NO_VECTOR);
        self.queues = (0..queues).map(|_| self.queue()).collect();
    }

    /// Resets the device.
    pub fn reset_all(&mut self) {
        self.reset(self.queues.len() as u16);
    }

    pub fn reset_queue(&mut self, index: u16) {
        self.queues[usize::from(index)] = self.queue();
    }

    fn queue(&self) -> QueueRegisters {
        let (size, vector) = (self.queue_size, NO_VECTOR);
        QueueRegisters { size, vector, enabled: false, desc: 0, driver: 0, device: 0 }
    }

    pub fn has(&self, bit: u32) -> bool {
        self.accepted >> bit & 1 != 0
    }

    /// Offers one feature less.
    pub fn withhold(&mut self, bit: u32) {
        self.offered &= !(1_u128.checked_shl(bit).unwrap_or(0));
    }

    /// Offers what it should.
    pub fn offer(&mut self, features: u128) {
        self.offered = features;
    }

    /// The driver wants to use these.
    pub fn check_features(&self) -> Result<(), Breach> {
        let more = self.accepted & !self.offered;
        require(more == 0, "INIT-05", || format!("features {more:#x} were not offered"))
    }

    pub fn setup(&self, index: u16) -> Setup {
        let queue = &self.queues[usize::from(index)];
        Setup {
            size: queue.size,
            desc: queue.desc,
            driver: queue.driver,
            device: queue.device,
            event_idx: self.has(feature::EVENT_IDX),
            indirect: self.has(feature::INDIRECT_DESC),
            in_order: self.has(feature::IN_ORDER),
        }
    }

    /// What a notification of this queue has in its low half.
    pub fn doorbell(&self, index: u16) -> u16 {
        if self.has(feature::NOTIF_CONFIG_DATA) { NOTIFY_DATA + index } else { index }
    }

    pub fn read(&self, at: u64) -> u64 {
        let queue = self.queues.get(usize::from(self.selected));
        let of_queue = |value: fn(&QueueRegisters) -> u64| queue.map_or(0, value);
        let word = |set: u128, select: u32| (set >> (32 * select.min(3)) & 0xffff_ffff) as u64;
        match at {
            0 => self.device_select.into(),
            offset::DEVICE_FEATURE => word(self.offered, self.device_select),
            offset::DRIVER_FEATURE_SELECT => self.driver_select.into(),
            offset::DRIVER_FEATURE => word(self.accepted, self.driver_select),
            offset::CONFIG_MSIX_VECTOR => self.config_vector.into(),
            offset::NUM_QUEUES => self.queues.len() as u64,
            offset::DEVICE_STATUS => self.status.into(),
            offset::CONFIG_GENERATION => self.generation.into(),
            offset::QUEUE_SELECT => self.selected.into(),
            offset::QUEUE_SIZE => of_queue(|queue| queue.size.into()),
            offset::QUEUE_MSIX_VECTOR => queue.map_or(NO_VECTOR, |queue| queue.vector).into(),
            offset::QUEUE_ENABLE => of_queue(|queue| queue.enabled.into()),
            offset::QUEUE_NOTIFY_OFF => self.selected.into(),
            offset::QUEUE_DESC..offset::QUEUE_NOTIF_CONFIG_DATA => {
                let address = match at & !7 {
                    offset::QUEUE_DESC => of_queue(|queue| queue.desc),
                    offset::QUEUE_DRIVER => of_queue(|queue| queue.driver),
                    _ => of_queue(|queue| queue.device),
                };
                if at & 4 == 0 { address & 0xffff_ffff } else { address >> 32 }
            }
            offset::QUEUE_NOTIF_CONFIG_DATA => u64::from(NOTIFY_DATA + self.selected),
            _ => 0,
        }
    }

    /// Writes a register. `vectors` is the size of the MSI-X table.
    pub fn write(&mut self, at: u64, value: u64, vectors: u16) -> Result<Effect, Breach> {
        let selected = self.selected;
        match at {
            0 => self.device_select = value as u32,
            offset::DRIVER_FEATURE_SELECT => self.driver_select = value as u32,
            offset::DRIVER_FEATURE if self.driver_select < 4 => {
                let shift = 32 * self.driver_select;
                self.accepted &= !(0xffff_ffff << shift);
                self.accepted |= u128::from(value & 0xffff_ffff) << shift;
            }
            offset::CONFIG_MSIX_VECTOR => self.config_vector = vector(value, vectors)?,
            offset::DEVICE_STATUS => return Ok(Effect::Status(value as u8)),
            offset::QUEUE_SELECT => self.selected = value as u16,
            _ => {
                if let Some(queue) = self.queues.get_mut(usize::from(selected)) {
                    return write_queue(queue, selected, at, value, vectors);
                }
            }
        }
        Ok(Effect::None)
    }
}

fn write_queue(
    queue: &mut QueueRegisters,
    index: u16,
    at: u64,
    value: u64,
    vectors: u16,
) -> Result<Effect, Breach> {
    match at {
        offset::QUEUE_SIZE => queue.size = value as u16,
        offset::QUEUE_MSIX_VECTOR => queue.vector = vector(value, vectors)?,
        offset::QUEUE_ENABLE if value == 1 => {
            queue.enabled = true;
            return Ok(Effect::Enable(index));
        }
        offset::QUEUE_DESC..offset::QUEUE_NOTIF_CONFIG_DATA => {
            let address = match at & !7 {
                offset::QUEUE_DESC => &mut queue.desc,
                offset::QUEUE_DRIVER => &mut queue.driver,
                _ => &mut queue.device,
            };
            let shift = if at & 4 == 0 { 0 } else { 32 };
            *address = *address & !(0xffff_ffff << shift) | (value & 0xffff_ffff) << shift;
        }
        offset::QUEUE_RESET if value == 1 => return Ok(Effect::ResetQueue(index)),
        _ => {}
    }
    Ok(Effect::None)
}

fn vector(value: u64, vectors: u16) -> Result<u16, Breach> {
    let vector = value as u16;
    let fine = vector < vectors || vector == NO_VECTOR;
    require(fine, "PCI-34", || format!("vector {vector} of {vectors}"))?;
    Ok(vector)
}

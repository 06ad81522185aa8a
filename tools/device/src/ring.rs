// SPDX-License-Identifier: GPL-2.0

//! The device's side of a virtqueue. It checks everything that the driver does.

pub mod chain;
mod packed;
mod split;

use crate::{breach::Breach, memory::Memory};
use chain::Chain;

/// What a driver has set a queue up with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    pub size: u16,
    pub desc: u64,
    pub driver: u64,
    pub device: u64,
    pub event_idx: bool,
    pub indirect: bool,
    pub in_order: bool,
}

/// A buffer that the device is done with, and what it says of it.
pub struct Done {
    pub chain: Chain,
    pub id: u32,
    pub len: u32,
    /// It is used twice.
    pub twice: bool,
    /// So far the device goes on without having used anything.
    pub skip: u16,
}

pub enum Ring {
    Split(split::Split),
    Packed(packed::Packed),
}

impl Ring {
    /// A queue that the driver has just enabled.
    pub fn new(memory: &Memory, setup: Setup, packed: bool) -> Result<Self, Breach> {
        if packed {
            packed::Packed::new(setup).map(Self::Packed)
        } else {
            split::Split::new(memory, setup).map(Self::Split)
        }
    }

    /// Takes the next available buffer, if there is one.
    pub fn take(&mut self, memory: &Memory) -> Result<Option<Chain>, Breach> {
        match self {
            Self::Split(ring) => ring.take(memory),
            Self::Packed(ring) => ring.take(memory),
        }
    }

    /// Uses buffers, and lets the driver see all of them together. Returns whether it wants an interrupt.
    ///
    /// In order they can be a batch: the driver is not told how much was written to any but the last.
    pub fn complete(&mut self, memory: &Memory, used: &[Done], batch: bool) -> Result<bool, Breach> {
        match self {
            Self::Split(ring) => ring.complete(memory, used, batch),
            Self::Packed(ring) => ring.complete(memory, used, batch),
        }
    }

    /// Wants no notifications, as the device looks by itself.
    pub fn suppress(&self, memory: &Memory) -> Result<(), Breach> {
        match self {
            Self::Split(ring) => ring.suppress(memory),
            Self::Packed(ring) => ring.suppress(memory),
        }
    }

    /// Wants to be notified of the next buffer. One may have become available meanwhile.
    pub fn listen(&self, memory: &Memory) -> Result<(), Breach> {
        match self {
            Self::Split(ring) => ring.listen(memory),
            Self::Packed(ring) => ring.listen(memory),
        }
    }

    /// Checks what a notification says of where the driver is.
    pub fn check_notification(&self, memory: &Memory, data: u16) -> Result<(), Breach> {
        match self {
            Self::Split(ring) => ring.check_notification(memory, data),
            Self::Packed(ring) => ring.check_notification(memory, data),
        }
    }
}

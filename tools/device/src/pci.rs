// SPDX-License-Identifier: GPL-2.0

//! Configuration space of the PCI function.

use crate::{
    breach::{Breach, require},
    spec::Spec,
};

pub const SIZE: usize = 4096;

/// BAR of the MSI-X table, which QEMU has instead of us, and of virtio's structures.
pub const MSIX_BAR: u8 = 0;
pub const MSIX_BAR_SIZE: u64 = 0x10000;
pub const VIRTIO_BAR: u8 = 4;
pub const VIRTIO_BAR_SIZE: u64 = 0x4000;

/// Structures of virtio in their BAR, each in a page.
pub const PAGE: u64 = 0x1000;
pub const NOTIFY_MULTIPLIER: u32 = 4;

/// Lengths of structures.
pub const COMMON_LEN: u32 = 60;
pub const DEVICE_LEN: u32 = 96;

const COMMAND: usize = 0x04;
const COMMAND_MASTER: u8 = 4;
const BAR0: usize = 0x10;
const CAP_COMMON: usize = 0x40;
const CAP_ISR: usize = 0x50;
const CAP_DEVICE: usize = 0x60;
const CAP_NOTIFY: usize = 0x70;
const CAP_PCI_CFG: usize = 0x88;
const CAP_MSIX: usize = 0xa0;
const CAP_EXPRESS: usize = 0xb0;
const EXPRESS_DEVCTL: usize = CAP_EXPRESS + 8;
/// Talk with a test: what is written to the first byte and read from the second.
const CAP_MAILBOX: usize = 0xf0;
pub const MAILBOX_IN: usize = CAP_MAILBOX + 4;
pub const MAILBOX_OUT: usize = CAP_MAILBOX + 5;
/// A type of capability that virtio has reserved.
const MAILBOX_TYPE: u8 = 0xee;

/// What a write means to the device.
#[derive(Debug, Default)]
pub struct Written {
    /// A function-level reset is asked for.
    pub reset: bool,
    /// A byte for the mailbox.
    pub letter: Option<u8>,
}

pub struct ConfigSpace {
    bytes: Vec<u8>,
    has_msix: bool,
}

impl ConfigSpace {
    pub fn new(spec: &Spec) -> Self {
        let mut space = Self { bytes: vec![0; SIZE], has_msix: spec.vectors > 0 };
        // Vendor, device; revision 1, class; a list of capabilities.
        let (device, class) = spec.kind.pci_id();
        space.put(0, &[0xf4, 0x1a, device, 0x10, 0, 0, 0x10, 0, 1, 0, 0, class]);
        space.put(0x2c, &[0xf4, 0x1a, 0x00, 0x11]);
        space.put(0x34, &[CAP_COMMON as u8]);
        space.put(0x3d, &[1]);
        // 64 bits, prefetchable.
        space.put(BAR0 + 4 * usize::from(VIRTIO_BAR), &[0xc]);
        space.virtio(CAP_COMMON, CAP_ISR, 16, 1, 0, COMMON_LEN);
        space.virtio(CAP_ISR, CAP_DEVICE, 16, 3, PAGE, 1);
        space.virtio(CAP_DEVICE, CAP_NOTIFY, 16, 4, 2 * PAGE, DEVICE_LEN);
        let notify_len = u32::from(spec.all_queues()) * NOTIFY_MULTIPLIER;
        space.virtio(CAP_NOTIFY, CAP_PCI_CFG, 20, 2, 3 * PAGE, notify_len);
        space.put(CAP_NOTIFY + 16, &NOTIFY_MULTIPLIER.to_le_bytes());
        let after = if space.has_msix { CAP_MSIX } else { CAP_EXPRESS };
        space.virtio(CAP_PCI_CFG, after, 20, 5, 0, 0);
        let last = spec.vectors.saturating_sub(1).to_le_bytes();
        let [table, pba] = [0, 0xf000_u32 | u32::from(MSIX_BAR)].map(u32::to_le_bytes);
        space.put(CAP_MSIX, &[0x11, CAP_EXPRESS as u8, last[0], last[1]]);
        space.put(CAP_MSIX + 4, &table);
        space.put(CAP_MSIX + 8, &pba);
        // An endpoint with function-level reset.
        space.put(CAP_EXPRESS, &[0x10, CAP_MAILBOX as u8, 2, 0, 0, 0x80, 0, 0x10]);
        space.put(CAP_EXPRESS + 12, &0x11_u32.to_le_bytes());
        space.put(CAP_EXPRESS + 18, &[0x11, 0]);
        space.put(CAP_MAILBOX, &[9, 0, 8, MAILBOX_TYPE]);
        space
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn virtio(&mut self, at: usize, next: usize, len: u8, kind: u8, offset: u64, length: u32) {
        self.put(at, &[9, next as u8, len, kind, VIRTIO_BAR, 0, 0, 0]);
        self.put(at + 8, &(offset as u32).to_le_bytes());
        self.put(at + 12, &length.to_le_bytes());
    }

    pub fn read(&self, at: usize, data: &mut [u8]) {
        for (byte, from) in data.iter_mut().zip(self.bytes.iter().skip(at)) {
            *byte = *from;
        }
    }

    /// Writes what may be written.
    pub fn write(&mut self, at: usize, data: &[u8]) -> (Written, Result<(), Breach>) {
        let mut written = Written::default();
        let mut result = Ok(());
        for (at, &byte) in (at..).zip(data) {
            match at {
                COMMAND => self.bytes[at] = byte & 7,
                // Interrupt disable.
                0x05 => self.bytes[at] = byte & 4,
                0x3c => self.bytes[at] = byte,
                MAILBOX_IN => written.letter = Some(byte),
                _ if self.has_msix && at == CAP_MSIX + 3 => {
                    self.bytes[at] = self.bytes[at] & 0x3f | byte & 0xc0;
                }
                EXPRESS_DEVCTL => self.bytes[at] = byte,
                _ if at == EXPRESS_DEVCTL + 1 => {
                    written.reset = byte & 0x80 != 0;
                    self.bytes[at] = byte & 0x7f;
                }
                _ => {}
            }
            // The last dword of that capability is for the driver.
            let fixed = (CAP_COMMON..CAP_PCI_CFG + 4).contains(&at);
            let breach = require(!fixed, "PCI-14", || format!("a write of {byte:#x} to byte {at:#x}"));
            result = result.and(breach);
        }
        (written, result)
    }

    /// The function is reset.
    pub fn reset(&mut self) {
        self.put(COMMAND, &[0, 0]);
        self.bytes[CAP_MSIX + 3] &= 0x3f;
    }

    pub fn is_master(&self) -> bool {
        self.bytes[COMMAND] & COMMAND_MASTER != 0
    }

    pub fn has_vectors(&self) -> bool {
        self.has_msix && self.bytes[CAP_MSIX + 3] & 0x80 != 0
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The guest's memory.

use crate::breach::Breach;
use std::{
    fs::File,
    io,
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
};
use vm_memory::{
    Bytes as _, FileOffset, GuestAddress, GuestMemoryMmap, GuestRegionMmap, MmapRegion, guest_memory::Error,
};

/// What QEMU has mapped for the device. A driver that has it access anything else is in breach.
#[derive(Default)]
pub struct Memory(GuestMemoryMmap);

impl Memory {
    /// Maps `size` bytes of `file` at `address`.
    pub fn map(&mut self, file: File, offset: u64, address: u64, size: u64) -> io::Result<()> {
        let size = usize::try_from(size).map_err(io::Error::other)?;
        let region = MmapRegion::from_file(FileOffset::new(file, offset), size).map_err(io::Error::other)?;
        let region = GuestRegionMmap::new(region, GuestAddress(address));
        let region = region.ok_or_else(|| io::Error::other("a region at the end of the address space"))?;
        self.0 = self.0.insert_region(Arc::new(region)).map_err(io::Error::other)?;
        Ok(())
    }

    /// Reverts that.
    pub fn unmap(&mut self, address: u64, size: u64) {
        // What has no file was not mapped.
        if let Ok((rest, _)) = self.0.remove_region(GuestAddress(address), size) {
            self.0 = rest;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0 = GuestMemoryMmap::default();
    }

    pub fn read(&self, at: u64, buffer: &mut [u8]) -> Result<(), Breach> {
        self.0.read_slice(buffer, GuestAddress(at)).map_err(|error| nothing(at, &error))
    }

    pub fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Breach> {
        self.0.write_slice(bytes, GuestAddress(at)).map_err(|error| nothing(at, &error))
    }

    /// Reads before everything that is read later.
    pub fn load16(&self, at: u64) -> Result<u16, Breach> {
        let value = self.0.load::<u16>(GuestAddress(at), Ordering::Acquire);
        value.map(u16::from_le).map_err(|error| nothing(at, &error))
    }

    /// Writes after everything that was written before.
    pub fn store16(&self, at: u64, value: u16) -> Result<(), Breach> {
        let result = self.0.store(value.to_le(), GuestAddress(at), Ordering::Release);
        result.map_err(|error| nothing(at, &error))
    }
}

/// Between what the device has written, and what it reads then.
pub fn barrier() {
    fence(Ordering::SeqCst);
}

fn nothing(at: u64, error: &Error) -> Breach {
    Breach { id: "FEAT-05", what: format!("an access at {at:#x}: {error}") }
}

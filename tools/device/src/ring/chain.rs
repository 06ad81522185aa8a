// SPDX-License-Identifier: GPL-2.0

//! Buffers, as they are in rings of either layout.

use crate::{
    breach::{Breach, require},
    memory::Memory,
};

pub const NEXT: u16 = 1;
pub const WRITE: u16 = 2;
pub const INDIRECT: u16 = 4;

/// The bytes of a descriptor.
pub type Raw = [u8; 16];

/// A descriptor. The last two fields are `flags` and `next` in a split ring, `id` and `flags` in a packed one.
#[derive(Clone, Copy, Debug)]
pub struct Desc {
    pub addr: u64,
    pub len: u32,
    pub third: u16,
    pub fourth: u16,
    pub raw: Raw,
}

impl Desc {
    pub const SIZE: u64 = 16;

    pub fn read(memory: &Memory, at: u64) -> Result<Self, Breach> {
        let mut raw = Raw::default();
        memory.read(at, &mut raw)?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = raw;
        Ok(Self {
            addr: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            len: u32::from_le_bytes([i, j, k, l]),
            third: u16::from_le_bytes([m, n]),
            fourth: u16::from_le_bytes([o, p]),
            raw,
        })
    }

    pub fn element(&self, flags: u16) -> Element {
        Element { addr: self.addr, len: self.len, writable: flags & WRITE != 0 }
    }
}

/// An element of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    pub addr: u64,
    pub len: u32,
    pub writable: bool,
}

/// A buffer that the device has.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// What names it: head descriptor or buffer id.
    pub id: u16,
    pub elements: Vec<Element>,
    /// Its descriptors in the ring, and what was in them.
    pub descriptors: Vec<(u16, Raw)>,
}

impl Chain {
    /// The requirements on its elements that both layouts share.
    pub fn check(&self, size: u16, ids: &ElementIds) -> Result<(), Breach> {
        let count = self.elements.len();
        require(count > 0, ids.count, || "no element".into())?;
        require(count <= usize::from(size), ids.count, || format!("{count} elements in a queue of {size}"))?;
        let total: u64 = self.elements.iter().map(|element| u64::from(element.len)).sum();
        require(total <= 1 << 32, ids.total, || format!("{total} bytes"))?;
        let sorted = self.elements.is_sorted_by_key(|element| element.writable);
        require(sorted, ids.order, || "readable after writable".into())
    }

    /// Number of bytes that the device may write.
    pub fn writable(&self) -> u64 {
        self.elements.iter().filter(|element| element.writable).map(|element| u64::from(element.len)).sum()
    }

    /// Reads everything that the device may read.
    pub fn read(&self, memory: &Memory) -> Result<Vec<u8>, Breach> {
        let mut bytes = Vec::new();
        for element in self.elements.iter().filter(|element| !element.writable) {
            let start = bytes.len();
            bytes.resize(start + element.len as usize, 0);
            memory.read(element.addr, &mut bytes[start..])?;
        }
        Ok(bytes)
    }

    /// Writes `bytes` to what the device may write, from the byte `skip` on.
    pub fn write(&self, memory: &Memory, mut skip: u64, mut bytes: &[u8]) -> Result<(), Breach> {
        for element in self.elements.iter().filter(|element| element.writable) {
            let len = u64::from(element.len);
            if skip >= len {
                skip -= len;
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min((len - skip) as usize));
            memory.write(element.addr + skip, now)?;
            (skip, bytes) = (0, later);
        }
        Ok(())
    }
}

/// The ids of those requirements in one layout.
pub struct ElementIds {
    pub count: &'static str,
    pub total: &'static str,
    pub order: &'static str,
}

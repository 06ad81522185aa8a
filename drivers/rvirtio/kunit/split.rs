// SPDX-License-Identifier: GPL-2.0

//! The memory of a split ring, and a device that uses it.

use crate::ring::Device;
use core::sync::atomic::{
    fence,
    Ordering, //
};
use kernel::prelude::*;
use rvirtio::ring::{
    mem::Le16,
    split::Memory,
    Barriers,
    Desc,
    UsedElem, //
};

/// The memory of a split ring.
pub(crate) struct Area {
    desc: KVec<Desc>,
    avail_flags: Le16,
    pub(crate) avail_idx: Le16,
    avail_ring: KVec<Le16>,
    used_event: Le16,
    used_flags: Le16,
    pub(crate) used_idx: Le16,
    used_ring: KVec<UsedElem>,
    pub(crate) avail_event: Le16,
}

/// Returns `count` cells, in an allocation of just that size.
pub(crate) fn cells<T: Default>(count: u16) -> Result<KVec<T>> {
    let mut cells = KVec::with_capacity(count.into(), GFP_KERNEL)?;
    for _ in 0..count {
        cells.push(T::default(), GFP_KERNEL)?;
    }
    Ok(cells)
}

impl Area {
    pub(crate) fn new(size: u16) -> Result<Self> {
        Ok(Self {
            desc: cells(size)?,
            avail_flags: Le16::default(),
            avail_idx: Le16::default(),
            avail_ring: cells(size)?,
            used_event: Le16::default(),
            used_flags: Le16::default(),
            used_idx: Le16::default(),
            used_ring: cells(size)?,
            avail_event: Le16::default(),
        })
    }
}

impl Barriers for &Area {
    fn mb(&self) {
        fence(Ordering::SeqCst);
    }

    fn rmb(&self) {
        fence(Ordering::Acquire);
    }

    fn wmb(&self) {
        fence(Ordering::Release);
    }
}

impl Memory for &Area {
    fn size(&self) -> u16 {
        self.desc.len() as u16
    }

    fn desc(&self, index: u16) -> &Desc {
        &self.desc[usize::from(index)]
    }

    fn avail_flags(&self) -> &Le16 {
        &self.avail_flags
    }

    fn avail_idx(&self) -> &Le16 {
        &self.avail_idx
    }

    fn avail_ring(&self, index: u16) -> &Le16 {
        &self.avail_ring[usize::from(index)]
    }

    fn used_event(&self) -> &Le16 {
        &self.used_event
    }

    fn used_flags(&self) -> &Le16 {
        &self.used_flags
    }

    fn used_idx(&self) -> &Le16 {
        &self.used_idx
    }

    fn used_ring(&self, index: u16) -> &UsedElem {
        &self.used_ring[usize::from(index)]
    }

    fn avail_event(&self) -> &Le16 {
        &self.avail_event
    }
}

/// The device.
pub(crate) struct SplitDevice<'a> {
    area: &'a Area,
    next: u16,
}

impl<'a> SplitDevice<'a> {
    pub(crate) fn new(area: &'a Area) -> Self {
        Self { area, next: 0 }
    }
}

impl Device for SplitDevice<'_> {
    fn take(&mut self) -> Option<(u16, u64, u16)> {
        let area = self.area;
        if self.next == area.avail_idx.read() {
            return None;
        }
        let slot = usize::from(self.next) % area.desc.len();
        let head = area.avail_ring[slot].read();
        self.next = self.next.wrapping_add(1);
        Some((head, area.desc[usize::from(head)].addr.read(), 1))
    }

    fn give_back(&mut self, id: u16, len: u32, _descriptors: u16) {
        let area = self.area;
        let used = area.used_idx.read();
        let elem = &area.used_ring[usize::from(used) % area.desc.len()];
        elem.id.write(id.into());
        elem.len.write(len);
        area.used_idx.write(used.wrapping_add(1));
    }

    fn give_back_in_order(&mut self, id: u16, len: u32, buffers: u16) {
        // Only the first element of the batch is written, and it names the last buffer.
        let area = self.area;
        let used = area.used_idx.read();
        let elem = &area.used_ring[usize::from(used) % area.desc.len()];
        elem.id.write(id.into());
        elem.len.write(len);
        area.used_idx.write(used.wrapping_add(buffers));
    }
}

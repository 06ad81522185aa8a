// SPDX-License-Identifier: GPL-2.0

//! The memory of a packed ring, and a device that uses it.

use crate::{
    ring::Device,
    split::cells, //
};
use core::sync::atomic::{
    fence,
    Ordering, //
};
use kernel::prelude::*;
use rvirtio::{
    ring::{
        mem::Le32,
        packed::Memory,
        Barriers,
        Desc, //
    },
    spec::ring::{
        packed::{
            DESC_F_AVAIL,
            DESC_F_USED, //
        },
        DESC_F_NEXT, //
    },
};

/// The memory of a packed ring.
pub(crate) struct Area {
    desc: KVec<Desc>,
    driver_event: Le32,
    device_event: Le32,
}

impl Area {
    pub(crate) fn new(size: u16) -> Result<Self> {
        Ok(Self {
            desc: cells(size)?,
            driver_event: Le32::default(),
            device_event: Le32::default(),
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

    fn driver_event(&self) -> &Le32 {
        &self.driver_event
    }

    fn device_event(&self) -> &Le32 {
        &self.device_event
    }
}

/// A place in the ring, and the wrap counter there.
#[derive(Clone, Copy)]
struct Place {
    slot: u16,
    wrap: bool,
}

impl Place {
    const START: Self = Self {
        slot: 0,
        wrap: true,
    };

    fn skip(&mut self, count: u16, size: u16) {
        self.slot += count;
        if self.slot >= size {
            self.slot -= size;
            self.wrap = !self.wrap;
        }
    }
}

/// The device.
pub(crate) struct PackedDevice<'a> {
    area: &'a Area,
    next: Place,
    used: Place,
}

impl<'a> PackedDevice<'a> {
    pub(crate) fn new(area: &'a Area) -> Self {
        Self {
            area,
            next: Place::START,
            used: Place::START,
        }
    }

    fn size(&self) -> u16 {
        self.area.desc.len() as u16
    }
}

impl Device for PackedDevice<'_> {
    fn take(&mut self) -> Option<(u16, u64, u16)> {
        let mut count = 0;
        let first = &self.area.desc[usize::from(self.next.slot)];
        loop {
            let desc = &self.area.desc[usize::from(self.next.slot)];
            let meta = desc.meta.read();
            let flags = (meta >> 16) as u16;
            let (avail, used) = (flags & DESC_F_AVAIL != 0, flags & DESC_F_USED != 0);
            if avail != self.next.wrap || used == self.next.wrap {
                return None;
            }
            count += 1;
            self.next.skip(1, self.size());
            if flags & DESC_F_NEXT == 0 {
                return Some((meta as u16, first.addr.read(), count));
            }
        }
    }

    fn give_back(&mut self, id: u16, len: u32, descriptors: u16) {
        let desc = &self.area.desc[usize::from(self.used.slot)];
        let flags = if self.used.wrap {
            DESC_F_AVAIL | DESC_F_USED
        } else {
            0
        };
        desc.len.write(len);
        desc.meta.write(u32::from(id) | (u32::from(flags) << 16));
        self.used.skip(descriptors, self.size());
    }

    fn give_back_in_order(&mut self, id: u16, len: u32, buffers: u16) {
        // Each buffer of the tests that use this has one descriptor. Only the first of the batch
        // is written.
        self.give_back(id, len, buffers);
    }
}

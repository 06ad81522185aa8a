// SPDX-License-Identifier: GPL-2.0

//! The memory of a split ring.

use super::order::Order;
use crate::{
    dma::{
        Coherent,
        Dma, //
    },
    ring::{
        cell::Le16,
        split::Memory,
        Desc,
        UsedElem, //
    },
    spec::ring::split as layout,
};
use kernel::prelude::*;

/// The three parts of a split ring, in one allocation.
///
/// # Invariants
///
/// `memory` holds a descriptor table, an available ring and a used ring of `mask + 1` elements,
/// a power of two, at offsets 0, `avail` and `used`, all aligned as the specification requires.
/// `used_event` and `avail_event` are the offsets of the fields at the ends of these rings.
pub(crate) struct SplitMemory<'bound> {
    memory: Coherent<'bound>,
    mask: u16,
    order: Order,
    avail: u32,
    used: u32,
    used_event: u32,
    avail_event: u32,
}

impl<'bound> SplitMemory<'bound> {
    /// Allocates the memory of a ring of `size` descriptors, a power of two.
    pub(crate) fn new(dma: Dma<'bound>, size: u16) -> Result<Self> {
        if !size.is_power_of_two() {
            return Err(EINVAL);
        }
        // A descriptor table is a multiple of 16 bytes, which aligns what follows.
        let avail = layout::desc_size(size);
        let used = (avail + layout::avail_size(size)).next_multiple_of(layout::USED_ALIGN);
        // INVARIANT: The allocation is aligned to a page, and large enough. The largest ring
        // has 1 MiB, so the offsets fit.
        Ok(Self {
            memory: Coherent::new(dma, used + layout::used_size(size))?,
            mask: size - 1,
            order: Order::of(dma),
            avail: avail as u32,
            used: used as u32,
            used_event: (avail + layout::used_event(size)) as u32,
            avail_event: (used + layout::avail_event(size)) as u32,
        })
    }

    /// Returns the DMA addresses of the descriptor table, the available ring and the used ring.
    pub(crate) fn addresses(&self) -> [u64; 3] {
        let addr = self.memory.addr();
        [
            addr,
            addr + u64::from(self.avail),
            addr + u64::from(self.used),
        ]
    }
}

impl Memory for SplitMemory<'_> {
    type Barriers = Order;

    #[inline]
    fn barriers(&self) -> &Order {
        &self.order
    }

    #[inline]
    fn size(&self) -> u16 {
        self.mask + 1
    }

    #[inline]
    fn desc(&self, index: u16) -> &Desc {
        // SAFETY: The table has `mask + 1` descriptors, at offset 0 (type invariant).
        unsafe {
            self.memory
                .cell(usize::from(index & self.mask) * size_of::<Desc>())
        }
    }

    #[inline]
    fn avail_flags(&self) -> &Le16 {
        // SAFETY: The field is part of the available ring, which is at `avail` (type invariant).
        unsafe { self.memory.cell(self.avail as usize + layout::FLAGS) }
    }

    #[inline]
    fn avail_idx(&self) -> &Le16 {
        // SAFETY: The field is part of the available ring, which is at `avail` (type invariant).
        unsafe { self.memory.cell(self.avail as usize + layout::IDX) }
    }

    #[inline]
    fn avail_ring(&self, index: u16) -> &Le16 {
        let index = usize::from(index & self.mask);
        // SAFETY: The available ring has `mask + 1` elements, and is at `avail` (type invariant).
        unsafe {
            self.memory
                .cell(self.avail as usize + layout::RING + index * layout::AVAIL_ELEM_SIZE)
        }
    }

    #[inline]
    fn used_event(&self) -> &Le16 {
        // SAFETY: The field is part of the available ring (type invariant).
        unsafe { self.memory.cell(self.used_event as usize) }
    }

    #[inline]
    fn used_flags(&self) -> &Le16 {
        // SAFETY: The field is part of the used ring, which is at `used` (type invariant).
        unsafe { self.memory.cell(self.used as usize + layout::FLAGS) }
    }

    #[inline]
    fn used_idx(&self) -> &Le16 {
        // SAFETY: The field is part of the used ring, which is at `used` (type invariant).
        unsafe { self.memory.cell(self.used as usize + layout::IDX) }
    }

    #[inline]
    fn used_ring(&self, index: u16) -> &UsedElem {
        let index = usize::from(index & self.mask);
        // SAFETY: The used ring has `mask + 1` elements, and is at `used` (type invariant).
        unsafe {
            self.memory
                .cell(self.used as usize + layout::RING + index * layout::USED_ELEM_SIZE)
        }
    }

    #[inline]
    fn avail_event(&self) -> &Le16 {
        // SAFETY: The field is part of the used ring (type invariant).
        unsafe { self.memory.cell(self.avail_event as usize) }
    }
}

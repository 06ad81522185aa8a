// SPDX-License-Identifier: GPL-2.0

//! The memory of a packed ring.

use super::order::Order;
use crate::{
    dma::{
        Coherent,
        Dma, //
    },
    ring::{
        cell::Le32,
        packed::Memory,
        Desc, //
    },
    spec::ring::{
        packed as layout,
        QUEUE_SIZE_MAX, //
    },
};
use kernel::prelude::*;

/// The descriptor ring and the two event areas, in one allocation.
///
/// # Invariants
///
/// `memory` holds `mask + 1` descriptors, a power of two that is at least `size`, followed at
/// `events` by the driver and the device event area, all aligned as the specification requires.
pub(crate) struct PackedMemory<'bound> {
    memory: Coherent<'bound>,
    size: u16,
    /// The mask that turns any index into a valid one, without a comparison.
    mask: u16,
    events: u32,
    order: Order,
}

impl<'bound> PackedMemory<'bound> {
    /// Allocates the memory of a ring of `size` descriptors.
    pub(crate) fn new(dma: Dma<'bound>, size: u16) -> Result<Self> {
        if size == 0 || size > QUEUE_SIZE_MAX {
            return Err(EINVAL);
        }
        let count = size.next_power_of_two();
        let events = layout::desc_size(count);
        // INVARIANT: The allocation is aligned to a page and large enough; a descriptor ring is
        // a multiple of 16 bytes, which aligns what follows.
        Ok(Self {
            memory: Coherent::new(dma, events + 2 * layout::EVENT_SIZE)?,
            size,
            mask: count - 1,
            // CAST: At most 512 KiB.
            events: events as u32,
            order: Order::of(dma),
        })
    }

    /// Returns the DMA addresses of the descriptor ring, the driver and the device event area.
    pub(crate) fn addresses(&self) -> [u64; 3] {
        let addr = self.memory.addr();
        let events = addr + u64::from(self.events);
        [addr, events, events + layout::EVENT_SIZE as u64]
    }
}

impl Memory for PackedMemory<'_> {
    type Barriers = Order;

    #[inline]
    fn barriers(&self) -> &Order {
        &self.order
    }

    #[inline]
    fn size(&self) -> u16 {
        self.size
    }

    #[inline]
    fn desc(&self, index: u16) -> &Desc {
        // SAFETY: `memory` holds `mask + 1` descriptors (type invariant), so this one is within it.
        unsafe {
            self.memory
                .cell(usize::from(index & self.mask) * size_of::<Desc>())
        }
    }

    #[inline]
    fn driver_event(&self) -> &Le32 {
        // SAFETY: The driver event area is at `events` (type invariant), and has the size of one
        // cell.
        unsafe { self.memory.cell(self.events as usize) }
    }

    #[inline]
    fn device_event(&self) -> &Le32 {
        // SAFETY: The device event area follows that of the driver (type invariant), and has the
        // size of one cell.
        unsafe { self.memory.cell(self.events as usize + layout::EVENT_SIZE) }
    }
}

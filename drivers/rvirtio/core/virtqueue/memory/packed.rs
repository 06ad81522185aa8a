// SPDX-License-Identifier: GPL-2.0

//! The memory of a packed ring.

use super::{
    barriers_of_order,
    Order, //
};
use crate::{
    dma::{
        Coherent,
        Dma, //
    },
    ring::{
        mem::Le32,
        packed::Memory,
        Barriers,
        Desc, //
    },
    spec::ring::packed as layout,
};
use kernel::prelude::*;

/// The descriptor ring and the two event areas, in one allocation.
///
/// # Invariants
///
/// `memory` holds a descriptor ring of `size` descriptors, at least one, and behind it the driver
/// and the device event area, all aligned as the specification wants.
pub(crate) struct PackedMemory<'bound> {
    memory: Coherent<'bound>,
    size: u16,
    order: Order,
}

impl<'bound> PackedMemory<'bound> {
    /// Allocates the memory of a ring of `size` descriptors.
    pub(crate) fn new(dma: Dma<'bound>, size: u16) -> Result<Self> {
        if size == 0 {
            return Err(EINVAL);
        }
        let len = layout::desc_size(size) + 2 * layout::EVENT_SIZE;
        // INVARIANT: The allocation is aligned to a page and large enough; a descriptor ring is
        // a multiple of 16 bytes, which aligns what follows.
        Ok(Self {
            memory: Coherent::new(dma, len)?,
            size,
            order: Order::of(dma),
        })
    }

    /// Where the device finds the descriptor ring, the driver and the device event area.
    pub(crate) fn addresses(&self) -> [u64; 3] {
        let addr = self.memory.addr();
        // CAST: At most 512 KiB.
        let events = layout::desc_size(self.size) as u64;
        [
            addr,
            addr + events,
            addr + events + layout::EVENT_SIZE as u64,
        ]
    }

    /// A cell of the ring.
    ///
    /// # Safety
    ///
    /// `offset` must be the offset of a `T` within the layout, aligned for it.
    #[inline]
    unsafe fn cell<T>(&self, offset: usize) -> &T {
        // SAFETY: By the safety requirement it is within the allocation, which lives as long as
        // `self`. All cells are atomics, valid for any bits, so that the device may write them
        // while this reference exists.
        unsafe { self.memory.cpu().add(offset).cast().as_ref() }
    }
}

impl Memory for PackedMemory<'_> {
    #[inline]
    fn size(&self) -> u16 {
        self.size
    }

    #[inline]
    fn desc(&self, index: u16) -> &Desc {
        // The ring never asks for one that does not exist; if it did, this is still memory.
        let index = if index < self.size { index } else { 0 };
        // SAFETY: `index` is within the ring.
        unsafe { self.cell(usize::from(index) * size_of::<Desc>()) }
    }

    #[inline]
    fn driver_event(&self) -> &Le32 {
        // SAFETY: By the layout.
        unsafe { self.cell(layout::desc_size(self.size)) }
    }

    #[inline]
    fn device_event(&self) -> &Le32 {
        // SAFETY: By the layout.
        unsafe { self.cell(layout::desc_size(self.size) + layout::EVENT_SIZE) }
    }
}

barriers_of_order!(PackedMemory);

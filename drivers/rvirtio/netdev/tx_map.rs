// SPDX-License-Identifier: GPL-2.0

//! Mappings of frames to send, for devices that do not use physical addresses.

use core::mem;
use kernel::prelude::*;
use rvirtio::{
    dma::Direction,
    Dma,
    Segment, //
};

/// The largest number of segments of a frame: header, linear part, fragments.
#[doc(alias = "MAX_SKB_FRAGS")]
pub const MAX_SEGMENTS: usize = 2 + crate::bindings::MAX_SKB_FRAGS as usize;

/// Mappings of the segments of one frame.
///
/// # Invariants
///
/// The first `count` of `segments` were mapped for `dma`, and not unmapped.
pub(crate) struct Maps<'bound> {
    dma: Dma<'bound>,
    count: usize,
    segments: [Segment; MAX_SEGMENTS],
}

/// Memory for the mappings of all frames that a queue can have.
///
/// It is empty if the device uses physical addresses.
pub struct MapPool<'bound> {
    dma: Dma<'bound>,
    free: KVec<KBox<Maps<'bound>>>,
}

impl<'bound> MapPool<'bound> {
    /// Allocates memory for `count` frames; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new(dma: Dma<'bound>, count: u16) -> Result<Self> {
        let count = if dma.is_physical() { 0 } else { count.into() };
        let mut free = KVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            // INVARIANT: None are mapped.
            let maps = Maps {
                dma,
                count: 0,
                segments: [Segment { addr: 0, len: 0 }; MAX_SEGMENTS],
            };
            free.push(KBox::new(maps, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        Ok(Self { dma, free })
    }

    /// Returns whether there is nothing to map.
    #[inline]
    pub(crate) fn is_physical(&self) -> bool {
        self.dma.is_physical()
    }

    /// Maps segments at physical addresses. `None` if that fails.
    pub(crate) fn map(
        &mut self,
        physical: impl IntoIterator<Item = Segment>,
    ) -> Option<KBox<Maps<'bound>>> {
        let mut maps = self.free.pop()?;
        for segment in physical {
            if maps.map(segment).is_none() {
                self.unmap(maps);
                return None;
            }
        }
        Some(maps)
    }

    /// Unmaps segments, and takes back the memory for their mappings.
    pub(crate) fn unmap(&mut self, maps: KBox<Maps<'bound>>) {
        let mut maps = maps;
        maps.unmap();
        // There is room: it was taken from here.
        let _ = self.free.push_within_capacity(maps);
    }
}

impl Maps<'_> {
    /// Returns the segments by their addresses for the device.
    #[inline]
    pub(crate) fn segments(&self) -> &[Segment] {
        self.segments.get(..self.count).unwrap_or_default()
    }

    fn map(&mut self, physical: Segment) -> Option<()> {
        let to = self.segments.get_mut(self.count)?;
        let len = physical.len as usize;
        let addr = self.dma.map(physical.addr, len, Direction::ToDevice).ok()?;
        *to = Segment { addr, ..physical };
        // INVARIANT: It was just mapped. The count is less than the length of the array.
        self.count = self.count.wrapping_add(1);
        Some(())
    }

    fn unmap(&mut self) {
        // INVARIANT: None are mapped after this.
        let count = mem::take(&mut self.count);
        for segment in self.segments.get(..count).unwrap_or_default() {
            let len = segment.len as usize;
            // SAFETY: `dma` has mapped this address and length, and they were not unmapped, as they
            // were among the first `count`. No frame that uses the mapping is in a queue: `TxBuf`
            // gives it up only after the queue has given up the `TxBuf`.
            unsafe { self.dma.unmap(segment.addr, len, Direction::ToDevice) };
        }
    }
}

impl Drop for Maps<'_> {
    fn drop(&mut self) {
        self.unmap();
    }
}

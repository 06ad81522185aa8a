// SPDX-License-Identifier: GPL-2.0

//! Memory that is shared with a device, in pieces of equal size.

use super::layout::CACHE_LINE;
use crate::dma::{
    Coherent,
    Dma, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// The approximate size of the chunks in which memory is allocated: large enough to be cheap, and
/// small enough to be available on a machine with fragmented memory.
const CHUNK: usize = 4 * PAGE_SIZE;

/// Pieces of memory that the device can access.
///
/// # Invariants
///
/// `size` is a multiple of the cache line. Each of `memory` but the last holds `per_chunk` pieces
/// of `size` bytes, and together they hold `count`.
pub(super) struct Chunks<'bound> {
    memory: ManuallyDrop<KVec<Coherent<'bound>>>,
    dma: Dma<'bound>,
    per_chunk: usize,
    size: usize,
    count: u16,
}

impl<'bound> Chunks<'bound> {
    /// Allocates `count` pieces of at least `size` bytes; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(super) fn new(dma: Dma<'bound>, count: u16, size: usize) -> Result<Self> {
        let size = size
            .max(1)
            .checked_next_multiple_of(CACHE_LINE)
            .ok_or(ENOMEM)?;
        let per_chunk = CHUNK.checked_div(size).unwrap_or(0).max(1);
        let mut left = usize::from(count);
        let mut memory = KVec::with_capacity(left.div_ceil(per_chunk), GFP_KERNEL)?;
        while left > 0 {
            let pieces = left.min(per_chunk);
            memory.push(Coherent::new(dma, pieces * size)?, GFP_KERNEL)?;
            left -= pieces;
        }
        // INVARIANT: `size` was rounded up to a multiple of the cache line. The loop has allocated
        // chunks of `per_chunk` pieces, the last one possibly with fewer, for `count` pieces in
        // total.
        Ok(Self {
            memory: ManuallyDrop::new(memory),
            dma,
            per_chunk,
            size,
            count,
        })
    }

    /// Returns the addresses of a piece for the CPU and for the device, aligned to a cache line, or
    /// `None` if `index` is out of range.
    pub(super) fn get(&self, index: u16) -> Option<(NonNull<u8>, u64)> {
        if index >= self.count {
            return None;
        }
        let index = usize::from(index);
        let chunk = self.memory.get(index.checked_div(self.per_chunk)?)?;
        let offset = index.checked_rem(self.per_chunk)? * self.size;
        // SAFETY: `index` is less than `count`, so the chunk has this piece, at `offset` (type
        // invariant).
        let cpu = unsafe { chunk.cpu().add(offset) };
        // CAST: Chunks are small.
        Some((cpu, chunk.addr() + offset as u64))
    }
}

impl Drop for Chunks<'_> {
    fn drop(&mut self) {
        let dev = self.dma.device();
        if !dev.may_free() {
            // The device may still use a piece, so the memory is leaked.
            // CAST: To a larger type; the product is the size of the allocation.
            dev.counters()
                .leaked_bytes
                .add(u64::from(self.count) * self.size as u64);
            return;
        }
        // SAFETY: `memory` is only dropped here, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.memory) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Tables for requests with more pieces of data than slots have room for.
//!
//! Few requests are as large as a disk allows, and memory for the largest of them in each slot
//! would be half a megabyte per queue. So there are some large tables for all slots. A request that
//! gets none goes without: it takes up descriptors of the queue instead.

use super::chunks::Chunks;
use crate::{
    dma::Dma,
    ring::Desc, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicU32,
        Ordering, //
    }, //
};
use kernel::prelude::*;

/// Large tables of a slab, at most: with the largest requests that is many megabytes in flight.
const SPARES: u16 = 16;

/// The large tables of a slab.
///
/// # Invariants
///
/// Each of `tables` is `table_len` descriptors. Bit N of `free` is set if there is a table N and no
/// [`Spare`] has it.
pub(super) struct Spares<'bound> {
    tables: Chunks<'bound>,
    table_len: u16,
    free: AtomicU32,
}

impl<'bound> Spares<'bound> {
    /// Allocates tables of `table_len` descriptors for `users` slots; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(super) fn new(dma: Dma<'bound>, users: u16, table_len: u16) -> Result<Self> {
        let count = users.min(SPARES);
        let tables = Chunks::new(dma, count, usize::from(table_len) * size_of::<Desc>())?;
        // INVARIANT: Nobody has one yet; there are fewer than bits.
        Ok(Self {
            tables,
            table_len,
            free: AtomicU32::new((1 << count) - 1),
        })
    }

    /// Gives out a table, if one is free.
    pub(super) fn take(&self) -> Option<Spare<'_>> {
        let without_lowest = |free: u32| (free != 0).then(|| free & (free - 1));
        let free = self
            .free
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, without_lowest)
            .ok()?;
        // CAST: Below 32.
        let index = free.trailing_zeros() as u16;
        let (cpu, addr) = self.tables.get(index)?;
        // INVARIANT: It was free, and the bit is now clear.
        Some(Spare {
            spares: self,
            index,
            cpu: cpu.cast(),
            addr,
        })
    }

    /// The memory that they take up, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.tables.bytes()
    }
}

/// A large table that belongs to whoever has this.
///
/// # Invariants
///
/// `cpu` points to table `index` of `spares`, which the device finds at `addr`. The bit of the
/// table is clear for as long as this exists, and there is no other.
pub(super) struct Spare<'a> {
    spares: &'a Spares<'a>,
    index: u16,
    cpu: NonNull<Desc>,
    addr: u64,
}

// SAFETY: It owns its memory, which consists of cells, for as long as it exists.
unsafe impl Send for Spare<'_> {}
// SAFETY: The cells are atomics.
unsafe impl Sync for Spare<'_> {}

impl Spare<'_> {
    /// Where the device finds it.
    pub(super) fn addr(&self) -> u64 {
        self.addr
    }

    /// Its descriptors.
    pub(super) fn cells(&self) -> &[Desc] {
        let len = usize::from(self.spares.table_len);
        // SAFETY: By the type invariants there are so many; pieces are aligned to cache lines, and
        // cells are atomics, valid for any bits.
        unsafe { NonNull::slice_from_raw_parts(self.cpu, len).as_ref() }
    }
}

impl Drop for Spare<'_> {
    fn drop(&mut self) {
        // INVARIANT: Nobody has it from here on. What was written to it happens before the next
        // one to take it writes.
        self.spares
            .free
            .fetch_or(1 << self.index, Ordering::Release);
    }
}

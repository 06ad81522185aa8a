// SPDX-License-Identifier: GPL-2.0

//! Tables for requests with more segments of data than fit into slots.
//!
//! Few requests are as large as a disk allows, and memory for the largest of them in each slot
//! would be half a megabyte per queue. So there are some large tables for all slots, as many as were
//! ever in use together. If a request cannot have one, it uses descriptors of the queue instead.

use super::{
    chunks::Chunks,
    layout::EXTRA_DESCRIPTORS, //
};
use crate::{
    dma::Dma,
    ring::Desc, //
};
use core::{
    num::NonZeroU8,
    ptr::NonNull,
    sync::atomic::{
        AtomicU32,
        Ordering, //
    }, //
};
use kernel::prelude::*;

/// The largest number of large tables of a slab. With the largest requests, many megabytes are then
/// in flight.
const SPARES: u16 = 16;

/// The large tables of a slab.
///
/// # Invariants
///
/// Each of `tables` has `table_len` descriptors. Bit N of `free` is set if there is a table N and
/// no [`Spare`] for it.
pub(super) struct Spares<'bound> {
    tables: Chunks<'bound>,
    table_len: u16,
    free: AtomicU32,
}

/// The exclusive right to use one large table of the [`Spares`] that it was taken from.
pub(super) struct Spare {
    /// Counted from 1 on, so that none takes no room either.
    number: NonZeroU8,
}

impl Spare {
    fn index(&self) -> u8 {
        self.number.get() - 1
    }
}

impl<'bound> Spares<'bound> {
    /// Makes places for tables with `data_cells` descriptors for data, which `users` slots use; may
    /// sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(super) fn new(dma: Dma<'bound>, users: u16, data_cells: u16) -> Result<Self> {
        let count = users.min(SPARES);
        let table_len = data_cells.saturating_add(EXTRA_DESCRIPTORS);
        let tables = Chunks::new(dma, count, usize::from(table_len) * size_of::<Desc>(), 0)?;
        // INVARIANT: No table is taken yet, and there are fewer tables than bits.
        Ok(Self {
            tables,
            table_len,
            free: AtomicU32::new((1 << count) - 1),
        })
    }

    /// Takes a table, if one is free.
    pub(super) fn take(&self) -> Option<Spare> {
        let without_lowest = |free: u32| (free != 0).then(|| free & (free - 1));
        let free = self
            .free
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, without_lowest)
            .ok()?;
        // INVARIANT: The table was free, and its bit is now clear.
        // CAST: Below 32.
        let number = NonZeroU8::new(free.trailing_zeros() as u8 + 1)?;
        Some(Spare { number })
    }

    /// Returns a table that was taken from this value by [`Spares::take`]. The device must not use
    /// it any more.
    pub(super) fn put(&self, spare: Spare) {
        // INVARIANT: `spare` is consumed. Earlier writes to the table happen before those after the
        // next `take`.
        self.free.fetch_or(1 << spare.index(), Ordering::Release);
    }

    /// Returns the descriptors of a table, and their address for the device. `None` if there is no
    /// memory for it.
    pub(super) fn table(&self, spare: &Spare) -> Option<(&[Desc], u64)> {
        let piece = self.tables.get(spare.index().into())?;
        let len = usize::from(self.table_len);
        // SAFETY: Each piece of `tables` has `table_len` descriptors (type invariant), and lives as
        // long as `self`. Pieces are aligned to cache lines, and cells are atomics, valid for any
        // bits.
        let cells = unsafe { NonNull::slice_from_raw_parts(piece.cpu.cast(), len).as_ref() };
        Some((cells, piece.addr))
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The memory of a slab.

use super::{
    chunks::Chunks,
    layout::{
        Layout,
        GROWN_CELLS, //
    },
    spare::Spares, //
};
use crate::dma::Dma;
use kernel::prelude::*;

/// The memory of all slots of a slab, which share its ownership.
///
/// The reference count only changes when slots are created and dropped. Requests use the pointers
/// in their slot.
pub(super) struct Memory<'bound> {
    /// A piece for each slot.
    pub(super) slots: Chunks<'bound>,
    /// A larger piece for each slot that has had a request with more segments than its first table takes.
    pub(super) grown: Chunks<'bound>,
    /// Tables for requests with even more segments.
    pub(super) spares: Spares<'bound>,
}

impl<'bound> Memory<'bound> {
    /// Allocates memory for `count` slots, whose requests have up to `max_segments` segments of data;
    /// may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(super) fn new(
        dma: Dma<'bound>,
        layout: &Layout,
        count: u16,
        max_segments: u16,
    ) -> Result<Self> {
        let more_than = |cells: u8| {
            if max_segments > u16::from(cells) {
                count
            } else {
                0
            }
        };
        let grown = more_than(layout.data_cells);
        let mut slots = Chunks::new(dma, count, layout.size, layout.status)?;
        slots.allocate()?;
        Ok(Self {
            slots,
            grown: Chunks::new(dma, grown, layout.grown_size, layout.status)?,
            spares: Spares::new(dma, more_than(GROWN_CELLS), max_segments)?,
        })
    }
}

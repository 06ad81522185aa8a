// SPDX-License-Identifier: GPL-2.0

//! The memory of a slab.

use super::{
    chunks::Chunks,
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
    /// Tables for requests that need more descriptors than a slot has.
    pub(super) spares: Spares<'bound>,
}

impl<'bound> Memory<'bound> {
    /// Allocates memory; may sleep. `slots` is the number of slots and their size in bytes, `large`
    /// the number of slots that use large tables and the number of descriptors of such a table.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(super) fn new(dma: Dma<'bound>, slots: (u16, usize), large: (u16, u16)) -> Result<Self> {
        Ok(Self {
            slots: Chunks::new(dma, slots.0, slots.1)?,
            spares: Spares::new(dma, large.0, large.1)?,
        })
    }
}

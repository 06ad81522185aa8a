// SPDX-License-Identifier: GPL-2.0

//! The memory of a slab.

use super::{
    chunks::Chunks,
    spare::Spares, //
};
use crate::dma::Dma;
use kernel::prelude::*;

/// The memory of all slots of a slab, which own it together.
///
/// It is counted when slots are made and dropped. What a request does goes through pointers that
/// its slot has of its own.
pub(super) struct Memory<'bound> {
    /// A piece for each slot.
    pub(super) slots: Chunks<'bound>,
    /// For requests that need more descriptors than a slot has.
    pub(super) spares: Spares<'bound>,
}

impl<'bound> Memory<'bound> {
    /// Allocates memory for slots, by number and size in bytes, and large tables for so many of
    /// these with so many descriptors; may sleep.
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

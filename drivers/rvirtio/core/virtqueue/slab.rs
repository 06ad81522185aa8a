// SPDX-License-Identifier: GPL-2.0

//! Headers, status fields and descriptor tables of requests, allocated and mapped once.
//!
//! C allocates, maps and fills a descriptor table for each request. Here every request has a
//! [`Slot`] as long as the queue exists, whose table is kept: if a request has as many segments of
//! data as the previous one, only their addresses and lengths are written.

mod chunks;
mod layout;
mod memory;
mod slot;
mod spare;
mod table;

pub use self::{
    layout::EXTRA_DESCRIPTORS,
    slot::{
        Format,
        Place,
        Slot,
        StatusFirst,
        StatusLast, //
    }, //
};

use self::memory::Memory;
use crate::{
    dma::Dma,
    spec::feature::Features, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};

/// Allocates a slab and splits it into `count` slots, with headers of type `H`, which the device
/// reads, and status fields of type `S` in the place `P`, which it writes, for requests with data of up to
/// `max_segments` segments; may sleep. `features` are the negotiated features.
///
/// Both types must have an alignment of 1, as wire formats do.
///
/// # Errors
///
/// [`ENOMEM`].
pub fn split<'bound, H, S, P: Place>(
    dma: Dma<'bound>,
    features: Features,
    count: u16,
    max_segments: u16,
) -> Result<KVVec<Slot<'bound, H, S, P>>>
where
    H: AsBytes,
    S: FromBytes + AsBytes,
{
    const {
        assert!(align_of::<H>() == 1 && align_of::<S>() == 1);
        assert!(size_of::<H>() + size_of::<S>() + P::TAIL <= 0xffff);
    }
    let format = Format::of(features);
    let max_segments = match format {
        Some(_) => max_segments,
        None => 0,
    };
    let layout = &Slot::<'_, H, S, P>::LAYOUT;
    let memory = Arc::new(Memory::new(dma, layout, count, max_segments)?, GFP_KERNEL)?;
    let mut slots = KVVec::with_capacity(usize::from(count), GFP_KERNEL)?;
    for index in 0..count {
        let piece = memory.slots.get(index).ok_or(EINVAL)?;
        // SAFETY: The piece has the layout and belongs to `memory`. Each index is used once, so no other
        // slot has it.
        let slot = unsafe { Slot::new(piece, memory.clone(), index, format) };
        slots.push(slot, GFP_KERNEL)?;
    }
    Ok(slots)
}

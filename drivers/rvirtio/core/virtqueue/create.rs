// SPDX-License-Identifier: GPL-2.0

//! Creating rings, with their memory and the buffers in them.

use super::{
    buffers::{
        Buffers,
        Rejected, //
    },
    handle::QueueHandle,
    memory::{
        PackedMemory,
        SplitMemory, //
    }, //
};
use crate::{
    dma::Dma,
    ring::{
        self,
        packed,
        split,
        AddError,
        Elements,
        Segment,
        Shadow,
        Token, //
    },
    spec::{
        feature,
        ring::{
            packed as packed_layout,
            split as split_layout,
            QUEUE_SIZE_MAX, //
        }, //
    },
};
use core::mem;
use kernel::prelude::*;

/// The size below which a ring is not reduced if there is not enough memory.
pub(super) const SIZE_FLOOR: u16 = 32;

/// A ring of either layout, in memory that the device can access.
pub(super) type Ring<'bound> = ring::Ring<SplitMemory<'bound>, PackedMemory<'bound>, KVec<Shadow>>;

/// A ring, and the buffer of each head descriptor.
pub(super) struct Parts<'bound, T> {
    pub(super) ring: Ring<'bound>,
    pub(super) slots: KVec<Option<T>>,
    /// The DMA addresses of descriptor area, driver area and device area.
    pub(super) addresses: [u64; 3],
}

impl<'bound, T: Buffers> Parts<'bound, T> {
    /// Allocates a ring of at most `max_size` descriptors. If there is not enough contiguous
    /// memory, a smaller one is allocated, but not smaller than `floor`.
    pub(super) fn new(handle: &QueueHandle<'bound>, max_size: u16, floor: u16) -> Result<Self> {
        let index = handle.index;
        let (ring, addresses) = new_ring(handle, max_size.max(1), floor).inspect_err(|error| {
            dev_err!(
                handle.device(),
                "failed to create queue {index}: {error:?}\n"
            )
        })?;
        let size = ring.size();
        let mut slots = KVec::with_capacity(usize::from(size), GFP_KERNEL)?;
        for _ in 0..size {
            slots.push(None, GFP_KERNEL)?;
        }
        Ok(Self {
            ring,
            slots,
            addresses,
        })
    }

    /// Adds a buffer without a table. Not inlined, because queues on a hot path use indirect
    /// descriptors.
    #[inline(never)]
    pub(super) fn add_direct(&mut self, data: &T) -> Result<Token, AddError> {
        match data.only_readable() {
            Some(segments) => self.ring.add_chain(segments, []),
            None => self.add_any(data),
        }
    }

    #[inline(never)]
    fn add_any(&mut self, data: &T) -> Result<Token, AddError> {
        self.ring.add_elements(&SegmentsOf(data))
    }

    /// Stores the buffer whose descriptors were just added to the ring, if they were.
    #[inline(always)]
    pub(super) fn put_added(
        &mut self,
        added: Result<Token, AddError>,
        data: T,
    ) -> Result<(), Rejected<T>> {
        match added {
            Ok(token) => {
                self.put(token, data);
                Ok(())
            }
            Err(error) => Err(Rejected { error, value: data }),
        }
    }

    /// Stores the buffer whose descriptors were just added to the ring.
    #[inline(always)]
    pub(super) fn put(&mut self, token: Token, data: T) {
        if let Some(slot) = self.slots.get_mut(usize::from(token.index())) {
            // It is empty: the ring only returns tokens of descriptors that were free. So there is
            // nothing to drop.
            mem::forget(slot.replace(data));
        }
    }

    /// Returns the length of the memory that the device accesses, in bytes.
    pub(super) fn memory_len(&self) -> u64 {
        let [first, _, last] = self.addresses;
        let last_len = match &self.ring {
            ring::Ring::Split(ring) => split_layout::used_size(ring.size()),
            ring::Ring::Packed(_) => packed_layout::EVENT_SIZE,
        };
        // CAST: To a larger type.
        last.saturating_sub(first).saturating_add(last_len as u64)
    }

    /// Returns a buffer that is in the ring.
    #[inline(always)]
    pub(super) fn get(&self, token: Token) -> Option<&T> {
        self.slots.get(usize::from(token.index()))?.as_ref()
    }

    /// Returns the buffer whose token the ring has just returned.
    #[inline]
    pub(super) fn take(&mut self, token: Token) -> Option<T> {
        self.slots.get_mut(usize::from(token.index()))?.take()
    }
}

/// The segments of a buffer, as elements for the ring.
struct SegmentsOf<'a, T>(&'a T);

impl<T: Buffers> Elements for SegmentsOf<'_, T> {
    #[inline]
    fn for_each_readable(&self, each: impl FnMut(Segment)) {
        self.0.for_each_readable(each);
    }

    #[inline]
    fn for_each_writable(&self, each: impl FnMut(Segment)) {
        self.0.for_each_writable(each);
    }
}

/// Creates a ring of the negotiated layout. Its size is the largest that the device supports,
/// limited by `max_size`, and reduced down to `floor` if there is not enough contiguous memory.
/// Also returns the DMA addresses of its three areas.
#[doc(alias = "vring_create_virtqueue")]
fn new_ring<'bound>(
    handle: &QueueHandle<'bound>,
    max_size: u16,
    floor: u16,
) -> Result<(Ring<'bound>, [u64; 3])> {
    let is_packed = handle.features.contains(feature::RING_PACKED);
    let device_max = handle.max_size();
    let possible = device_max <= QUEUE_SIZE_MAX && (is_packed || device_max.is_power_of_two());
    if device_max == 0 || !possible {
        dev_err!(handle.device(), "invalid queue size {device_max}\n");
        return Err(EINVAL);
    }
    let max_size = if is_packed {
        max_size
    } else {
        previous_power_of_two(max_size)
    };
    let config = ring::Config::new(handle.features);
    let mut size = device_max.min(max_size);
    loop {
        let created = if is_packed {
            new_packed(handle.dma, size, config)
        } else {
            new_split(handle.dma, size, config)
        };
        match created {
            Err(ENOMEM) if size > floor => size /= 2,
            _ => return created,
        }
    }
}

/// Returns the largest power of two that is at most `n`; 1 for 0.
const fn previous_power_of_two(n: u16) -> u16 {
    match n.checked_ilog2() {
        Some(log) => 1 << log,
        None => 1,
    }
}

fn new_split(dma: Dma<'_>, size: u16, config: ring::Config) -> Result<(Ring<'_>, [u64; 3])> {
    let memory = SplitMemory::new(dma, size)?;
    let addresses = memory.addresses();
    let shadow = KVec::from_elem(Shadow::default(), size.into(), GFP_KERNEL)?;
    let ring = split::Ring::new(memory, shadow, config).map_err(|_| EINVAL)?;
    Ok((ring::Ring::Split(ring), addresses))
}

fn new_packed(dma: Dma<'_>, size: u16, config: ring::Config) -> Result<(Ring<'_>, [u64; 3])> {
    let memory = PackedMemory::new(dma, size)?;
    let addresses = memory.addresses();
    let shadow = KVec::from_elem(Shadow::default(), size.into(), GFP_KERNEL)?;
    let ring = packed::Ring::new(memory, shadow, config).map_err(|_| EINVAL)?;
    Ok((ring::Ring::Packed(ring), addresses))
}

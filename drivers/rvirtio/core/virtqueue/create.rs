// SPDX-License-Identifier: GPL-2.0

//! Rings with their memory, before the device knows them.

use super::{
    buffers::Buffers,
    memory::{
        PackedMemory,
        SplitMemory, //
    },
    place::Place,
    Virtqueue, //
};
use crate::{
    dma::Dma,
    ring::{
        self,
        packed,
        split,
        Shadow, //
    },
    spec::{
        feature,
        ring::QUEUE_SIZE_MAX, //
    },
    transport::QueueSetup,
};
use core::mem::ManuallyDrop;
use kernel::prelude::*;

/// A ring is not made smaller than this many descriptors for want of memory.
pub(super) const SIZE_FLOOR: u16 = 32;

/// A ring of any layout, in memory that the device can access.
pub(super) type Ring<'bound> = ring::Ring<SplitMemory<'bound>, PackedMemory<'bound>, KVec<Shadow>>;

/// A queue that the device does not know.
pub(super) struct Idle<'bound, T: Buffers> {
    ring: Ring<'bound>,
    slots: KVec<Option<T>>,
    place: Place<'bound>,
    /// Descriptor, driver and device area.
    addresses: [u64; 3],
    config: ring::Config,
}

impl<'bound, T: Buffers> Idle<'bound, T> {
    /// Allocates a queue of at most `max_size` descriptors. If there is not enough contiguous
    /// memory it becomes smaller, but not smaller than `floor`.
    pub(super) fn new(place: Place<'bound>, max_size: u16, floor: u16) -> Result<Self> {
        let (dma, index) = (place.dma, place.index);
        let dev = dma.device();
        let config = ring::Config::new(dev.features());
        let (mut ring, addresses) = new_ring(dma, place.device_max, max_size.max(1), floor, config)
            .inspect_err(|error| dev_err!(dev, "queue {index} can not be set up: {error:?}\n"))?;
        let size = ring.size();
        if let ring::Ring::Packed(ring) = &mut ring {
            if place.capacity(size) < size {
                ring.keep_one_free();
            }
        }
        let mut slots = KVec::with_capacity(usize::from(size), GFP_KERNEL)?;
        for _ in 0..size {
            slots.push(None, GFP_KERNEL)?;
        }
        Ok(Self {
            ring,
            slots,
            place,
            addresses,
            config,
        })
    }

    /// Tells the device, which from here on may use the memory.
    pub(super) fn enable(self) -> Result<Virtqueue<'bound, T>> {
        let place = self.place;
        let [desc, driver, device] = self.addresses;
        let setup = QueueSetup {
            size: self.ring.size(),
            desc,
            driver,
            device,
            vector: place.vector,
        };
        let transport = place.dma.device().transport();
        transport.setup_queue(place.index, &setup)?;
        Ok(Virtqueue {
            ring: ManuallyDrop::new(self.ring),
            slots: ManuallyDrop::new(self.slots),
            place,
            addr: desc,
            indirect: self.config.indirect,
            reported: false,
            returned: false,
        })
    }
}

/// Creates a ring of the layout that was negotiated: of `device_max` descriptors, or less if
/// `max_size` is, or, down to `floor`, if there is not enough contiguous memory. Also returns where
/// the device finds its three areas.
#[doc(alias = "vring_create_virtqueue")]
fn new_ring(
    dma: Dma<'_>,
    device_max: u16,
    max_size: u16,
    floor: u16,
    config: ring::Config,
) -> Result<(Ring<'_>, [u64; 3])> {
    let dev = dma.device();
    let is_packed = dev.features().contains(feature::RING_PACKED);
    let possible = device_max <= QUEUE_SIZE_MAX && (is_packed || device_max.is_power_of_two());
    if device_max == 0 || !possible {
        dev_err!(dev, "device has a queue of impossible size {device_max}\n");
        return Err(EINVAL);
    }
    let max_size = if is_packed {
        max_size
    } else {
        previous_power_of_two(max_size)
    };
    let mut size = device_max.min(max_size);
    loop {
        let created = if is_packed {
            new_packed(dma, size, config)
        } else {
            new_split(dma, size, config)
        };
        match created {
            Err(ENOMEM) if size > floor => size /= 2,
            _ => return created,
        }
    }
}

/// The largest power of two that is at most `n`; 1 for 0.
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

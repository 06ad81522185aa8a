// SPDX-License-Identifier: GPL-2.0

//! Virtqueues that own the buffers which the device has.
//!
//! [`Virtqueue::add`] takes a buffer, [`Virtqueue::pop_used`] gives it back once the device is
//! done. In between nobody can free it, read it, or use it for something else, and that is all
//! that safe code needs in order not to corrupt memory.
//!
//! The ring layer below ([`crate::ring`]) knows no buffers, only their descriptors; this layer
//! keeps the buffer of each descriptor head in `slots`.

pub mod buffers;
pub mod slab;

pub use self::buffers::{
    Buffers,
    FilledTable,
    In,
    Out, //
};
pub use crate::ring::{
    AddError,
    More, //
};

use crate::{
    device::Stopped,
    display::Log,
    dma::Dma,
    mem::{
        PackedMemory,
        SplitMemory, //
    },
    notify::{
        Doorbell,
        Kick, //
    },
    ring::{
        self,
        packed,
        split,
        Shadow,
        Token, //
    },
    spec::{
        feature,
        ring::QUEUE_SIZE_MAX, //
    },
};
use core::mem::{
    self,
    ManuallyDrop, //
};
use kernel::prelude::*;

/// A buffer that the device has used.
pub struct Used<T> {
    /// The buffer.
    pub data: T,
    /// How many bytes the device says it has written, counted from the start of the writable
    /// part; at most the length of that. The rest of the buffer holds what it held before.
    pub written: u32,
}

/// A buffer that a queue did not take, and why.
pub struct Rejected<T> {
    /// Why.
    pub error: AddError,
    /// The buffer.
    pub value: T,
}

type Ring<'bound> = ring::Ring<SplitMemory<'bound>, PackedMemory<'bound>, KVec<Shadow>>;

/// A queue of buffers of type `T` between driver and device.
///
/// It has no lock of its own: an interrupt handler and those who submit need one around it.
#[doc(alias = "virtqueue")]
pub struct Virtqueue<'bound, T: Buffers> {
    ring: ManuallyDrop<Ring<'bound>>,
    /// The buffer that starts at each descriptor.
    slots: ManuallyDrop<KVec<Option<T>>>,
    doorbell: Doorbell<'bound>,
    dma: Dma<'bound>,
    index: u16,
    indirect: bool,
    /// A violation was logged.
    reported: bool,
}

impl<'bound, T: Buffers> Virtqueue<'bound, T> {
    /// Creates queue `index`, with at most `max_size` descriptors; `activate` tells the device
    /// where it is.
    pub(crate) fn new(
        dma: Dma<'bound>,
        index: u16,
        max_size: u16,
        activate: impl FnOnce(u16, [u64; 3]) -> Result<Doorbell<'bound>>,
    ) -> Result<Self> {
        let dev = dma.device();
        let device_max = dev.transport().max_queue_size(index);
        let config = ring::Config::new(dev.features());
        let (ring, addresses) = new_ring(dma, device_max, max_size.max(1), config)
            .inspect_err(|error| dev_err!(dev, "queue {index} can not be set up: {error:?}\n"))?;
        let size = ring.size();
        let mut slots = KVec::with_capacity(usize::from(size), GFP_KERNEL)?;
        for _ in 0..size {
            slots.push(None, GFP_KERNEL)?;
        }
        // Last, as from here on the device may use the memory: nothing below can fail.
        let doorbell = activate(size, addresses)?;
        Ok(Self {
            ring: ManuallyDrop::new(ring),
            slots: ManuallyDrop::new(slots),
            doorbell,
            dma,
            index,
            indirect: config.indirect,
            reported: false,
        })
    }

    /// Gives a buffer to the device, which sees it at the next [`Virtqueue::kick_prepare`].
    ///
    /// # Errors
    ///
    /// The buffer comes back with the reason: [`AddError::Full`] goes away when the device uses
    /// buffers, [`AddError::Broken`] when it is reset; the others are faults of the buffer.
    #[doc(alias = "virtqueue_add_sgs")]
    #[inline]
    pub fn add(&mut self, data: T) -> Result<(), Rejected<T>> {
        match self.add_descriptors(&data) {
            Ok(token) => {
                // The slot is empty: the ring gives out tokens of free descriptors only.
                if let Some(slot) = self.slots.get_mut(usize::from(token.index())) {
                    *slot = Some(data);
                }
                Ok(())
            }
            Err(error) => Err(Rejected { error, value: data }),
        }
    }

    #[inline]
    fn add_descriptors(&mut self, data: &T) -> Result<Token, AddError> {
        if !self.dma.device().is_live() {
            return Err(AddError::Broken);
        }
        if self.indirect {
            if let Some(table) = data.table() {
                return self.ring.add_indirect(table.segment, table.writable_len);
            }
        }
        self.add_direct(data)
    }

    /// Out of line, as queues that are worth a fast path have indirect descriptors.
    #[inline(never)]
    fn add_direct(&mut self, data: &T) -> Result<Token, AddError> {
        self.ring.add_direct(data.readable(), data.writable())
    }

    /// Shows all new buffers to the device. Returns the notification to send if the device wants
    /// one, which is best done without the lock around the queue.
    #[doc(alias = "virtqueue_kick_prepare")]
    #[inline]
    pub fn kick_prepare(&mut self) -> Option<Kick<'bound>> {
        self.ring.kick_prepare().then(|| Kick::new(self.doorbell))
    }

    /// Takes back a buffer that the device has used.
    ///
    /// `None` when there is none, and for ever when the device broke the rules of the ring; see
    /// [`Virtqueue::is_broken`].
    #[doc(alias = "virtqueue_get_buf")]
    #[inline]
    pub fn pop_used(&mut self) -> Option<Used<T>> {
        match self.ring.pop_used() {
            Ok(used) => {
                let used = used?;
                // There is a buffer: the ring checked that the descriptor is one's head.
                let slot = self.slots.get_mut(usize::from(used.token.index()))?;
                Some(Used {
                    data: slot.take()?,
                    written: used.written,
                })
            }
            Err(violation) => {
                self.report(violation);
                None
            }
        }
    }

    #[cold]
    fn report(&mut self, violation: ring::Violation) {
        if !mem::replace(&mut self.reported, true) {
            let index = self.index;
            dev_err!(
                self.dma.device(),
                "queue {index}: device broke the ring: {}\n",
                Log(violation)
            );
            self.dma.device().fail();
        }
    }

    /// Asks the device not to interrupt. It may do so nevertheless.
    #[doc(alias = "virtqueue_disable_cb")]
    #[inline]
    pub fn disable_cb(&mut self) {
        self.ring.disable_cb();
    }

    /// Asks the device to interrupt, and says whether it has used buffers that it may not
    /// interrupt for.
    #[doc(alias = "virtqueue_enable_cb")]
    #[inline]
    pub fn enable_cb(&mut self) -> More {
        self.ring.enable_cb()
    }

    /// Like [`Virtqueue::enable_cb`], but the device may wait until it has used most of the
    /// buffers that it has.
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    pub fn enable_cb_delayed(&mut self) -> More {
        self.ring.enable_cb_delayed()
    }

    /// Number of free descriptors.
    #[inline]
    pub fn num_free(&self) -> u16 {
        self.ring.num_free()
    }

    /// Number of buffers that the queue has.
    #[inline]
    pub fn in_flight(&self) -> u16 {
        self.ring.in_flight()
    }

    /// Number of descriptors.
    #[doc(alias = "virtqueue_get_vring_size")]
    pub fn size(&self) -> u16 {
        self.ring.size()
    }

    /// Says whether buffers can have a table of descriptors, so that each takes up only one of
    /// the queue's.
    pub fn has_indirect(&self) -> bool {
        self.indirect
    }

    /// Says whether the queue is out of use: because the device broke the rules, or was stopped.
    #[doc(alias = "virtqueue_is_broken")]
    pub fn is_broken(&self) -> bool {
        self.ring.broken().is_some() || !self.dma.device().is_live()
    }

    /// Takes back a buffer that the device has not used, now that it is stopped. Used ones that
    /// were not popped count as not used.
    ///
    /// `None` when there is none left. The queue takes no more buffers.
    #[doc(alias = "virtqueue_detach_unused_buf")]
    pub fn detach_unused(&mut self, _proof: &Stopped<'_>) -> Option<T> {
        let token = self.ring.detach_unused()?;
        self.slots.get_mut(usize::from(token.index()))?.take()
    }
}

impl<T: Buffers> Drop for Virtqueue<'_, T> {
    fn drop(&mut self) {
        let dev = self.dma.device();
        if !dev.may_free() {
            // The device may still write to all of this, so it must stay where it is.
            let index = self.index;
            dev_err!(
                dev,
                "queue {index} dropped while the device runs, leaking it\n"
            );
            return;
        }
        // SAFETY: They are dropped once, here; the device was reset.
        unsafe {
            ManuallyDrop::drop(&mut self.slots);
            ManuallyDrop::drop(&mut self.ring);
        }
    }
}

/// A ring is not made smaller than this many descriptors for want of memory.
const SIZE_FLOOR: u16 = 32;

/// Creates a ring of the layout that was negotiated: of `device_max` descriptors, or less if
/// `max_size` is, or if there is not enough contiguous memory. Also returns where the device finds
/// its three areas.
#[doc(alias = "vring_create_virtqueue")]
fn new_ring(
    dma: Dma<'_>,
    device_max: u16,
    max_size: u16,
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
            Err(ENOMEM) if size > SIZE_FLOOR => size /= 2,
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

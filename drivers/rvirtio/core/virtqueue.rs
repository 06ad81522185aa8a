// SPDX-License-Identifier: GPL-2.0

//! Virtqueues that own the buffers which the device has.
//!
//! [`Virtqueue::add`] takes a buffer, [`Virtqueue::pop_used`] gives it back once the device is
//! done. In between nobody can free it, read it, or use it for something else, and that is all
//! that safe code needs in order not to corrupt memory.
//!
//! The ring layer below ([`crate::ring`]) knows no buffers, only their descriptors; this layer
//! keeps the buffer of each descriptor head in `slots`.
//!
//! What a request goes through is inlined whatever its size: a frame of its own, and a result that
//! goes through memory, are a fifth of what adding a buffer costs.

pub mod buffers;
mod create;
pub mod exchange;
mod memory;
mod place;
pub mod slab;

pub use self::buffers::{
    Buffers,
    FilledTable,
    In,
    Out, //
};
pub use self::place::{
    Place,
    Returned, //
};
pub use crate::ring::{
    AddError,
    More, //
};

use self::create::{
    Idle,
    Ring,
    SIZE_FLOOR, //
};
use crate::{
    device::Stopped,
    display::Log,
    dma::Dma,
    notify::Kick,
    ring::{
        self,
        Token, //
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

/// A queue of buffers of type `T` between driver and device.
///
/// It has no lock of its own: an interrupt handler and those who submit need one around it.
#[doc(alias = "virtqueue")]
pub struct Virtqueue<'bound, T: Buffers> {
    ring: ManuallyDrop<Ring<'bound>>,
    /// The buffer that starts at each descriptor.
    slots: ManuallyDrop<KVec<Option<T>>>,
    place: Place<'bound>,
    /// Where the device finds the ring.
    addr: u64,
    indirect: bool,
    /// A violation was logged.
    reported: bool,
    /// The device has let go of the queue.
    returned: bool,
}

impl<'bound, T: Buffers> Virtqueue<'bound, T> {
    /// Creates queue `index` with at most `max_size` descriptors, which interrupts by `vector`,
    /// and tells the device.
    pub(crate) fn new(
        dma: Dma<'bound>,
        index: u16,
        max_size: u16,
        vector: Option<u16>,
    ) -> Result<Self> {
        let dev = dma.device();
        let transport = dev.transport();
        let place = Place {
            dma,
            index,
            device_max: transport.max_queue_size(index),
            vector,
            doorbell: transport.doorbell(index, dev.features())?,
        };
        Idle::new(place, max_size, SIZE_FLOOR)?.enable()
    }

    /// The queue's place in the device.
    pub fn place(&self) -> Place<'bound> {
        self.place
    }

    /// Gives a buffer to the device, which sees it at the next [`Virtqueue::kick_prepare`].
    ///
    /// # Errors
    ///
    /// The buffer comes back with the reason: [`AddError::Full`] goes away when the device uses
    /// buffers, [`AddError::Broken`] when it is reset; the others are faults of the buffer.
    #[doc(alias = "virtqueue_add_sgs")]
    #[inline(always)]
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

    #[inline(always)]
    fn add_descriptors(&mut self, data: &T) -> Result<Token, AddError> {
        if !self.place.dma.device().is_live() {
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
    #[inline(always)]
    pub fn kick_prepare(&mut self) -> Option<Kick<'bound>> {
        if !self.ring.kick_prepare() {
            return None;
        }
        let doorbell = self.place.doorbell;
        if doorbell.has_data() {
            // Here, while nobody else can add: the device shall not see an older place later.
            doorbell.ring(self.ring.notification_data());
            return None;
        }
        Some(Kick::new(doorbell))
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
            let index = self.place.index;
            dev_err!(
                self.place.dma.device(),
                "queue {index}: device broke the ring: {}\n",
                Log(violation)
            );
            self.place.dma.device().fail();
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

    /// Number of descriptors that can be in use together; see [`Place::capacity`].
    pub fn capacity(&self) -> u16 {
        self.ring.capacity()
    }

    /// Says whether buffers can have a table of descriptors, so that each takes up only one of
    /// the queue's.
    pub fn has_indirect(&self) -> bool {
        self.indirect
    }

    /// Says whether the queue is out of use: because the device broke the rules, or was stopped.
    #[doc(alias = "virtqueue_is_broken")]
    pub fn is_broken(&self) -> bool {
        self.ring.broken().is_some() || !self.place.dma.device().is_live()
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
        let dev = self.place.dma.device();
        if !self.returned && !dev.may_free() {
            // The device may still write to all of this, so it must stay where it is.
            let index = self.place.index;
            dev_err!(
                dev,
                "queue {index} dropped while the device runs, leaking it\n"
            );
            return;
        }
        // SAFETY: They are dropped once, here; the device was reset, or only the queue.
        unsafe {
            ManuallyDrop::drop(&mut self.slots);
            ManuallyDrop::drop(&mut self.ring);
        }
    }
}

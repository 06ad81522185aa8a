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
mod drain;
mod enable;
pub mod exchange;
mod memory;
mod place;
pub mod slab;
mod spare;

pub use self::buffers::{
    Buffers,
    FilledTable,
    In,
    Out, //
};
pub use self::drain::{
    drain,
    Deferred, //
};
pub use self::place::Place;
pub use self::spare::SpareRing;
pub use crate::ring::{
    AddError,
    More, //
};

use self::create::{
    Parts,
    SIZE_FLOOR, //
};
use crate::{
    device::{
        Epoch,
        Stopped, //
    },
    display::Log,
    dma::Dma,
    notify::Kick,
    ring::{
        self,
        Arm,
        Token, //
    },
    spec::feature::Features,
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
///
/// # Invariants
///
/// - If the device may know the memory of `parts`, `enabled` is set, and the device is in the life
///   in which that happened; or that life has ended, and so has the device's knowledge.
/// - If `epoch` is that of a life, the queue was enabled in that.
/// - If `fresh`, the ring is as it was made.
#[doc(alias = "virtqueue")]
pub struct Virtqueue<'bound, T: Buffers> {
    parts: ManuallyDrop<Parts<'bound, T>>,
    place: Place<'bound>,
    epoch: Epoch,
    indirect: bool,
    enabled: bool,
    fresh: bool,
    /// A violation was logged.
    reported: bool,
}

impl<'bound, T: Buffers> Virtqueue<'bound, T> {
    /// Creates queue `index`, of which at most `capacity` descriptors are in use together.
    pub(crate) fn new(
        dma: Dma<'bound>,
        features: Features,
        index: u16,
        capacity: u16,
    ) -> Result<Self> {
        let place = Place::new(dma, features, index)?;
        let config = ring::Config::new(features);
        let parts = Parts::new(&place, config.size_for(capacity), SIZE_FLOOR)?;
        // INVARIANT: The device was not told.
        Ok(Self {
            parts: ManuallyDrop::new(parts),
            place,
            epoch: Epoch::NONE,
            indirect: config.indirect,
            enabled: false,
            fresh: true,
            reported: false,
        })
    }

    /// Returns the queue's place in the device.
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
                self.parts.put(token, data);
                Ok(())
            }
            Err(error) => Err(Rejected { error, value: data }),
        }
    }

    #[inline(always)]
    fn add_descriptors(&mut self, data: &T) -> Result<Token, AddError> {
        if !self.place.device().life().takes_buffers(self.epoch) {
            return Err(AddError::Broken);
        }
        if self.indirect {
            if let Some(table) = data.table() {
                return self
                    .parts
                    .ring
                    .add_indirect(table.segment, table.writable_len);
            }
        }
        self.add_direct(data)
    }

    /// Out of line, as queues that are worth a fast path have indirect descriptors.
    #[inline(never)]
    fn add_direct(&mut self, data: &T) -> Result<Token, AddError> {
        self.parts
            .ring
            .add_chain(data.count(), data.readable(), data.writable())
    }

    /// Shows all new buffers to the device. Returns the notification to send if the device wants
    /// one, which is best done without the lock around the queue.
    ///
    /// Before DRIVER_OK and after a reset there is none (virtio 1.4, 3.1.1): what was added before
    /// is to be notified of once the device runs.
    #[doc(alias = "virtqueue_kick_prepare")]
    #[inline(always)]
    pub fn kick_prepare(&mut self) -> Option<Kick<'bound>> {
        if !self.parts.ring.kick_prepare() {
            return None;
        }
        if !self.place.device().life().is_running(self.epoch) {
            return None;
        }
        let doorbell = self.place.doorbell;
        if doorbell.has_data() {
            // Here, while nobody else can add: the device shall not see an older place later.
            doorbell.ring(self.parts.ring.notification_data());
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
        match self.parts.ring.pop_used() {
            Ok(used) => {
                let used = used?;
                // There is a buffer: the ring checked that the descriptor is one's head.
                Some(Used {
                    data: self.parts.take(used.token)?,
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
                self.place.device(),
                "queue {index}: device broke the ring: {}\n",
                Log(violation)
            );
            self.place.device().fail();
        }
    }

    /// Asks the device not to interrupt. It may do so nevertheless.
    #[doc(alias = "virtqueue_disable_cb")]
    #[inline]
    pub fn disable_cb(&mut self) {
        self.parts.ring.disable_cb();
    }

    /// Asks the device to interrupt, and says whether it has used buffers that it may not
    /// interrupt for.
    #[doc(alias = "virtqueue_enable_cb")]
    #[inline]
    pub fn enable_cb(&mut self) -> More {
        self.parts.ring.arm(Arm::Next)
    }

    /// Like [`Virtqueue::enable_cb`], but the device may wait until it has used most of the
    /// buffers that it has.
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    pub fn enable_cb_delayed(&mut self) -> More {
        self.parts.ring.arm(Arm::MostInFlight)
    }

    /// Returns the number of free descriptors.
    #[inline]
    pub fn num_free(&self) -> u16 {
        self.parts.ring.num_free()
    }

    /// Returns the number of buffers that the queue has.
    #[inline]
    pub fn in_flight(&self) -> u16 {
        self.parts.ring.in_flight()
    }

    /// Returns the number of descriptors.
    #[doc(alias = "virtqueue_get_vring_size")]
    pub fn size(&self) -> u16 {
        self.parts.ring.size()
    }

    /// Returns the number of descriptors that can be in use together; see [`Place::capacity`].
    pub fn capacity(&self) -> u16 {
        self.parts.ring.capacity()
    }

    /// Returns whether buffers can have a table of descriptors, so that each takes up only one of
    /// the queue's.
    pub fn has_indirect(&self) -> bool {
        self.indirect
    }

    /// Returns whether the queue is out of use: because the device broke the rules, or because the
    /// queue is not enabled.
    #[doc(alias = "virtqueue_is_broken")]
    pub fn is_broken(&self) -> bool {
        self.parts.ring.broken().is_some() || !self.place.device().life().takes_buffers(self.epoch)
    }

    /// Takes back a buffer that the device has not used, now that device or queue is stopped. Used
    /// ones that were not popped count as not used.
    ///
    /// `None` when there is none left, or when `stopped` is about another queue. Of a device that
    /// did not confirm its reset, buffers whose memory is the driver's do not come back: it is
    /// leaked, as the device may still write to it. The queue takes no more buffers.
    #[doc(alias = "virtqueue_detach_unused_buf")]
    pub fn detach_unused(&mut self, stopped: &Stopped<'_>) -> Option<T> {
        if !stopped.covers(self.place.device(), self.place.index) {
            return None;
        }
        self.epoch = Epoch::NONE;
        // INVARIANT: The device has let go of the queue, if it says so.
        self.enabled &= !stopped.is_confirmed();
        loop {
            let token = self.parts.ring.detach_unused()?;
            let data = self.parts.take(token)?;
            if stopped.is_confirmed() {
                return Some(data);
            }
            if let Some(data) = data.abandon() {
                return Some(data);
            }
        }
    }
}

impl<T: Buffers> Drop for Virtqueue<'_, T> {
    fn drop(&mut self) {
        let dev = self.place.device();
        if self.enabled && !dev.life().is_stopped() {
            // The device may still write to all of this, so it must stay where it is.
            let index = self.place.index;
            dev_err!(dev, "queue {index} is in use by the device, leaking it\n");
            return;
        }
        // SAFETY: Dropped once, here. The device does not know the memory: it was not told, or has
        // let go of it (type invariant).
        unsafe { ManuallyDrop::drop(&mut self.parts) };
    }
}

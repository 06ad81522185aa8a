// SPDX-License-Identifier: GPL-2.0

//! The queue itself.

use super::{
    buffers::{
        Buffers,
        Rejected,
        Used, //
    },
    create::{
        Parts,
        SIZE_FLOOR, //
    },
    handle::QueueHandle, //
};
use crate::{
    device::{
        Epoch,
        Stopped, //
    },
    dma::Dma,
    notify::Kick,
    ring::{
        self,
        AddError,
        Arm,
        More, //
    },
    spec::feature::Features,
};
use core::mem::ManuallyDrop;
use kernel::prelude::*;

/// A queue of buffers of type `T` between driver and device.
///
/// It has no lock of its own: a lock around it has to synchronise the interrupt handler and the
/// callers that add buffers.
///
/// # Invariants
///
/// - If the device may access the memory of `parts`, it was told of it in the epoch `told`. Such
///   access ends with that epoch.
/// - Unless `epoch` is `Epoch::NONE`, the queue was enabled in it, and it is `told`.
/// - If `fresh` is set, the ring was not used since it was created.
#[doc(alias = "virtqueue")]
pub struct Virtqueue<'bound, T: Buffers> {
    pub(super) parts: ManuallyDrop<Parts<'bound, T>>,
    pub(super) handle: QueueHandle<'bound>,
    pub(super) epoch: Epoch,
    pub(super) told: Epoch,
    indirect: bool,
    pub(super) fresh: bool,
    /// Whether a violation was logged.
    pub(super) reported: bool,
}

impl<'bound, T: Buffers> Virtqueue<'bound, T> {
    /// Creates queue `index`, of which at most `capacity` descriptors are in use together.
    pub(crate) fn new(
        dma: Dma<'bound>,
        features: Features,
        index: u16,
        capacity: u16,
    ) -> Result<Self> {
        let handle = QueueHandle::new(dma, features, index)?;
        let config = ring::Config::new(features);
        let parts = Parts::new(&handle, config.size_for(capacity), SIZE_FLOOR)?;
        // INVARIANT: The device was not told of the memory, and the ring is new.
        Ok(Self {
            parts: ManuallyDrop::new(parts),
            handle,
            epoch: Epoch::NONE,
            told: Epoch::NONE,
            indirect: config.indirect,
            fresh: true,
            reported: false,
        })
    }

    /// Returns a handle to the queue, which stays valid when its ring is replaced.
    pub fn handle(&self) -> QueueHandle<'bound> {
        self.handle
    }

    /// Adds a buffer, which the next [`Virtqueue::kick_prepare`] makes available to the device.
    ///
    /// # Errors
    ///
    /// The buffer is returned with the reason. [`AddError::Full`] lasts until the device uses
    /// buffers, and [`AddError::Broken`] until the device or the queue is enabled again. The other
    /// errors are about the buffer itself.
    #[doc(alias = "virtqueue_add_sgs")]
    #[inline(always)]
    pub fn add(&mut self, data: T) -> Result<(), Rejected<T>> {
        let parts = &mut *self.parts;
        // Each way ends by itself: a result that they have in common would be packed into a word.
        if !self.handle.device().life().takes_buffers(self.epoch) {
            return Err(Rejected {
                error: AddError::Broken,
                value: data,
            });
        }
        if self.indirect {
            if let Some(table) = data.table() {
                let added = parts.ring.add_indirect(table.segment, table.writable_len);
                return parts.put_added(added, data);
            }
        }
        if let Some((segment, access)) = data.single() {
            let added = parts.ring.add_one(segment, access);
            return parts.put_added(added, data);
        }
        let added = parts.add_direct(&data);
        parts.put_added(added, data)
    }

    /// Makes all new buffers available to the device. Returns a notification if the device needs
    /// one, which is best sent without holding the lock around the queue.
    ///
    /// Before DRIVER_OK and after a reset there is none (virtio 1.4, 3.1.1). A driver that adds
    /// buffers before DRIVER_OK has to notify the device once it is running.
    #[doc(alias = "virtqueue_kick_prepare")]
    #[inline(always)]
    pub fn kick_prepare(&mut self) -> Option<Kick<'bound>> {
        let wanted = self.parts.ring.kick_prepare();
        self.kick(wanted)
    }

    #[inline(always)]
    fn kick(&self, wanted: bool) -> Option<Kick<'bound>> {
        if !wanted || !self.handle.device().life().is_running(self.epoch) {
            return None;
        }
        let doorbell = self.handle.doorbell;
        if doorbell.has_data() {
            // Send it here, while no buffers can be added, so that the device sees positions in
            // order.
            doorbell.ring(self.parts.ring.notification_data());
            return None;
        }
        Some(Kick::new(doorbell))
    }

    /// Makes all new buffers available to the device, and returns a notification even if the device
    /// does not need one: it might have missed one, or the driver has added buffers before
    /// DRIVER_OK.
    ///
    /// There is none while the device is not running, or if there are no buffers.
    #[cold]
    pub fn kick_again(&mut self) -> Option<Kick<'bound>> {
        self.parts.ring.kick_prepare();
        self.kick(self.in_flight() != 0)
    }

    /// Returns whether the device is known to have seen all buffers, so that it cannot have missed a
    /// notification. It may have seen them if not, above all without `EVENT_IDX`.
    #[cold]
    pub fn has_all_been_seen(&self) -> bool {
        self.parts.ring.has_all_been_seen()
    }

    /// Returns a buffer that the device has used.
    ///
    /// Returns `None` if there is none, and always after the device has violated the protocol of
    /// the ring; see [`Virtqueue::is_broken`].
    #[doc(alias = "virtqueue_get_buf")]
    #[inline]
    pub fn pop_used(&mut self) -> Option<Used<T>> {
        match self.parts.ring.pop_used() {
            Ok(used) => {
                let used = used?;
                // This is never `None`: the ring has checked that the descriptor is the head of a
                // buffer.
                Some(Used {
                    data: self.parts.take(used.token)?,
                    written: used.written,
                    overlong: used.overlong,
                })
            }
            Err(violation) => {
                self.handle.report(&mut self.reported, violation);
                None
            }
        }
    }

    /// Takes back the buffers that the device has used, as far as one look finds them, and passes
    /// them to `each`.
    ///
    /// Callbacks stay as they are: if the device was asked for one that is due with these buffers, it
    /// has to be asked again, by [`Virtqueue::arm`].
    #[inline(always)]
    pub fn take_used(&mut self, mut each: impl FnMut(Used<T>)) {
        let Parts { ring, slots, .. } = &mut *self.parts;
        let taken = ring.take_used(|used| {
            // There is a buffer: the ring has checked that the descriptor is one's head.
            let slot = slots.get_mut(usize::from(used.token.index()));
            if let Some(data) = slot.and_then(Option::take) {
                each(Used {
                    data,
                    written: used.written,
                    overlong: used.overlong,
                });
            }
        });
        if let Err(violation) = taken {
            self.handle.report(&mut self.reported, violation);
        }
    }

    /// Returns whether the device seems to have used buffers, without asking for anything.
    #[inline]
    pub fn has_used(&self) -> bool {
        self.parts.ring.has_used()
    }

    /// Disables callbacks. The device may still interrupt.
    #[doc(alias = "virtqueue_disable_cb")]
    #[inline]
    pub fn disable_cb(&mut self) {
        self.parts.ring.disable_cb();
    }

    /// Disables callbacks, and makes sure that the device does not interrupt for what it uses later.
    #[inline]
    pub fn silence(&mut self) {
        self.parts.ring.silence();
    }

    /// Enables callbacks. Returns whether there are used buffers for which the device may not
    /// interrupt.
    #[doc(alias = "virtqueue_enable_cb")]
    #[inline]
    pub fn enable_cb(&mut self) -> More {
        self.parts.ring.arm(Arm::Next)
    }

    /// Enables callbacks like [`Virtqueue::enable_cb`], but the device may delay the interrupt
    /// until it has used most of the buffers.
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    pub fn enable_cb_delayed(&mut self) -> More {
        self.parts.ring.arm(Arm::MostInFlight)
    }

    /// Asks the device to interrupt for the buffer that `arm` says, and returns whether it has used
    /// that already, so that it may not interrupt.
    #[inline]
    pub fn arm(&mut self, arm: Arm) -> More {
        self.parts.ring.arm(arm)
    }

    /// Returns whether the device was asked for an interrupt that the driver has not seen the reason
    /// for yet.
    #[inline]
    pub fn is_armed(&self) -> bool {
        self.parts.ring.is_armed()
    }

    /// Returns the number of free descriptors.
    #[inline]
    pub fn num_free(&self) -> u16 {
        self.parts.ring.num_free()
    }

    /// Returns the number of buffers that are in the queue.
    #[inline]
    pub fn in_flight(&self) -> u16 {
        self.parts.ring.in_flight()
    }

    /// Returns how much was added since the last [`Virtqueue::kick_prepare`], which the device may not
    /// know of yet: buffers or, in a packed ring, their descriptors.
    #[inline]
    pub fn undecided(&self) -> u32 {
        self.parts.ring.undecided()
    }

    /// Returns the number of descriptors.
    #[doc(alias = "virtqueue_get_vring_size")]
    pub fn size(&self) -> u16 {
        self.parts.ring.size()
    }

    /// Returns the number of descriptors that can be in use together; see
    /// [`QueueHandle::capacity`].
    pub fn capacity(&self) -> u16 {
        self.parts.ring.capacity()
    }

    /// Returns whether buffers can have a table of descriptors, so that each uses only one
    /// descriptor of the queue.
    pub fn has_indirect(&self) -> bool {
        self.indirect
    }

    /// Returns whether the queue cannot be used, because the device has violated the protocol of
    /// the ring, or because the queue is not enabled.
    #[doc(alias = "virtqueue_is_broken")]
    pub fn is_broken(&self) -> bool {
        self.parts.ring.broken().is_some() || !self.handle.device().life().takes_buffers(self.epoch)
    }

    /// Returns what the ring looks like now, for [`Driver::show`](crate::Driver::show).
    pub fn snapshot(&self) -> ring::Snapshot {
        self.parts.ring.snapshot()
    }

    /// Returns a buffer that the device has not used, after the device or the queue was stopped.
    /// Used buffers that were not popped are returned too.
    ///
    /// Returns `None` if there is none left, or if `stopped` is not for this queue. If the device
    /// has not confirmed its reset, buffers whose memory belongs to the driver are leaked instead,
    /// as the device may still write to them. The queue accepts no more buffers until it is enabled
    /// again.
    #[doc(alias = "virtqueue_detach_unused_buf")]
    pub fn detach_unused(&mut self, stopped: &Stopped<'_>) -> Option<T> {
        if !stopped.covers(self.handle.device(), self.handle.index) {
            return None;
        }
        self.epoch = Epoch::NONE;
        // INVARIANT: If the reset is confirmed, the device no longer accesses the memory of the
        // queue.
        if stopped.is_confirmed() {
            self.told = Epoch::NONE;
        }
        loop {
            let token = self.parts.ring.detach_unused()?;
            let data = self.parts.take(token)?;
            if stopped.is_confirmed() {
                return Some(data);
            }
            let len = data.writable().map(|segment| u64::from(segment.len)).sum();
            match data.abandon() {
                Some(data) => return Some(data),
                None => self.handle.device().counters().leaked_bytes.add(len),
            }
        }
    }

    /// Returns whether the device was told of the memory of the ring, and may still access it.
    pub(super) fn is_told(&self) -> bool {
        self.told != Epoch::NONE && !self.handle.device().life().has_ended(self.told)
    }

    /// Returns whether the queue was enabled in `epoch` already, or the device was told of it.
    pub(super) fn is_enabled_in(&self, epoch: Epoch) -> bool {
        self.told == epoch
    }
}

impl<T: Buffers> Drop for Virtqueue<'_, T> {
    fn drop(&mut self) {
        let dev = self.handle.device();
        if self.is_told() {
            // The device may still access the memory, so it must not be freed.
            let index = self.handle.index;
            dev.counters().leaked_bytes.add(self.parts.memory_len());
            dev_err!(
                dev,
                "queue {index} still in use by the device, leaking it\n"
            );
            return;
        }
        // SAFETY: `parts` is only dropped here. The device does not access the memory: either it
        // was not told of it, or the epoch has ended (type invariant).
        unsafe { ManuallyDrop::drop(&mut self.parts) };
    }
}

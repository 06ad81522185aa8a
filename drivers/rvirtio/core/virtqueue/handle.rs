// SPDX-License-Identifier: GPL-2.0

//! Handles to queues, which do not change when the ring is replaced.

use crate::{
    device::{
        Device,
        Start,
        Stopped, //
    },
    display::DisplayAdapter,
    dma::Dma,
    notify::Doorbell,
    ring::{
        self,
        Violation, //
    },
    spec::feature::{
        self,
        Features, //
    },
};
use core::{
    mem,
    ptr, //
};
use kernel::{
    device::Bound,
    prelude::*, //
};

/// A handle to a queue of a device, which stays valid when its ring is replaced.
#[derive(Clone, Copy)]
pub struct QueueHandle<'bound> {
    pub(super) dma: Dma<'bound>,
    pub(super) features: Features,
    pub(super) index: u16,
    /// The largest size that the device supports.
    device_max: u16,
    pub(super) doorbell: Doorbell<'bound>,
}

impl<'bound> QueueHandle<'bound> {
    /// Reads the properties of queue `index` from the device.
    pub(super) fn new(dma: Dma<'bound>, features: Features, index: u16) -> Result<Self> {
        let transport = dma.device().transport();
        Ok(Self {
            dma,
            features,
            index,
            device_max: transport.max_queue_size(index),
            doorbell: transport.doorbell(index, features)?,
        })
    }

    #[inline]
    pub(super) fn device(&self) -> &'bound Device<Bound> {
        self.dma.device()
    }

    /// Logs that the device has broken the rules, but only once, and has it reset.
    #[cold]
    pub(super) fn report(&self, reported: &mut bool, violation: Violation) {
        if !mem::replace(reported, true) {
            let index = self.index;
            dev_err!(
                self.device(),
                "queue {index}: broken ring: {}\n",
                DisplayAdapter(violation)
            );
            self.device().request_reset();
        }
    }

    /// Returns whether both are of the same queue of the same device.
    pub(super) fn is(&self, other: &Self) -> bool {
        ptr::eq(self.device(), other.device()) && self.index == other.index
    }

    /// Returns the largest size of the queue in descriptors.
    pub fn max_size(&self) -> u16 {
        self.device_max
    }

    /// Returns the number of descriptors that can be in use at the same time in a queue of `size`:
    /// all, or all but one; see [`ring::Config::capacity`].
    pub fn capacity(&self, size: u16) -> u16 {
        ring::Config::new(self.features).capacity(size)
    }

    /// Resets the queue (virtio 1.4, 2.6.1 Virtqueue Reset), calls
    /// [`Driver::reclaim`](crate::Driver::reclaim) for the buffers in it, and then `start` to
    /// enable it again. Sleeps for at most ten seconds.
    ///
    /// A device might keep working on a buffer in spite of the reset, and write to it. So it is
    /// best to wait until all buffers were returned, and to add none before this returns.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] without `RING_RESET`; [`EBUSY`] while the device or one of its queues is
    /// being started, stopped or reset, also by this thread; [`EIO`] if the device is not running.
    /// If the device does not confirm the reset, or `start` fails, the error is returned and the
    /// device has failed.
    #[doc(alias = "virtqueue_reset")]
    #[doc(alias = "virtqueue_resize")]
    pub fn reset(&self, start: impl FnOnce(&mut Start<'_>) -> Result) -> Result {
        if !self.has_reset() {
            return Err(EOPNOTSUPP);
        }
        self.device().reset_queue(self.index, start)
    }

    /// Resets the queue like [`QueueHandle::reset`], but has `restart` take back the buffers in it, by
    /// [`Virtqueue::detach_unused`](super::Virtqueue::detach_unused), before it enables the queue. For
    /// a driver that holds a lock which its `reclaim` takes.
    ///
    /// # Errors
    ///
    /// Those of [`QueueHandle::reset`].
    #[doc(alias = "virtqueue_resize")]
    pub fn reset_with(
        &self,
        restart: impl FnOnce(&Stopped<'_>, &mut Start<'_>) -> Result,
    ) -> Result {
        if !self.has_reset() {
            return Err(EOPNOTSUPP);
        }
        self.device()
            .reset_queue_with(self.index, |_, stopped, start| restart(stopped, start))
    }

    /// Returns whether the device can reset the queue alone.
    pub fn has_reset(&self) -> bool {
        self.features.contains(feature::RING_RESET)
    }

    /// Returns whether the queue can have `size` descriptors: not 0, at most
    /// [`QueueHandle::max_size`] and, for a split ring, a power of two.
    pub fn can_have(&self, size: u16) -> bool {
        let possible = self.features.contains(feature::RING_PACKED) || size.is_power_of_two();
        size != 0 && size <= self.max_size() && possible
    }
}

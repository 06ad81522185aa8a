// SPDX-License-Identifier: GPL-2.0

//! The place of a queue in its device: what stays when its ring is replaced.

use crate::{
    device::{
        Device,
        Start, //
    },
    dma::Dma,
    notify::Doorbell,
    ring,
    spec::feature::{
        self,
        Features, //
    },
};
use core::ptr;
use kernel::{
    device::Bound,
    prelude::*, //
};

/// The place of a queue in its device.
#[derive(Clone, Copy)]
pub struct Place<'bound> {
    pub(super) dma: Dma<'bound>,
    pub(super) features: Features,
    pub(super) index: u16,
    /// The largest size that the device can do.
    device_max: u16,
    pub(super) doorbell: Doorbell<'bound>,
}

impl<'bound> Place<'bound> {
    /// Asks the device for what it says about queue `index`.
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

    /// Returns whether both are the same queue of the same device.
    pub(super) fn is(&self, other: &Self) -> bool {
        ptr::eq(self.device(), other.device()) && self.index == other.index
    }

    /// Returns the largest size that the queue can have, in descriptors.
    pub fn max_size(&self) -> u16 {
        self.device_max
    }

    /// Returns how many descriptors of a queue of `size` can be in use together.
    ///
    /// All, or all but one; see [`ring::Config::capacity`].
    pub fn capacity(&self, size: u16) -> u16 {
        ring::Config::new(self.features).capacity(size)
    }

    /// Resets the queue (virtio 1.4, 2.6.1 Virtqueue Reset): takes it back from the device, calls
    /// [`Driver::reclaim`](crate::Driver::reclaim) for what was in it, then `start` to enable it
    /// again. Sleeps for at most ten seconds.
    ///
    /// It is up to the device whether it ends what it has begun: one that keeps working on a buffer
    /// in spite of the reset may still write to it, so it is best to wait until all have come back,
    /// and to add none before this returns.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] without `RING_RESET`; [`EBUSY`] while the device or one of its queues is being
    /// started, stopped or reset, also by this thread; [`EIO`] when it does not run. When it does
    /// not let go of the queue, or `start` fails, the device has failed, and the error is returned.
    #[doc(alias = "virtqueue_reset")]
    #[doc(alias = "virtqueue_resize")]
    pub fn reset(&self, start: impl FnOnce(&mut Start<'_>) -> Result) -> Result {
        if !self.features.contains(feature::RING_RESET) {
            return Err(EOPNOTSUPP);
        }
        self.device().reset_queue(self.index, start)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Giving a queue another ring while its device runs (virtio 1.4, 2.6.1 Virtqueue Reset).

use super::{
    buffers::Buffers,
    create::Idle,
    Virtqueue, //
};
use crate::{
    dma::Dma,
    notify::Doorbell,
    spec::feature, //
};
use core::ptr;
use kernel::prelude::*;

/// The place of a queue in its device: what stays when its ring is replaced.
#[derive(Clone, Copy)]
pub struct Place<'bound> {
    pub(super) dma: Dma<'bound>,
    pub(super) index: u16,
    /// The largest size that the device can do.
    pub(super) device_max: u16,
    pub(super) vector: Option<u16>,
    pub(super) doorbell: Doorbell<'bound>,
}

impl<'bound> Place<'bound> {
    /// The largest size that the queue can have, in descriptors.
    pub fn max_size(&self) -> u16 {
        self.device_max
    }

    /// How many descriptors of a queue of `size` can be in use together.
    ///
    /// All, but for one of a packed ring that is used in order: when all are in flight, QEMU 11.1
    /// never gives them back, and a driver that does not know, as the one in C, waits for ever.
    pub fn capacity(&self, size: u16) -> u16 {
        let features = self.dma.device().features();
        let one_is_kept_free =
            features.contains(feature::RING_PACKED) && features.contains(feature::IN_ORDER);
        if one_is_kept_free {
            size.saturating_sub(1).max(1)
        } else {
            size
        }
    }

    /// Takes the queue back from the device, and gives it one with `size` descriptors in its
    /// stead.
    ///
    /// `swap` is to put the new queue where the old one was, and to return that. From before it is
    /// called, buffers that the old queue has do not come back, and others may be added to the
    /// new one only. Sleeps for at most ten seconds, apart from allocations.
    ///
    /// Returns the buffers that the old queue had. It is up to the device whether it ends what it
    /// has begun: one that keeps working on a buffer in spite of the reset may still write to it,
    /// so it is best to wait until all have come back.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] without `RING_RESET`, [`EINVAL`] for a size that is larger than
    /// [`Place::max_size`] or, in a split ring, no power of two, and [`ENOMEM`]: nothing has
    /// changed. When the device
    /// does not let go of the queue or does not take the new one, the device has failed, and what
    /// the transport says is returned.
    #[doc(alias = "virtqueue_resize")]
    #[doc(alias = "virtqueue_reset")]
    pub fn resize<T: Buffers>(
        self,
        size: u16,
        swap: impl FnOnce(Virtqueue<'bound, T>) -> Virtqueue<'bound, T>,
    ) -> Result<Returned<'bound, T>> {
        let dev = self.dma.device();
        if !dev.features().contains(feature::RING_RESET) {
            return Err(EOPNOTSUPP);
        }
        let possible = dev.features().contains(feature::RING_PACKED) || size.is_power_of_two();
        if size == 0 || size > self.device_max || !possible {
            return Err(EINVAL);
        }
        // While the old one still works: a lack of memory shall cost nothing.
        let new = Idle::new(self, size, size)?;
        let new = dev
            .transport()
            .reset_queue(self.index)
            .and_then(|()| new.enable())
            .inspect_err(|error| {
                let index = self.index;
                dev_err!(dev, "queue {index} can not be reset: {error:?}\n");
                dev.fail();
            })?;
        let addr = new.addr;
        let mut old = swap(new);
        // The device has let go of what was in this place, which is not what is there now.
        let same_device = ptr::eq(old.place.dma.device(), dev);
        old.returned |= same_device && old.place.index == self.index && old.addr != addr;
        Ok(Returned(old))
    }
}

/// What a queue had when it was taken back from the device.
pub struct Returned<'bound, T: Buffers>(Virtqueue<'bound, T>);

impl<T: Buffers> Iterator for Returned<'_, T> {
    type Item = T;

    /// Returns a buffer that the device has not used, or that was not popped.
    fn next(&mut self) -> Option<T> {
        if !self.0.returned {
            return None;
        }
        let token = self.0.ring.detach_unused()?;
        self.0.slots.get_mut(usize::from(token.index()))?.take()
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Telling the device about queues.

use super::{
    buffers::Buffers,
    spare::SpareRing,
    Virtqueue, //
};
use crate::{
    device::Start,
    transport::QueueSetup, //
};
use core::mem;
use kernel::prelude::*;

impl Start<'_> {
    /// Tells the device about the queue: from here on it may use the memory, and buffers can be
    /// added. Does nothing unless it is this queue that is to be started. Neither sleeps nor
    /// allocates.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] for a queue that was enabled before, as its ring cannot be used a second time, and
    /// when the device does not accept the interrupt vector; [`EIO`] when somebody else has reset
    /// the device.
    #[doc(alias = "vp_active_vq")]
    pub fn enable<T: Buffers>(&mut self, vq: &mut Virtqueue<'_, T>) -> Result {
        let place = &vq.place;
        let Some(epoch) = self.epoch(place.device(), place.index) else {
            return Ok(());
        };
        if vq.enabled || !vq.fresh {
            return Err(EBUSY);
        }
        let [desc, driver, device] = vq.parts.addresses;
        let setup = QueueSetup {
            size: vq.parts.ring.size(),
            desc,
            driver,
            device,
            vector: self.vector(place.index),
        };
        // INVARIANT: Whatever comes of it, the device may know the memory, and is in this life.
        vq.enabled = true;
        vq.fresh = false;
        place
            .device()
            .transport()
            .setup_queue(place.index, &setup)?;
        vq.epoch = epoch;
        Ok(())
    }

    /// Like [`Start::enable`], but with `ring`, which gets the queue's old one in exchange.
    ///
    /// # Errors
    ///
    /// Those of [`Start::enable`]; [`EINVAL`] when it is not this queue that is to be started, or
    /// when `ring` is for another one; [`EBUSY`] when buffers are left in the queue.
    pub fn enable_with<'bound, T: Buffers>(
        &mut self,
        vq: &mut Virtqueue<'bound, T>,
        ring: &mut SpareRing<'bound, T>,
    ) -> Result {
        let covered = self.epoch(vq.place.device(), vq.place.index).is_some();
        if !covered || !ring.place.is(&vq.place) {
            return Err(EINVAL);
        }
        if vq.enabled || vq.in_flight() != 0 {
            return Err(EBUSY);
        }
        // INVARIANT: The queue is not enabled, so the device knows neither of the rings.
        mem::swap(&mut *vq.parts, &mut ring.parts);
        mem::swap(&mut vq.fresh, &mut ring.fresh);
        self.enable(vq)
    }
}

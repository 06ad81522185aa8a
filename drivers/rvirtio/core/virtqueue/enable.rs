// SPDX-License-Identifier: GPL-2.0

//! Enabling queues.

use super::{
    buffers::Buffers,
    queue::Virtqueue,
    spare::SpareRing, //
};
use crate::{
    device::Start,
    transport::QueueSetup, //
};
use core::mem;
use kernel::prelude::*;

impl Start<'_> {
    /// Enables a queue: from here on the device may access its memory, and buffers can be added.
    /// A ring that was used before is emptied. Does nothing if only another queue is to be started.
    /// Neither sleeps nor allocates.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] if the queue is enabled, if there are buffers left in it, or if the device does not
    /// accept the interrupt vector; [`EINVAL`] if the device does not support the size of the ring
    /// any more; [`EIO`] if somebody else has reset the device.
    #[doc(alias = "vp_active_vq")]
    pub fn enable<T: Buffers>(&mut self, vq: &mut Virtqueue<'_, T>) -> Result {
        let handle = &vq.handle;
        let Some(epoch) = self.epoch(handle.device(), handle.index) else {
            return Ok(());
        };
        if vq.is_enabled_in(epoch) || vq.in_flight() != 0 {
            return Err(EBUSY);
        }
        if !vq.fresh {
            // After it was stopped, the device can be another one, with other limits.
            let max = handle.device().transport().max_queue_size(handle.index);
            if max < vq.parts.ring.size() {
                let index = handle.index;
                dev_err!(handle.device(), "queue {index}: invalid queue size {max}\n");
                return Err(EINVAL);
            }
            // The device does not access the memory: the epoch in which it was told of it has
            // ended, or the queue was reset.
            vq.parts.ring.restart();
            vq.reported = false;
        }
        let [desc, driver, device] = vq.parts.addresses;
        let setup = QueueSetup {
            size: vq.parts.ring.size(),
            desc,
            driver,
            device,
            vector: self.vector(handle.index),
        };
        // INVARIANT: Even if this fails, the device may access the memory from here on, until
        // `epoch` ends. The epoch in which it was told of the memory before has ended.
        vq.told = epoch;
        vq.fresh = false;
        handle
            .device()
            .transport()
            .setup_queue(handle.index, &setup)?;
        vq.epoch = epoch;
        Ok(())
    }

    /// Enables a queue like [`Start::enable`], after exchanging its ring for `ring`.
    ///
    /// # Errors
    ///
    /// Those of [`Start::enable`]; [`EINVAL`] if only another queue is to be started, or if `ring`
    /// was allocated for another one; [`EBUSY`] if there are buffers left in the queue.
    pub fn enable_with<'bound, T: Buffers>(
        &mut self,
        vq: &mut Virtqueue<'bound, T>,
        ring: &mut SpareRing<'bound, T>,
    ) -> Result {
        let covered = self.epoch(vq.handle.device(), vq.handle.index).is_some();
        if !covered || !ring.handle.is(&vq.handle) {
            return Err(EINVAL);
        }
        if vq.is_told() || vq.in_flight() != 0 {
            return Err(EBUSY);
        }
        // INVARIANT: The queue is not enabled, so the device accesses neither of the rings.
        mem::swap(&mut *vq.parts, &mut ring.parts);
        mem::swap(&mut vq.fresh, &mut ring.fresh);
        self.enable(vq)
    }
}

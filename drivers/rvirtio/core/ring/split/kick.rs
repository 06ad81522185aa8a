// SPDX-License-Identifier: GPL-2.0

//! Publishing buffers, and deciding whether to notify the device.

use super::{
    memory::Memory,
    Ring, //
};
use crate::{
    ring::{
        barriers::Barriers,
        buffer::Shadow,
        event::need_event, //
    },
    spec::ring::split::USED_F_NO_NOTIFY, //
};
use core::{
    mem,
    ops::DerefMut, //
};

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Makes all buffers that were added visible to the device.
    ///
    /// The device is not notified of them; [`kick_prepare`](Self::kick_prepare) returns later
    /// whether this is necessary.
    #[inline]
    pub fn publish(&mut self) {
        let new = self.avail_idx;
        if new == self.published {
            return;
        }
        // Descriptors and ring elements must be visible before the index that covers them.
        self.mem.barriers().wmb();
        self.mem.avail_idx().write(new);
        self.published = new;
    }

    /// Makes all buffers that were added visible to the device, and returns whether it has to be
    /// notified of those that were added since the last call.
    #[doc(alias = "virtqueue_kick_prepare")]
    #[inline]
    pub fn kick_prepare(&mut self) -> bool {
        self.publish();
        let added = mem::take(&mut self.undecided);
        if added == 0 {
            return false;
        }
        // The index must be visible before the event or the flags are read. The device writes these
        // and then reads the index, so at least one side sees the other's store.
        self.mem.barriers().mb();
        self.wants_kick(added)
    }

    /// Returns whether the device wants to be notified of the last `added` buffers.
    #[inline]
    fn wants_kick(&self, added: u32) -> bool {
        if self.event_idx {
            need_event(self.mem.avail_event().read(), self.published, added)
        } else {
            self.mem.used_flags().read() & USED_F_NO_NOTIFY == 0
        }
    }

    /// Returns whether the device has asked to be notified of the next buffer that is made available,
    /// which it does when it has seen all others. Without `EVENT_IDX` that is not known.
    #[cold]
    pub fn has_all_been_seen(&self) -> bool {
        self.event_idx && self.mem.avail_event().read() == self.published
    }

    /// Returns the upper half of the 32-bit value of a notification with `NOTIFICATION_DATA`: the
    /// index of the next buffer that will be made available (virtio 1.4, 2.9 Driver Notifications).
    #[doc(alias = "vring_notification_data")]
    #[inline]
    pub fn notification_data(&self) -> u16 {
        self.published
    }
}

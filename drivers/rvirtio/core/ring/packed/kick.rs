// SPDX-License-Identifier: GPL-2.0

//! Making buffers available, and deciding whether the device has to be told.

use super::{
    Memory,
    Ring, //
};
use crate::{
    ring::{
        Barriers,
        Shadow, //
    },
    spec::ring::packed::{
        EVENT_FLAG_DESC,
        EVENT_FLAG_DISABLE,
        EVENT_FLAG_MASK, //
    },
};
use core::ops::DerefMut;

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Lets the device see all buffers added so far.
    ///
    /// The device is not told that there are new ones; [`kick_prepare`](Self::kick_prepare)
    /// returns later whether it has to be.
    #[inline]
    pub fn publish(&mut self) {
        if self.published == self.added {
            return;
        }
        self.published = self.added;
        let first = self.pending;
        // The device must see everything else before it finds the first descriptor available.
        self.mem.barriers().wmb();
        self.mem.desc(first.position.slot()).meta.write(first.meta);
    }

    /// Lets the device see all buffers added so far, and returns whether it has to be notified of
    /// those that were added since the last call.
    #[doc(alias = "virtqueue_kick_prepare_packed")]
    #[inline]
    pub fn kick_prepare(&mut self) -> bool {
        self.publish();
        let added = self.undecided;
        if added == 0 {
            return false;
        }
        self.undecided = 0;
        // The descriptors must be visible before it is read whether to notify: the device writes that
        // and then looks at the descriptors, so that one of both sides sees the other's store.
        self.mem.barriers().mb();
        let event = self.mem.device_event().read();
        // CAST: position and flags are the two halves.
        let (position, flags) = (event as u16, (event >> 16) as u16);
        match flags & EVENT_FLAG_MASK {
            EVENT_FLAG_DISABLE => false,
            EVENT_FLAG_DESC if self.event_idx => {
                self.next_avail.is_passed(position, added, self.size)
            }
            // To notify once too often does no harm, so a value that is reserved counts as enabled.
            _ => true,
        }
    }

    /// Returns what a notification tells the device with `NOTIFICATION_DATA`, the upper half of
    /// the 32-bit value: the place of the next descriptor that will be made available
    /// (virtio 1.4, 2.9 Driver Notifications).
    #[doc(alias = "vring_notification_data")]
    #[inline]
    pub fn notification_data(&self) -> u16 {
        self.next_published().bits()
    }
}

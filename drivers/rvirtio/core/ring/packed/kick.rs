// SPDX-License-Identifier: GPL-2.0

//! Publishing buffers, and deciding whether to notify the device.

use super::{
    memory::Memory,
    Ring, //
};
use crate::{
    ring::{
        barriers::Barriers,
        buffer::Shadow, //
    },
    spec::ring::packed::{
        EVENT_FLAG_DESC,
        EVENT_FLAG_DISABLE,
        EVENT_FLAG_MASK, //
    }, //
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
        if self.published == self.added {
            return;
        }
        self.published = self.added;
        let first = self.pending;
        // Everything else must be visible before the first descriptor is available.
        self.mem.barriers().wmb();
        self.mem.desc(first.slot).meta.write(first.meta);
    }

    /// Makes all buffers that were added visible to the device, and returns whether it has to be
    /// notified of those that were added since the last call.
    #[doc(alias = "virtqueue_kick_prepare_packed")]
    #[inline]
    pub fn kick_prepare(&mut self) -> bool {
        self.publish();
        let added = mem::take(&mut self.undecided);
        if added == 0 {
            return false;
        }
        // The descriptors must be visible before the event is read. The device writes the event and
        // then reads the descriptors, so at least one side sees the other's store.
        self.mem.barriers().mb();
        self.wants_kick(added)
    }

    /// Returns whether the device wants to be notified of the last `added` descriptors.
    #[inline]
    fn wants_kick(&self, added: u32) -> bool {
        let event = self.mem.device_event().read();
        // CAST: Position and flags are the two halves.
        let (position, flags) = (event as u16, (event >> 16) as u16 & EVENT_FLAG_MASK);
        if flags == EVENT_FLAG_DESC && self.event_idx {
            self.next_avail.is_passed(position, added, self.size)
        } else {
            // An unnecessary notification is harmless, so reserved values are treated as enabled.
            flags != EVENT_FLAG_DISABLE
        }
    }

    /// Returns whether the device has asked to be notified of the next descriptor that is made
    /// available, which it does when it has seen all others. Without `EVENT_IDX` that is not known.
    #[cold]
    pub fn has_all_been_seen(&self) -> bool {
        let event = self.mem.device_event().read();
        // CAST: Position and flags are the two halves.
        let (position, flags) = (event as u16, (event >> 16) as u16);
        self.event_idx
            && flags & EVENT_FLAG_MASK == EVENT_FLAG_DESC
            && position == self.next_published().bits()
    }

    /// Returns the upper half of the 32-bit value of a notification with `NOTIFICATION_DATA`: the
    /// position of the next descriptor that will be made available (virtio 1.4, 2.9 Driver
    /// Notifications).
    #[doc(alias = "vring_notification_data")]
    #[inline]
    pub fn notification_data(&self) -> u16 {
        self.next_published().bits()
    }
}

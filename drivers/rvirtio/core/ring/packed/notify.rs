// SPDX-License-Identifier: GPL-2.0

//! Making buffers available, and deciding whether the device has to be told.

use super::{
    Memory,
    Position,
    Ring, //
};
use crate::{
    ring::Shadow,
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
    /// The device is not told that there are new ones; [`kick_prepare`](Self::kick_prepare) says
    /// later whether it has to be.
    #[inline]
    pub fn publish(&mut self) {
        if let Some(first) = self.pending.take() {
            // The device must see everything else before it finds the first descriptor available.
            self.mem.wmb();
            self.mem.desc(first.position.slot()).meta.write(first.meta);
            self.published = self.added;
        }
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
        // The descriptors must be visible before the device's wish is read: the device writes its
        // wish and then looks at the descriptors, so that one of both sides sees the other's store.
        self.mem.mb();
        let event = self.mem.device_event().read();
        // CAST: position and flags are the two halves.
        let (position, flags) = (event as u16, (event >> 16) as u16);
        match flags & EVENT_FLAG_MASK {
            EVENT_FLAG_DISABLE => false,
            EVENT_FLAG_DESC if self.event_idx => self.passes(Position::from_bits(position), added),
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
        self.pending
            .map_or(self.next_avail, |first| first.position)
            .bits()
    }

    /// Returns whether `event` is among the `added` descriptors before `next_avail`, which are up
    /// to two laps when the device was not notified for long.
    #[inline]
    fn passes(&self, event: Position, added: u16) -> bool {
        // What is at `next_avail` was made available two laps ago, or not yet.
        let ahead = self.next_avail.distance_to(event, self.size);
        let two_laps = u32::from(self.size).wrapping_mul(2);
        two_laps.wrapping_sub(ahead) <= u32::from(added)
    }
}

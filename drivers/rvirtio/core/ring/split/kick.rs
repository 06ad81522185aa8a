// SPDX-License-Identifier: GPL-2.0

//! Publishing buffers, and deciding whether to notify the device.

use super::{
    Memory,
    Ring, //
};
use crate::{
    ring::{
        event::need_event,
        Arm,
        Barriers,
        More,
        Shadow, //
    },
    spec::ring::split::USED_F_NO_NOTIFY,
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
        let added = new.wrapping_sub(self.published);
        if added == 0 {
            return;
        }
        // Descriptors and ring elements must be visible before the index that covers them.
        self.mem.barriers().wmb();
        self.mem.avail_idx().write(new);
        self.published = new;
        // `kicked` was lapped if the distance to it has become smaller than the last step.
        self.overrun |= new.wrapping_sub(self.kicked) < added;
    }

    /// Makes all buffers that were added visible to the device, and returns whether it has to be
    /// notified of those that were added since the last call.
    #[doc(alias = "virtqueue_kick_prepare")]
    #[inline]
    pub fn kick_prepare(&mut self) -> bool {
        self.publish();
        let Some(old) = self.decide() else {
            return false;
        };
        // The index must be visible before the event or the flags are read. The device writes these
        // and then reads the index, so at least one side sees the other's store.
        self.mem.barriers().mb();
        self.wants_kick(old)
    }

    /// Does what [`kick_prepare`](Self::kick_prepare) and then [`arm`](Self::arm) do, with one barrier
    /// for both.
    #[inline(always)]
    pub fn kick_and_arm(&mut self, arm: Arm) -> (bool, More) {
        self.publish();
        let skipped = self.request(arm);
        let old = self.decide();
        // See `kick_prepare` and `arm`: both stores come before both loads.
        self.mem.barriers().mb();
        let kick = old.is_some_and(|old| self.wants_kick(old));
        (kick, self.passed(skipped))
    }

    /// Returns what the last decision to notify covered, if there is another one to make now.
    #[inline]
    fn decide(&mut self) -> Option<Decided> {
        let (index, overrun) = (self.kicked, mem::replace(&mut self.overrun, false));
        self.kicked = self.published;
        (index != self.kicked || overrun).then_some(Decided { index, overrun })
    }

    /// Returns whether the device wants to be notified of the buffers since `old`.
    #[inline]
    fn wants_kick(&self, old: Decided) -> bool {
        if self.event_idx {
            let event = self.mem.avail_event();
            old.overrun || need_event(event.read(), self.kicked, old.index)
        } else {
            self.mem.used_flags().read() & USED_F_NO_NOTIFY == 0
        }
    }

    /// Returns the upper half of the 32-bit value of a notification with `NOTIFICATION_DATA`: the
    /// index of the next buffer that will be made available (virtio 1.4, 2.9 Driver Notifications).
    #[doc(alias = "vring_notification_data")]
    #[inline]
    pub fn notification_data(&self) -> u16 {
        self.published
    }
}

/// What a decision to notify covered.
#[derive(Clone, Copy)]
struct Decided {
    /// The index after the last buffer.
    index: u16,
    /// Since then, the index has gone all the way around.
    overrun: bool,
}

// SPDX-License-Identifier: GPL-2.0

//! Requesting callbacks; see [the rules for both layouts](crate::ring#callbacks).

use super::{
    memory::Memory,
    Ring, //
};
use crate::{
    ring::{
        barriers::Barriers,
        buffer::Shadow,
        event::{
            Arm,
            More, //
        }, //
    },
    spec::ring::split::AVAIL_F_NO_INTERRUPT, //
};
use core::ops::DerefMut;

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Enables callbacks, requests one, and returns whether there are already used buffers, for
    /// which possibly none will come.
    #[doc(alias = "virtqueue_enable_cb")]
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    #[inline]
    pub fn arm(&mut self, arm: Arm) -> More {
        let mut skipped = 0;
        if self.event_idx {
            self.callbacks = true;
            skipped = arm.skipped(self.published.wrapping_sub(self.last_used));
            self.write_event(self.last_used.wrapping_add(skipped));
        } else if !self.callbacks {
            self.callbacks = true;
            self.mem.avail_flags().write(0);
        }
        // The request must be visible before `used.idx` is read. The device writes the index and
        // then reads the request, so at least one side sees the other's store.
        self.mem.barriers().mb();
        // A stopped or broken ring has nothing to pop.
        let used = self.mem.used_idx().read().wrapping_sub(self.last_used);
        if used > skipped && self.state.is_live() {
            More::Pending
        } else {
            More::Nothing
        }
    }

    /// Returns whether a callback is requested, and not for a buffer that was already popped. It
    /// has come, or will come at the latest for the last published buffer.
    #[inline]
    pub fn is_armed(&self) -> bool {
        // An event before `last_used` appears to be far ahead, because the indices wrap.
        let ahead = self.used_event.wrapping_sub(self.last_used);
        let available = self.published.wrapping_sub(self.last_used);
        self.callbacks && (!self.event_idx || ahead == 0 || ahead < available)
    }

    /// Disables callbacks.
    ///
    /// This is only a hint: callbacks may still come. With `EVENT_IDX`, there are no more callbacks
    /// after the requested one, so nothing is written here, but only by a
    /// [`pop_used`](Self::pop_used) that finds no buffer while a callback is still requested.
    #[doc(alias = "virtqueue_disable_cb")]
    #[inline]
    pub fn disable_cb(&mut self) {
        if self.callbacks {
            self.callbacks = false;
            if !self.event_idx {
                self.mem.avail_flags().write(AVAIL_F_NO_INTERRUPT);
            }
        }
    }

    /// Disables callbacks like [`disable_cb`](Self::disable_cb), and takes a request back, so that none
    /// comes for what the device uses later.
    #[inline]
    pub fn silence(&mut self) {
        self.disable_cb();
        if self.event_idx {
            self.write_event(self.last_used.wrapping_sub(1));
        }
    }

    /// Requests a callback for the next buffer if callbacks are enabled and all known used buffers
    /// are popped.
    ///
    /// The next read of `used.idx` then finds a buffer that was used before the device has seen the
    /// event.
    #[inline]
    pub(super) fn rearm(&mut self) {
        if self.last_used == self.used_seen && self.event_idx && self.callbacks {
            self.write_event(self.last_used);
            // See `arm`.
            self.mem.barriers().mb();
        }
    }

    /// Updates the event after no used buffer was found: to one in the past if callbacks are
    /// disabled, otherwise to one ahead. Returns whether there may be a used buffer now.
    #[inline]
    pub(super) fn settle(&mut self) -> bool {
        if !self.event_idx {
            return false;
        }
        if self.callbacks {
            return !self.is_armed() && self.arm(Arm::Next) == More::Pending;
        }
        // The event is at most a queue size ahead.
        if self.used_event.wrapping_sub(self.last_used) <= self.mask {
            self.write_event(self.last_used.wrapping_sub(1));
        }
        false
    }

    /// Requests a callback for when the used index moves past `event`.
    #[inline]
    fn write_event(&mut self, event: u16) {
        self.used_event = event;
        self.mem.used_event().write(event);
    }
}

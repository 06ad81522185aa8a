// SPDX-License-Identifier: GPL-2.0

//! Asking the device for callbacks; the contract is [that of both layouts](crate::ring#callbacks).

use super::{
    Memory,
    Ring, //
};
use crate::{
    ring::{
        state::State,
        Arm,
        Barriers,
        More,
        Shadow, //
    },
    spec::ring::split::AVAIL_F_NO_INTERRUPT,
};
use core::ops::DerefMut;

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Enables callbacks, asks for one, and returns whether there are used buffers already for
    /// which none may come.
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
        // What was asked for must be visible before `used.idx` is read: the device writes the index
        // and then looks whether to call, so that one of both sides sees the other's store.
        self.mem.barriers().mb();
        // A stopped or broken ring has nothing to pop.
        let used = self.mem.used_idx().read().wrapping_sub(self.last_used);
        if used > skipped && self.state == State::Live {
            More::Pending
        } else {
            More::Nothing
        }
    }

    /// Returns whether the device was asked for a callback that does not belong to a buffer that
    /// was popped: it has come, or will come at the latest for the last buffer that was published.
    #[inline]
    pub fn is_armed(&self) -> bool {
        // An event that was popped past is behind, which is far ahead as the indices wrap.
        let ahead = self.used_event.wrapping_sub(self.last_used);
        let available = self.published.wrapping_sub(self.last_used);
        self.callbacks && (!self.event_idx || ahead == 0 || ahead < available)
    }

    /// Asks the device for no callbacks.
    ///
    /// That is no more than a hint, the device may call all the same. With `EVENT_IDX` the device
    /// stops calling by itself once it has called, so nothing is written here, but only by a
    /// [`pop_used`](Self::pop_used) that finds nothing while the device would still call.
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

    /// Asks for a callback for the next buffer if callbacks are enabled, once the batch that is
    /// known is popped.
    ///
    /// The next look at `used.idx` then finds what came before the device has seen the event.
    #[inline]
    pub(super) fn rearm(&mut self) {
        if self.last_used == self.used_seen && self.event_idx && self.callbacks {
            self.write_event(self.last_used);
            // As in `arm`.
            self.mem.barriers().mb();
        }
    }

    /// Brings the event up to date after no used buffer was found: behind, if callbacks are disabled,
    /// else ahead. Returns whether there may be a used buffer now.
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

    /// Asks for a callback when the used index moves past `event`.
    #[inline]
    fn write_event(&mut self, event: u16) {
        self.used_event = event;
        self.mem.used_event().write(event);
    }
}
